package lint

import (
	"embed"
	"strings"
)

//go:embed tables/*.txt
var tables embed.FS

// What AWS has besides what policy.Actions and policy.ConditionKeys know.
var (
	services          = readTable("services")
	rcpServices       = readTable("rcp-services")
	regions           = readTable("regions")
	viaServices       = readTable("viaservice")
	servicePrincipals = readTable("service-principals")
)

// serviceNames are for suggestions; of equally near ones kms is meant.
var serviceNames = append([]string{"kms"}, services.words...)

// A wordList is a table of names, in order and to look up.
type wordList struct {
	words []string
	has   map[string]bool
}

// readTable reads the names of one embedded table, separated by white space.
// Lines that start with # say where it is from.
func readTable(name string) wordList {
	text, err := tables.ReadFile("tables/" + name + ".txt")
	if err != nil {
		panic("the table " + name + " is not embedded")
	}
	l := wordList{has: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			l.words = append(l.words, word)
			l.has[word] = true
		}
	}
	return l
}

// stsActions are the actions of sts that exist besides those of policy.Actions.
var stsActions = []string{"sts:AssumeRoot", "sts:GetAccessKeyInfo", "sts:GetServiceBearerToken", "sts:GetWebIdentityToken",
	"sts:SetContext", "sts:TagGetWebIdentityToken"}

// otherGlobalKeys are condition keys that exist and that no request to KMS
// holds.
var otherGlobalKeys = []string{"aws:CalledViaAWSMCP", "aws:IsMcpServiceAction", "aws:SignInSessionArn", "aws:SourceVpcArn", "aws:ViaAWSMCPService"}

// retiredKeys are condition keys with a newer name.
var retiredKeys = map[string]string{"aws:arn": "aws:PrincipalArn", "kms:customermasterkeyspec": "kms:KeySpec", "kms:customermasterkeyusage": "kms:KeyUsage"}

// decrypting actions give plaintext, or a ciphertext that somebody else can
// open. FSBP KMS.1, KMS.2.
var decrypting = []string{"kms:Decrypt", "kms:ReEncryptFrom"}

// cryptographic actions use key material.
var cryptographic = []string{"kms:Decrypt", "kms:DeriveSharedSecret", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
	"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateMac", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	"kms:Sign", "kms:Verify", "kms:VerifyMac"}
