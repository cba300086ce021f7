package compare_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/compare"
)

// document is a file with a policy of some statements.
func document(t *testing.T, name, statements string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`), 0o600))
	return path
}

// TestWhatIsNotComparedIsNeverTheSame: a change of statements about actions that
// the analysis does not decide is unknown.
func TestWhatIsNotComparedIsNeverTheSame(t *testing.T) {
	allow := func(element string) string { return `{"Effect":"Allow",` + element + `,"Resource":"*"}` }
	decrypt, all := allow(`"Action":"kms:Decrypt"`), allow(`"Action":"*"`)
	trust := func(actions string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":` + actions + `}`
	}
	for name, row := range map[string]struct {
		file, old, new string
		want           compare.Result
		names          string
	}{
		"every action is added":                       {"x.iam.json", allow(`"Action":"kms:*"`), all, compare.NewAccess, ": *"},
		"all but some are added":                      {"x.iam.json", allow(`"Action":"kms:*"`), allow(`"NotAction":"iam:*"`), compare.NewAccess, "NotAction iam:*"},
		"an action of another service":                {"x.iam.json", decrypt, allow(`"Action":["kms:Decrypt","iam:PassRole"]`), compare.Unknown, ": iam:PassRole"},
		"an action becomes a pattern":                 {"x.iam.json", allow(`"Action":"s3:GetObject"`), allow(`"Action":"s3:*"`), compare.Unknown, ": s3:*, s3:GetObject"},
		"a Deny of another service is gone":           {"x.scp.json", all + `,{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, all, compare.Unknown, ": s3:*"},
		"a role to assume":                            {"x.iam.json", decrypt, allow(`"Action":["kms:Decrypt","sts:AssumeRole"]`), compare.NewAccess, ""},
		"a role to assume, no more":                   {"x.scp.json", all, all + `,{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/admin"}`, compare.Narrower, ""},
		"a way to assume roles of users of providers": {"x.scp.json", all, all + `,{"Effect":"Deny","Action":"sts:AssumeRoleWithWebIdentity","Resource":"*"}`, compare.Unknown, "WithWebIdentity"},
		"a condition of another service":              {"x.iam.json", allow(`"Action":"s3:*"`), allow(`"Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"true"}}`), compare.Unknown, ": s3:*"},
		"what a role's sessions may bring":            {"x.trust.json", trust(`"sts:AssumeRole"`), trust(`["sts:AssumeRole","sts:SetContext"]`), compare.Unknown, ": sts:SetContext"},
		"statements are split and reordered": {"x.iam.json", allow(`"Action":["s3:GetObject","kms:Decrypt","S3:PutObject"]`),
			allow(`"Action":"s3:putobject"`) + "," + allow(`"Action":["kms:Decrypt","s3:GetObject"]`), compare.Same, ""},
		"the exception is one of KMS":       {"x.iam.json", allow(`"NotAction":["iam:*","kms:SynchronizeMultiRegionKey"]`), allow(`"NotAction":["iam:*"]`), compare.Same, ""},
		"more of KMS beside another change": {"x.iam.json", decrypt, allow(`"Action":["kms:*","s3:*"]`), compare.NewAccess, ": s3:*"},
	} {
		report, err := compare.Paths(t.Context(), document(t, row.file, row.old), document(t, row.file, row.new), compare.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, report.Result(), name)
		if row.names == "" {
			assert.Empty(t, report.Unknown, name)
		} else if assert.Len(t, report.Unknown, 1, name) {
			assert.Contains(t, report.Unknown[0], row.names, name)
		}
	}
}

// TestAPolicyThatIsAddedSaysMoreThanNone, also of other services.
func TestAPolicyThatIsAddedSaysMoreThanNone(t *testing.T) {
	empty, added := t.TempDir(), t.TempDir()
	for _, dir := range []string{empty, added} {
		text, err := os.ReadFile(document(t, "a.iam.json", `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.iam.json"), text, 0o600))
	}
	text, err := os.ReadFile(document(t, "b.iam.json", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(added, "b.iam.json"), text, 0o600))
	report, err := compare.Paths(t.Context(), empty, added, compare.Options{})
	require.NoError(t, err)
	assert.Equal(t, compare.Unknown, report.Result())
}

// TestAWorldSaysWhatIsNotCompared, of each kind of policy.
func TestAWorldSaysWhatIsNotCompared(t *testing.T) {
	write := func(iam, trust string) string {
		dir := t.TempDir()
		text := `
accounts:
  "111122223333":
    users: {bob: {policies: {use: {Version: 2012-10-17, Statement: {Effect: Allow, Action: ` + iam + `, Resource: "*"}}}}}
    roles: {app: {trust: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {AWS: "111122223333"}, Action: ` + trust + `}}}}
`
		require.NoError(t, os.WriteFile(filepath.Join(dir, "world.yaml"), []byte(text), 0o600))
		return dir
	}
	before := write(`["kms:Decrypt"]`, `["sts:AssumeRole"]`)
	for name, row := range map[string]struct {
		after string
		want  compare.Result
		names []string
	}{
		"an action of another service": {write(`["kms:Decrypt", "iam:PassRole"]`, `["sts:AssumeRole"]`), compare.Unknown, []string{"iam:PassRole"}},
		"what sessions may bring":      {write(`["kms:Decrypt"]`, `["sts:AssumeRole", "sts:SetContext"]`), compare.Unknown, []string{"sts:SetContext"}},
		"who may assume a role":        {write(`["kms:Decrypt", "sts:AssumeRole"]`, `["sts:AssumeRole"]`), compare.NewAccess, nil},
		"the same in other letters":    {write(`["KMS:Decrypt"]`, `["sts:AssumeRole"]`), compare.Same, nil},
	} {
		report, err := compare.Paths(t.Context(), before, row.after, compare.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, report.Result(), name)
		require.Len(t, report.Unknown, len(row.names), name)
		for i, n := range row.names {
			assert.Contains(t, report.Unknown[i], "the world: ", name)
			assert.Contains(t, report.Unknown[i], n, name)
		}
	}
}
