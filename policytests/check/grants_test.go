package check_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/check"
)

func TestWhatIsMissingFromAListOfGrantsIsTold(t *testing.T) {
	const grant = `{"GranteePrincipal": "arn:aws:iam::111122223333:role/r", "RetiringPrincipal": "arn:aws:iam::111122223333:role/r",
		"Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"a": "1"}}}`
	lint := func(name, text string) *check.Result {
		r, err := check.Text(t.Context(), name, []byte(text), check.Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)})
		require.NoError(t, err)
		return r
	}
	assert.Empty(t, lint("x.json", `{"Grants": [`+grant+`], "Truncated": false}`).Findings)
	rest := lint("x.json", `{"Grants": [`+grant+`], "Truncated": true, "NextMarker": "x"}`)
	require.Len(t, rest.Findings, 1)
	assert.True(t, rest.Findings[0].Unknown)
	assert.Contains(t, rest.Findings[0].Message, "truncated")
	for _, text := range []string{`{"Grants": [` + grant + `, {}]}`, `{"Grants": [{}, ` + grant + `]}`} {
		faulty := lint("x.json", text)
		require.Len(t, faulty.Findings, 1, text)
		assert.Contains(t, faulty.Findings[0].Message, "no grantee", text)
	}
	assert.Len(t, lint("x.grants.json", `{}`).Problems, 1)
}
