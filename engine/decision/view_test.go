package decision

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A caller of another account is told the same whatever the key's side is, as
// long as the caller's own side is the same.
func TestForeignKeySideIsOneOpaqueResult(t *testing.T) {
	about := func(name, value string) change {
		return func(q *Question) { q.Context[name] = []string{value} }
	}
	sides := map[string][]change{
		"absent":                    {absent},
		"not allowed":               {},
		"allowed to others":         {keySays(delegates)},
		"denied by the key policy":  {keySays(deny("*", "kms:*"))},
		"denied by another's RCP":   {keySays(allow("*", "kms:*")), rcpSays(deny("*", "kms:*"))},
		"a grant that does not fit": {granted(Grant{Grantee: Party{ViaUser, "AIDAXENA"}, Equals: map[string]string{"a": "b"}})},
		"tagged":                    {about("aws:resourcetag/stage", "production")},
		"with an alias":             {about("kms:resourcealiases", "alias/payroll")},
		"of a kind":                 {about("kms:keyspec", "SYMMETRIC_DEFAULT"), about("kms:multiregion", "false")},
		"AWS managed":               {func(q *Question) { q.Resource.AWSManaged = true }},
	}
	callers := map[string][]change{
		"with an IAM allow":             {by(xena), iamSays(allow("", "kms:*"))},
		"without any allow":             {by(xena)},
		"with an IAM allow by tag":      {by(xena), iamSays(allowIf("", "kms:*", `{"StringEquals": {"aws:ResourceTag/stage": "production"}}`))},
		"with an IAM allow by alias":    {by(xena), iamSays(allowIf("", "kms:*", `{"Null": {"kms:ResourceAliases": "true"}}`))},
		"with an IAM deny by kind":      {by(xena), iamSays(allow("", "kms:*"), statement("Deny", "", "kms:*", `{"Null": {"kms:KeySpec": "false"}}`))},
		"with an IAM deny":              {by(xena), iamSays(allow("", "kms:*"), deny("", "kms:*"))},
		"with a boundary":               {by(xena), iamSays(allow("", "kms:*")), boundarySays(allow("", "s3:*"))},
		"in an organization of its own": {by(xena), iamSays(allow("", "kms:*")), func(q *Question) { q.Principal.OrgID = "o-theirs" }},
		"with an SCP that says no":      {by(xena), iamSays(allow("", "kms:*")), scpSays(allow("", "s3:*"))},
		"a root user":                   {by(outside)},
		"a service":                     {by(logs)},
		"never across accounts":         {by(xena), neverAcross, iamSays(allow("", "kms:*"))},
	}
	for caller, who := range callers {
		t.Run(caller, func(t *testing.T) {
			want := decided(t, ask(append(who, absent)...))
			assert.False(t, want.Allowed)
			for side, what := range sides {
				d := decided(t, ask(append(who, what...)...))
				if d.Allowed {
					continue // what may be used need not hide
				}
				assert.Equal(t, want.Sentence(), d.Sentence(), side)
				assert.JSONEq(t, toJSON(t, want.CallerView()), toJSON(t, d.CallerView()), side)
			}
		})
	}
}

func TestForeignRoleAndGrantAreOpaqueToo(t *testing.T) {
	trust := func(s ...string) change {
		return func(q *Question) {
			q.Rule, q.Action = Trust, "sts:AssumeRole"
			q.KeyPolicy = ptr(document(policy.Trust, "trust", s...))
		}
	}
	retire := func(q *Question) { q.Rule, q.Action = GrantOnly, retireGrant }
	for says, sides := range map[string][]Question{
		"a role": {
			ask(by(xena), trust(allow("user/ann", "sts:AssumeRole")), absent, iamSays(allow("", "sts:*"))),
			ask(by(xena), trust(allow("user/ann", "sts:AssumeRole")), iamSays(allow("", "sts:*"))),
			ask(by(xena), trust(deny("*", "sts:AssumeRole")), iamSays(allow("", "sts:*"))),
		},
		"a grant": {
			ask(by(xena), retire, absent, iamSays(allow("", "kms:*"))),
			ask(by(xena), retire, granted(to(ViaUser, "AIDABEN")), iamSays(allow("", "kms:*"))),
			ask(by(xena), retire, granted(to(ViaUser, "AIDAXENA")), iamSays(allow("", "kms:*"))),
		},
	} {
		for _, q := range sides {
			d := decided(t, q)
			assert.False(t, d.Allowed, says)
			assert.Equal(t, decided(t, sides[0]).Sentence(), d.Sentence(), says)
			assert.JSONEq(t, toJSON(t, decided(t, sides[0]).CallerView()), toJSON(t, d.CallerView()), says)
		}
	}
}

func TestOperatorSeesTheKeySide(t *testing.T) {
	d := decided(t, ask(by(xena), keySays(deny("*", "kms:*")), iamSays(allow("", "kms:*"))))
	assert.Equal(t, "explicit-deny resource", verdictOf(d))
	e := d.Evidence()
	assert.Equal(t, LayerResource, e.SettledBy[0].Layer)
	assert.Equal(t, SaidDeny, e.Layers[6].Said)
	seen := d.CallerView()
	assert.Equal(t, NoAllow, seen.Reason)
	assert.Empty(t, seen.SettledBy)
	assert.Equal(t, SaidHidden, seen.Layers[6].Said)
}

func TestAllowedForeignCallerSeesItsOwnSide(t *testing.T) {
	d := decided(t, ask(by(xena), keySays(allow("user/xena", "kms:*")), iamSays(allow("", "kms:*"))))
	seen := d.CallerView()
	assert.True(t, seen.Allowed)
	assert.Equal(t, SaidHidden, seen.Layers[6].Said)
	assert.Len(t, seen.SettledBy, 1)
	assert.Equal(t, LayerIdentity, seen.SettledBy[0].Layer)

	byGrant := decided(t, ask(by(xena), granted(to(ViaUser, "AIDAXENA")))).CallerView()
	assert.True(t, byGrant.Allowed)
	assert.Empty(t, byGrant.Grants)
	assert.Equal(t, LayerResource, byGrant.Layer)
}

func TestCallerSeesAllOfItsOwnAccount(t *testing.T) {
	d := decided(t, ask(keySays(deny("*", "kms:*")), rcpSays(allow("*", "*"))))
	assert.JSONEq(t, toJSON(t, d.Evidence()), toJSON(t, d.CallerView()))
}

func TestEndpointOfAnotherAccountShowsNoStatements(t *testing.T) {
	q := ask(keySays(allow("*", "kms:*")), endpointSays(deny("*", "kms:*")))
	assert.NotEmpty(t, decided(t, q).CallerView().SettledBy)
	q.Endpoint.Owner = abroad
	seen := decided(t, q).CallerView()
	assert.Empty(t, seen.SettledBy)
	assert.Equal(t, SaidDeny, seen.Layers[2].Said)
	assert.Empty(t, seen.Layers[2].Statements)
}
