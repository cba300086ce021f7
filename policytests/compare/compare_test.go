package compare_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/compare"
)

// keyPolicy is a key policy that lets a role do three things, on a condition.
func keyPolicy(t *testing.T, name, condition string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	text := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/billing"},
		 "Action":["kms:Decrypt","kms:DescribeKey","kms:GenerateDataKey"],"Resource":"*"` + condition + `}]}`
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func denied(r *compare.Report) (actions []string) {
	for _, part := range r.Parts {
		for _, c := range part.Withdrawn {
			actions = append(actions, c.Actions...)
		}
	}
	return actions
}

// TestEveryActionThatChangesIsTold, also of actions whose conditions are the
// same, but which other policies tell apart.
func TestEveryActionThatChangesIsTold(t *testing.T) {
	free := keyPolicy(t, "free.key.json", "")
	bound := keyPolicy(t, "bound.key.json", `,"Condition":{"StringEquals":{"kms:EncryptionContext:purpose":"invoice"}}`)
	report, err := compare.Paths(t.Context(), free, bound, compare.Options{})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}, denied(report))
	back, err := compare.Paths(t.Context(), bound, free, compare.Options{})
	require.NoError(t, err)
	assert.Empty(t, denied(back))
	same, err := compare.Paths(t.Context(), free, free, compare.Options{})
	require.NoError(t, err)
	assert.Empty(t, denied(same))
}

// TestARenamedPolicyIsTheSame: what is in a file counts, not what it is called.
func TestARenamedPolicyIsTheSame(t *testing.T) {
	write := func(files map[string]string) string {
		dir := t.TempDir()
		for name, from := range files {
			text, err := os.ReadFile(from)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
		}
		return dir
	}
	one, other := keyPolicy(t, "one.key.json", ""), keyPolicy(t, "other.key.json", `,"Condition":{"StringEquals":{"kms:EncryptionContext:purpose":"invoice"}}`)
	before := write(map[string]string{"a.key.json": one, "b.key.json": other})
	report, err := compare.Paths(t.Context(), before, write(map[string]string{"c.key.json": one, "b.key.json": other}), compare.Options{})
	require.NoError(t, err)
	assert.Equal(t, compare.Same, report.Result())
	assert.Empty(t, report.Parts)

	report, err = compare.Paths(t.Context(), before, write(map[string]string{"c.key.json": one, "d.key.json": one, "b.key.json": other}), compare.Options{})
	require.NoError(t, err)
	assert.Equal(t, compare.NewAccess, report.Result(), "one of two copies is new")

	report, err = compare.Paths(t.Context(), before, write(map[string]string{"a.key.json": other, "b.key.json": one}), compare.Options{})
	require.NoError(t, err)
	assert.Len(t, report.Parts, 2, "two that change places are both told of")
}
