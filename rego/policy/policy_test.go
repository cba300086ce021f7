package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestOrdinaryKeyPolicyBecomesADocument(t *testing.T) {
	doc, err := policy.Parse(policy.Key, []byte(`{
  "Version": "2012-10-17",
  "Id": "payroll",
  "Statement": [{
    "Sid": "Let the account decide",
    "Effect": "Allow",
    "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "444455556666"]},
    "Action": "kms:*",
    "Resource": "*",
    "Condition": {"stringlikeifexists": {"KMS:ViaService": ["s3.*.amazonaws.com", "${aws:PrincipalTag/svc, 'x'}"]}}
  }]
}`))
	require.NoError(t, err)
	require.Len(t, doc.Statements, 1)
	s := doc.Statements[0]
	assert.Equal(t, policy.Allow, s.Effect)
	assert.Equal(t, "Let the account decide", s.Sid)
	assert.Equal(t, policy.Pos{Path: "$.Statement[0]", Line: 4, Column: 17, Offset: 64}, s.Pos)
	require.Len(t, s.Principals, 2)
	assert.Equal(t, "111122223333", s.Principals[0].Account)
	assert.Equal(t, policy.Account, s.Principals[1].Type)
	assert.Equal(t, []policy.Part{{Kind: policy.Literal, Text: "kms:"}, {Kind: policy.AnyText}}, s.Actions[0].Parts)
	require.Len(t, s.Conditions, 1)
	c := s.Conditions[0]
	assert.Equal(t, "StringLike", c.Operator)
	assert.True(t, c.IfExists)
	assert.Equal(t, "kms:viaservice", c.Key)
	assert.Equal(t, "$.Statement[0].Condition.stringlikeifexists['KMS:ViaService'][0]", c.Values[0].Pos.Path)
	assert.Equal(t, []policy.Part{{Kind: policy.Variable, Text: "aws:principaltag/svc", Default: "x", HasDefault: true}}, c.Values[1].Parts)
}
