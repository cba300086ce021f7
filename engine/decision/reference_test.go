package decision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// referenceQuestion is the question whose cost README.md tells: a role session
// decrypts under the default key policy, two IAM policies and an SCP.
func referenceQuestion(t testing.TB) Question {
	return Question{
		Rule:   KeyPolicy,
		Action: "kms:Decrypt",
		Resource: Resource{
			ARN:     "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			Account: "111122223333", OrgID: "o-exampleorgid",
		},
		Principal: Principal{
			Type: Role, Account: "111122223333", Role: "AROAPAYROLL", Session: "AROAPAYROLL:worker-17",
			ARN: "arn:aws:sts::111122223333:assumed-role/payroll/worker-17", OrgID: "o-exampleorgid",
		},
		Context: map[string][]string{
			"aws:currenttime":            {"2026-11-23T10:00:00Z"},
			"aws:epochtime":              {"1795428000"},
			"aws:multifactorauthpresent": {"false"},
			"aws:principalaccount":       {"111122223333"},
			"aws:principalarn":           {"arn:aws:iam::111122223333:role/payroll"},
			"aws:principalisawsservice":  {"false"},
			"aws:principalorgid":         {"o-exampleorgid"},
			"aws:principalorgpaths":      {"o-exampleorgid/r-ab12/ou-ab12-11111111/"},
			"aws:principaltag/dept":      {"payroll"},
			"aws:principaltype":          {"AssumedRole"},
			"aws:requestedregion":        {"us-west-2"},
			"aws:resourceaccount":        {"111122223333"},
			"aws:resourceorgid":          {"o-exampleorgid"},
			"aws:resourceorgpaths":       {"o-exampleorgid/r-ab12/ou-ab12-11111111/"},
			"aws:resourcetag/stage":      {"production"},
			"aws:securetransport":        {"true"},
			"aws:sourceip":               {"10.0.0.17"},
			"aws:tokenissuetime":         {"2026-11-23T09:30:00Z"},
			"aws:useragent":              {"aws-sdk-go-v2/1.47.8"},
			"aws:userid":                 {"AROAPAYROLL:worker-17"},
			"aws:viaawsservice":          {"false"},
			"kms:calleraccount":          {"111122223333"},
			"kms:customermasterkeyspec":  {"SYMMETRIC_DEFAULT"},
			"kms:customermasterkeyusage": {"ENCRYPT_DECRYPT"},
			"kms:encryptionalgorithm":    {"SYMMETRIC_DEFAULT"},
			"kms:encryptioncontext:dept": {"payroll"},
			"kms:encryptioncontextkeys":  {"dept"},
			"kms:keyorigin":              {"AWS_KMS"},
			"kms:keyspec":                {"SYMMETRIC_DEFAULT"},
			"kms:keyusage":               {"ENCRYPT_DECRYPT"},
			"kms:multiregion":            {"false"},
			"kms:resourcealiases":        {"alias/payroll"},
		},
		EncryptionContext: map[string]string{"dept": "payroll"},
		Identity: []Policy{
			readPolicy(t, "use", policy.Identity, "use.json"),
			readPolicy(t, "protect", policy.Identity, "protect.json"),
		},
		SCP:                  [][]Policy{{readPolicy(t, "regions", policy.SCP, "scp.json")}},
		KeyPolicy:            ptr(readPolicy(t, "default", policy.Key, "key.json")),
		CrossAccountPossible: true,
	}
}

func ptr[T any](v T) *T { return &v }

// readPolicy reads a policy of the reference case.
func readPolicy(t testing.TB, name string, kind policy.Kind, file string) Policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "reference", file))
	require.NoError(t, err)
	d, err := policy.Parse(kind, text)
	require.NoError(t, err)
	return Policy{Name: name, Owner: "111122223333", Document: d}
}
