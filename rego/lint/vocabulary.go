package lint

import (
	"embed"
	"path"
	"slices"
	"strings"
)

//go:embed tables/*.txt
var tables embed.FS

// What AWS has besides what policy.Actions and policy.ConditionKeys know.
var (
	services          = readTable("services", "retired-services")
	rcpServices       = readTable("rcp-services")
	regions           = readTable("regions")
	viaServices       = readTable("viaservice")
	servicePrincipals = readTable("service-principals")
)

// serviceNames are for suggestions; of equally near ones kms is meant.
var serviceNames = append([]string{"kms"}, services.words...)

// ServicesLike lists services, as kms:ViaService begins with them, that fit a
// pattern: the best known first, at most n.
func ServicesLike(pattern string, n int) []string {
	var all []string
	for _, name := range append([]string{"s3", "ec2"}, viaServices.words...) {
		if ok, err := path.Match(pattern, name); err == nil && ok && !slices.Contains(all, name) && len(all) < n {
			all = append(all, name)
		}
	}
	return all
}

// A wordList is a table of names, in order and to look up.
type wordList struct {
	words []string
	has   map[string]bool
}

// readTable reads the names of embedded tables, separated by white space.
// Lines that start with # say where they are from.
func readTable(names ...string) wordList {
	l := wordList{has: map[string]bool{}}
	for _, name := range names {
		text, err := tables.ReadFile("tables/" + name + ".txt")
		if err != nil {
			panic("the table " + name + " is not embedded")
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				l.words = append(l.words, strings.Fields(line)...)
			}
		}
	}
	for _, word := range l.words {
		l.has[word] = true
	}
	return l
}

// stsActions are the actions of sts that exist besides those of policy.Actions.
var stsActions = []string{"sts:AssumeRoot", "sts:GetAccessKeyInfo", "sts:GetServiceBearerToken", "sts:GetWebIdentityToken",
	"sts:SetContext", "sts:TagGetWebIdentityToken"}

// otherSTSKeys are the condition keys of sts that exist besides those of
// policy.ConditionKeys and sts:RequestContext/NAME.
var otherSTSKeys = []string{"sts:AWSServiceName", "sts:DurationSeconds", "sts:IdentityTokenAudience", "sts:RequestContextProviders",
	"sts:SigningAlgorithm", "sts:TaskPolicyArn"}

// otherGlobalKeys are condition keys that exist and that no request to KMS
// holds.
var otherGlobalKeys = []string{"aws:CalledViaAWSMCP", "aws:IsMcpServiceAction", "aws:PrincipalOrgMasterAccountId", "aws:SignInSessionArn", "aws:SourceVpcArn", "aws:ViaAWSMCPService"}

// retiredKeys are condition keys with a newer name.
var retiredKeys = map[string]string{"aws:arn": "aws:PrincipalArn", "kms:customermasterkeyspec": "kms:KeySpec", "kms:customermasterkeyusage": "kms:KeyUsage"}

// decrypting actions give plaintext, or a ciphertext that somebody else can
// open. FSBP KMS.1, KMS.2.
var decrypting = []string{"kms:Decrypt", "kms:ReEncryptFrom"}

// cryptographic actions use key material.
var cryptographic = []string{"kms:Decrypt", "kms:DeriveSharedSecret", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
	"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateMac", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	"kms:Sign", "kms:Verify", "kms:VerifyMac"}
