package ask_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// call is one of the user ann, in an account with a boundary for her.
func call(t *testing.T) ask.Call {
	t.Helper()
	w, err := world.LoadFS(fstest.MapFS{"world.yaml": {Data: []byte(`accounts:
  "111122223333":
    users:
      ann: {boundary: None}
      bob: {}
    managed-policies: {None: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}}
    keys:
      plain: {}
      s3: {aws-managed: true, aliases: [alias/aws/s3]}
`)}}, nil)
	require.NoError(t, err)
	a, _ := w.Account("111122223333")
	caller, refused := identity.Of(w, world.AccessKey{Account: a.ID, User: a.Users[0]})
	require.Nil(t, refused)
	return ask.Call{World: w, Caller: caller, Request: condition.Request{Region: "us-east-1", Now: time.Unix(0, 0)}}
}

func TestParametersThatWereLeftOpenHaveTheirDefaults(t *testing.T) {
	c := call(t)
	question := func(action string, sent condition.Context) map[string][]string {
		return c.Question(ask.Check{
			Rule: decision.KeyPolicy, Action: action, Side: condition.Side{Keys: sent}, Resource: ask.Resource{ARN: "arn", Account: "111122223333"},
		}).Context
	}
	assert.Equal(t, []string{"SYMMETRIC_DEFAULT"}, question("kms:Encrypt", nil)["kms:encryptionalgorithm"])
	assert.Equal(t, []string{"30"}, question("kms:ScheduleKeyDeletion", nil)["kms:schedulekeydeletionpendingwindowindays"])
	sent := condition.Context{}
	sent.Number("kms:ScheduleKeyDeletionPendingWindowInDays", 7)
	assert.Equal(t, []string{"7"}, question("kms:ScheduleKeyDeletion", sent)["kms:schedulekeydeletionpendingwindowindays"])
	assert.NotContains(t, question("kms:PutKeyPolicy", nil), "kms:bypasspolicylockoutsafetycheck", "follows the parameter itself")
	assert.NotContains(t, question("kms:DescribeKey", nil), "kms:encryptionalgorithm")
	for _, a := range policy.Actions {
		for key := range ask.Defaults(a.Name) {
			row, known := policy.ConditionKeyNamed(key)
			require.True(t, known, key)
			assert.Contains(t, a.ConditionKeys, row.Name, "%s has no %s", a.Name, key)
		}
	}
}

func TestLockoutLooksAtThePolicyAlone(t *testing.T) {
	c := call(t)
	e, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(t, err)
	resource := ask.Resource{ARN: "arn:aws:kms:us-east-1:111122223333:key/x", Account: "111122223333"}
	check := func(principal string) error {
		p, err := ask.ReadPolicy(c.World, policy.Key,
			`{"Statement": {"Effect": "Allow", "Principal": {"AWS": "`+principal+`"}, "Action": "kms:PutKeyPolicy", "Resource": "*"}}`)
		require.NoError(t, err)
		return c.Lockout(context.Background(), e, resource, p)
	}
	assert.NoError(t, check("111122223333"), "neither the boundary nor a missing IAM policy counts")
	assert.NoError(t, check("arn:aws:iam::111122223333:user/ann"))
	err = check("arn:aws:iam::111122223333:user/bob")
	var faults policy.Errors
	require.ErrorAs(t, err, &faults)
	assert.Equal(t, ask.CodeLockout, faults[0].Code)
}

func TestPoliciesNameWhoExists(t *testing.T) {
	c := call(t)
	_, err := ask.ReadPolicy(c.World, policy.Key, `{"Statement": {"Effect": "Allow", "Principal": {"AWS": ["999988887777", "111122223333"]}, "Action": "*", "Resource": "*"}}`)
	var faults policy.Errors
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 1)
	assert.Equal(t, ask.CodeUnknownPrincipal, faults[0].Code)
	assert.Equal(t, "$.Statement.Principal.AWS[0]", faults[0].Pos.Path)
	_, err = ask.ReadPolicy(c.World, policy.Key, `{`)
	assert.ErrorAs(t, err, &faults)
}

func TestKeysWithoutPolicyHaveThatOfTheirKind(t *testing.T) {
	c := call(t)
	for _, k := range c.World.Keys() {
		p, err := ask.ReadPolicy(c.World, policy.Key, ask.UnlistedPolicy(c.World, k))
		require.NoError(t, err, k.Name)
		want := "Enable IAM User Permissions"
		if k.AWSManaged {
			want = "Use through s3.us-east-1.amazonaws.com by all of the account"
		}
		assert.Equal(t, want, p.Document.Statements[0].Sid)
	}
}
