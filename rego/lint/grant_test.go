package lint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
)

func TestGrants(t *testing.T) {
	who := `"GranteePrincipal": "arn:aws:iam::111122223333:role/A", "RetiringPrincipal": "arn:aws:iam::111122223333:role/B", `
	tied := `, "Constraints": {"EncryptionContextEquals": {"a": "b"}}`
	rsa := lint.Options{KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY"}
	old := lint.Options{Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), GrantAge: 24 * time.Hour}
	for name, r := range map[string]struct {
		text string
		o    lint.Options
		want string
	}{
		"an ordinary grant":                     {`{` + who + `"Operations": ["Decrypt"]` + tied + `}`, lint.Options{}, ""},
		"an empty context ties nothing":         {`{` + who + `"Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {}}}`, lint.Options{}, "security KR_GRANT_WIDE"},
		"an empty exact context ties nothing":   {`{` + who + `"Operations": ["Decrypt"], "Constraints": {"EncryptionContextEquals": {}}}`, lint.Options{}, "security KR_GRANT_WIDE"},
		"null ties nothing":                     {`{` + who + `"Operations": ["Decrypt"], "Constraints": {"EncryptionContextEquals": null}}`, lint.Options{}, "security KR_GRANT_WIDE"},
		"a grant that says nothing":             {`{"Grants": [{` + who + `"Operations": ["Decrypt"]` + tied + `}, {}]}`, lint.Options{}, "error INVALID_POLICY_ELEMENT"},
		"a grantee of another account":          {`{` + who + `"Operations": ["Decrypt"]` + tied + `}`, lint.Options{Account: "444455556666"}, "warning KR_CROSS_ACCOUNT"},
		"a grantee beside the key":              {`{"KeyId": "arn:aws:kms:us-east-1:444455556666:key/1", ` + who + `"Operations": ["Decrypt"]` + tied + `}`, lint.Options{}, "warning KR_CROSS_ACCOUNT"},
		"a grantee of a trusted account":        {`{` + who + `"Operations": ["Decrypt"]` + tied + `}`, lint.Options{Account: "444455556666", Trusted: []string{"111122223333"}}, ""},
		"signing takes no constraint":           {`{` + who + `"Operations": ["Sign"]}`, rsa, ""},
		"an account signs":                      {`{"GranteePrincipal": "111122223333", "RetiringPrincipal": "x", "Operations": ["Sign"]}`, rsa, "security KR_GRANT_WIDE"},
		"an account reads":                      {`{"GranteePrincipal": "111122223333", "RetiringPrincipal": "x", "Operations": ["DescribeKey"]}`, lint.Options{}, ""},
		"decryption with an RSA key":            {`{` + who + `"Operations": ["Decrypt"]}`, lint.Options{KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT"}, ""},
		"a data key from an RSA key":            {`{` + who + `"Operations": ["GenerateDataKey"]}`, lint.Options{KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT"}, "error KR_GRANT_UNSUPPORTED_OPERATION"},
		"a constraint on an RSA key":            {`{` + who + `"Operations": ["Sign"]` + tied + `}`, rsa, "warning KR_GRANT_CONSTRAINT_IGNORED"},
		"a constraint on CreateGrant is heeded": {`{` + who + `"Operations": ["CreateGrant"]` + tied + `}`, lint.Options{}, "security KR_GRANT_CHAIN"},
		"an operation with its service":         {`{` + who + `"Operations": ["kms:Decrypt"]}`, lint.Options{}, "error KR_GRANT_UNSUPPORTED_OPERATION"},
		"a grantee that is everybody":           {`{"GranteePrincipal": "*", "RetiringPrincipal": "arn:aws:iam::111122223333:role/B", "Operations": ["Sign"]}`, rsa, "error UNSUPPORTED_WILDCARD_IN_PRINCIPAL"},
		"a grantee that is every role":          {`{"GranteePrincipal": "arn:aws:iam::111122223333:role/*", "RetiringPrincipal": "arn:aws:iam::111122223333:role/B", "Operations": ["Sign"]}`, rsa, "error UNSUPPORTED_WILDCARD_IN_PRINCIPAL"},
		"a retirer that is everybody":           {`{"GranteePrincipal": "arn:aws:iam::111122223333:role/B", "RetiringPrincipal": "*", "Operations": ["Sign"]}`, rsa, "error UNSUPPORTED_WILDCARD_IN_PRINCIPAL"},
		"an unknown field":                      {`{` + who + `"Operation": ["Decrypt"]}`, lint.Options{}, "error INVALID_POLICY_ELEMENT"},
		"operations that are no list":           {`{` + who + `"Operations": "Decrypt"}`, lint.Options{}, "error DATA_TYPE_MISMATCH"},
		"no JSON":                               {`{` + who, lint.Options{}, "error JSON_SYNTAX_ERROR"},
		"seconds since 1970":                    {`[{` + who + `"Operations": ["DescribeKey"], "CreationDate": 1.7e9}]`, old, "suggestion KR_GRANT_STALE"},
		"with decimals":                         {`[{` + who + `"Operations": ["DescribeKey"], "CreationDate": 1700000000.123}]`, old, "suggestion KR_GRANT_STALE"},
		"from the CLI":                          {`[{` + who + `"Operations": ["DescribeKey"], "CreationDate": "2024-03-01T10:00:00.123000+01:00"}]`, old, "suggestion KR_GRANT_STALE"},
		"of today":                              {`[{` + who + `"Operations": ["DescribeKey"], "CreationDate": "2026-11-22T10:00:00Z"}]`, old, ""},
		"two of other keys":                     {`{"Grants": [{"KeyId": "1", ` + who + `"Operations": ["DescribeKey"]}, {"KeyId": "2", ` + who + `"Operations": ["DescribeKey"]}]}`, lint.Options{}, ""},
		"two in other order":                    {`{"Grants": [{` + who + `"Operations": ["DescribeKey", "RetireGrant"]}, {` + who + `"Operations": ["RetireGrant", "DescribeKey"]}]}`, lint.Options{}, "warning KR_GRANT_DUPLICATE"},
		"the whole answer of ListGrants":        {`{"Grants": [], "Truncated": false}`, lint.Options{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := lint.CheckGrants([]byte(r.text), r.o)
			var got []string
			for _, f := range found {
				got = append(got, f.Severity.String()+" "+f.Rule)
			}
			assert.Equal(t, r.want, strings.Join(got, ", "), "%v", told(found))
		})
	}
}

func TestAFindingAboutAGrantPointsAtItsValue(t *testing.T) {
	text := "{\"Grants\": [\n  {\"GranteePrincipal\": \"arn:aws:iam::111122223333:role/A\", \"Operations\": [\"Decript\", \"RetireGrant\"]}]}"
	found := lint.CheckGrants([]byte(text), lint.Options{})
	require.Len(t, found, 1)
	assert.Equal(t, "$.Grants[0].Operations[0]", found[0].Span.Path)
	assert.Equal(t, `"Decript"`, text[found[0].Span.Start.Offset:found[0].Span.End.Offset])
	assert.Equal(t, "Decrypt", found[0].Suggestion)
}
