package check_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/rego/lint"
)

const inlineWorld = `accounts:
  "111122223333":
    users:
      bob:
        policies:
          use: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:111122223333:key/*"}]}
    keys:
      closed:
        policy:
          Version: 2012-10-17
          Statement:
          - {Sid: Admin, Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:user/bob"}, Action: "kms:*", Resource: "*"}
          - {Sid: Never, Effect: Deny, Principal: "*", Action: "kms:Encrypt", Resource: "*", Condition: {StringEquals: {"kms:CallerAccount": "999988887777"}}}
`

func TestFindingsByMeaningInAWorldAreInItsFiles(t *testing.T) {
	directory(t, map[string]string{"world.yaml": inlineWorld})
	r, err := check.Paths(t.Context(), []string{"."}, check.Options{Now: now})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	byRule := map[string]check.Finding{}
	for _, f := range r.Findings {
		byRule[f.Rule] = f
		assert.Equal(t, "world.yaml", f.File, f.Rule)
	}
	f, ok := byRule["KR_ROOT_DELEGATION_MISSING"]
	require.True(t, ok, "%v", grave(r))
	assert.Equal(t, "key/closed", f.Policy)
	assert.Equal(t, 10, f.Span.Start.Line)
}

func TestRulesLeftToWorldsExist(t *testing.T) {
	for _, id := range check.AskedOfWorlds {
		_, ok := lint.RuleNamed(id)
		assert.True(t, ok, id)
	}
}
