package sts

import "strings"

// An AssumeRoleInput asks for a session of a role. Texts that were not sent
// are empty; every text but a tag's value has at least one character if sent.
type AssumeRoleInput struct {
	RoleARN           string
	RoleSessionName   string
	Policy            string   // session policy; "" if none
	PolicyARNs        []string // managed session policies
	DurationSeconds   int      // 3,600 if not sent
	Tags              []Tag
	TransitiveTagKeys []string
	ExternalID        string
	SourceIdentity    string
	SerialNumber      string // MFA device
	TokenCode         string // its six digits
}

// A Tag is a session tag.
type Tag struct{ Key, Value string }

// A GetSessionTokenInput asks for a session of the caller itself.
type GetSessionTokenInput struct {
	DurationSeconds int // 43,200 if not sent
	SerialNumber    string
	TokenCode       string
}

// A GetCallerIdentityInput asks who the caller is.
type GetCallerIdentityInput struct{}

// A DecodeAuthorizationMessageInput asks what a refusal's encoded message says.
type DecodeAuthorizationMessageInput struct{ EncodedMessage string }

// A CreateForwardTokenInput lets a service act on the caller's behalf. The
// action is keyreeve's own.
type CreateForwardTokenInput struct {
	Service string // service principal
	Region  string // in which; "": that of the request
}

// The bounds of DurationSeconds. API reference, AssumeRole and GetSessionToken.
const (
	minDuration            = 900
	maxRoleDuration        = 43200
	defaultRoleDuration    = 3600
	maxSessionDuration     = 129600
	defaultSessionDuration = 43200
)

func readAssumeRole(p *params) any {
	in := &AssumeRoleInput{
		RoleARN:           p.text("RoleArn", roleARN),
		RoleSessionName:   p.text("RoleSessionName", sessionName),
		Policy:            p.text("Policy", policyText),
		PolicyARNs:        p.list("PolicyArns", "arn", 10, policyARN),
		DurationSeconds:   p.number("DurationSeconds", defaultRoleDuration, minDuration, maxRoleDuration),
		Tags:              p.tags("Tags", 50),
		TransitiveTagKeys: p.list("TransitiveTagKeys", "", 50, tagKey),
		ExternalID:        p.text("ExternalId", externalID),
		SourceIdentity:    p.text("SourceIdentity", sourceIdentity),
		SerialNumber:      p.text("SerialNumber", serialNumber),
		TokenCode:         p.text("TokenCode", tokenCode),
	}
	if !isRoleARN(in.RoleARN) {
		p.fail(ValidationError, "Request ARN is invalid")
	}
	seen := map[string]bool{}
	for _, t := range in.Tags {
		key := strings.ToLower(t.Key)
		switch {
		case seen[key]:
			p.fail(InvalidParameterValue, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case strings.HasPrefix(key, "aws:"):
			p.fail(InvalidParameterValue, "aws: prefixed tag key names are not allowed for external use.")
		}
		seen[key] = true
	}
	return in
}

// isRoleARN wants arn:PARTITION:iam::ACCOUNT:role/PATH-AND-NAME.
func isRoleARN(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "iam" || parts[3] != "" {
		return false
	}
	name, ok := strings.CutPrefix(parts[5], "role/")
	return ok && name != "" && !strings.HasSuffix(name, "/") && len(parts[4]) == 12 && strings.Trim(parts[4], "0123456789") == ""
}

func readGetSessionToken(p *params) any {
	return &GetSessionTokenInput{
		DurationSeconds: p.number("DurationSeconds", defaultSessionDuration, minDuration, maxSessionDuration),
		SerialNumber:    p.text("SerialNumber", serialNumber),
		TokenCode:       p.text("TokenCode", tokenCode),
	}
}

func readGetCallerIdentity(*params) any { return &GetCallerIdentityInput{} }

func readDecodeAuthorizationMessage(p *params) any {
	return &DecodeAuthorizationMessageInput{EncodedMessage: p.text("EncodedMessage", encodedMessage)}
}

func readCreateForwardToken(p *params) any {
	return &CreateForwardTokenInput{Service: p.text("Service", servicePrincipal), Region: p.text("Region", regionName)}
}
