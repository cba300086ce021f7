package world

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// matches is a check against a pattern; want describes it to people.
func matches(pattern, want string) check {
	re := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(text string) string {
		if re.MatchString(text) {
			return ""
		}
		return "must be " + want
	}
}

// oneOf is a check against a list.
func oneOf(texts ...string) check {
	return func(text string) string {
		for _, t := range texts {
			if t == text {
				return ""
			}
		}
		return "must be one of " + strings.Join(texts, ", ")
	}
}

func atMost(limit int) check {
	return func(text string) string {
		if utf8.RuneCountInString(text) > limit {
			return "too long"
		}
		return ""
	}
}

// The forms are those of IAM, STS and KMS, save access keys: a world may give
// any id that fits into a credential scope, and any secret.
var (
	isAccount     = matches(`[0-9]{12}`, "an account id of 12 digits")
	isAlias       = matches(`[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`, "a name of lower-case letters, digits and hyphens")
	isRegion      = matches(`[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}`, "a Region such as eu-west-1")
	isUserName    = matches(`[A-Za-z0-9_+=,.@-]{1,64}`, "a name of up to 64 letters, digits and +=,.@_-")
	isLongName    = matches(`[A-Za-z0-9_+=,.@-]{1,128}`, "a name of up to 128 letters, digits and +=,.@_-")
	isSession     = matches(`[A-Za-z0-9_+=,.@-]{2,64}`, "a session name of 2 to 64 letters, digits and +=,.@_-")
	isPath        = matches(`/(?:[A-Za-z0-9_+=,.@-]+/){0,20}`, "a path such as /staff/ that begins and ends with a slash")
	isUserID      = matches(`AIDA[A-Z0-9]{12,60}`, "a unique id that begins with AIDA, of 16 to 64 capital letters and digits")
	isRoleID      = matches(`AROA[A-Z0-9]{12,60}`, "a unique id that begins with AROA, of 16 to 64 capital letters and digits")
	isTagName     = matches(`[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}`, "a tag name of up to 128 letters, digits, spaces and _.:/=+-@")
	isTagValue    = matches(`[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}`, "a tag value of up to 256 letters, digits, spaces and _.:/=+-@")
	isAccessKey   = matches(`[!-+\-.0-<>-~]{1,128}`, "an access key id of up to 128 visible ASCII characters without comma, slash and equals sign")
	isSecret      = matches(`[ -~]{1,256}`, "a secret of 1 to 256 ASCII characters")
	isKeyName     = matches(`[A-Za-z0-9_.-]{1,64}`, "a name of up to 64 letters, digits and _.-")
	isKeyID       = matches(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}`, "a key id: a UUID, or mrk- and 32 hexadecimal digits")
	isKeyAlias    = matches(`alias/[A-Za-z0-9/_-]{1,250}`, "an alias name that begins with alias/")
	isGrantName   = matches(`[A-Za-z0-9:/_-]{1,256}`, "a grant name of up to 256 letters, digits and :/_-")
	isSubject     = matches(`[!-~]{1,255}`, "the subject that a provider names, in 1 to 255 characters")
	isProvider    = matches(`[!-~]{4,512}`, "the name or ARN of an identity provider")
	isService     = matches(`[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?`, "a service principal such as s3.amazonaws.com")
	isManagedName = matches(`[a-z0-9_-]{1,64}`, "what follows alias/aws/, such as s3")
	isAction      = matches(`[a-z0-9-]+:[A-Za-z*?]+`, "an action such as kms:GenerateDataKey*")
	isEndpoint    = matches(`vpce-[0-9a-f]{8,17}`, "an endpoint id such as vpce-0123456789abcdef0")
	isVPC         = matches(`vpc-[0-9a-f]{8,17}`, "a VPC id such as vpc-0123456789abcdef0")
	isHost        = matches(`[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,10}`, "a host name in lower case")
	isListener    = isKeyName
	isOrgID       = matches(`o-[a-z0-9]{10,32}`, "an organization id such as o-exampleorg")
	isRootID      = matches(`r-[0-9a-z]{4,32}`, "a root id such as r-ab12")
	isUnitID      = matches(`ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}`, "a unit id such as ou-ab12-exampleu")
	isUnitName    = matches(`[^/\x00-\x1f]{1,128}`, "a name of up to 128 characters without a slash")
	isECName      = matches(`[\s\S]{1,384}`, "1 to 384 characters")
	isECValue     = matches(`[\s\S]{0,384}`, "at most 384 characters")
	keyStates     = oneOf("Enabled", "Disabled", "PendingDeletion", "PendingImport")
	keyOrigins    = oneOf("AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")
)
