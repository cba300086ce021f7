package export_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/export"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/bundle"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A bench is a world, its bundle in stock OPA, and the engine.
type bench struct {
	*testing.T
	world  *world.World
	opa    rego.PreparedEvalQuery
	engine *decision.Engine
}

func load(t *testing.T) *world.World {
	t.Helper()
	w, err := world.Load(filepath.Join("testdata", "world.txtar"), nil)
	require.NoError(t, err)
	return w
}

func newBench(t *testing.T) bench {
	t.Helper()
	w := load(t)
	var archive bytes.Buffer
	require.NoError(t, export.Bundle(&archive, w, nil))
	b, err := opabundle.NewReader(&archive).Read()
	require.NoError(t, err)
	opa, err := rego.New(rego.Query("x = "+bundle.Decision), rego.ParsedBundle("keyreeve", &b), rego.StrictBuiltinErrors(true)).PrepareForEval(t.Context())
	require.NoError(t, err)
	e, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(t, err)
	return bench{t, w, opa, e}
}

// said is what the bundle answers, as "allow identity" or "error …".
func (b bench) said(input map[string]any) string {
	b.Helper()
	found, err := b.opa.Eval(b.Context(), rego.EvalInput(input))
	require.NoError(b, err)
	require.Len(b, found, 1)
	text, err := json.Marshal(found[0].Bindings["x"])
	require.NoError(b, err)
	var a struct {
		Reason, Layer string
		Error         []string
	}
	require.NoError(b, json.Unmarshal(text, &a))
	if a.Error != nil {
		return "error " + strings.Join(a.Error, "; ")
	}
	return a.Reason + " " + a.Layer
}

// A caller by the name that the bundle has for it.
type caller struct {
	name string
	identity.Caller
}

func (b bench) callers() []caller {
	var all []caller
	of := func(name, account string, k world.AccessKey) {
		k.Account, k.Active = account, true
		c, refused := identity.Of(b.world, k)
		require.Nil(b, refused)
		all = append(all, caller{name + "@" + account, c})
	}
	for _, a := range b.world.Accounts() {
		of("root", a.ID, world.AccessKey{Root: true})
		for _, u := range a.Users {
			of("user/"+u.Name, a.ID, world.AccessKey{User: u})
		}
		for _, f := range a.Federated {
			of("federated/"+f.Name, a.ID, world.AccessKey{Federated: f})
		}
		for _, i := range a.Identities {
			of("web/"+i.Name, a.ID, world.AccessKey{Identity: i})
		}
		for _, r := range a.Roles {
			all = append(all, caller{r.ARN, identity.InRole(b.world, r, export.SessionName, identity.Session{})})
		}
	}
	return all
}

// asked is a call that says no more than it must.
func (b bench) asked(c caller, action, region string) (ask.Call, ask.Check) {
	call := ask.Call{World: b.world, Caller: c.Caller}
	call.Request.Region, call.Request.Secure = region, true
	check := ask.Check{Action: action}
	check.Side.Keys = ask.Defaults(action)
	return call, check
}

func (b bench) decided(q decision.Question) string {
	b.Helper()
	d, err := b.engine.Decide(b.Context(), q)
	require.NoError(b, err)
	return string(d.Reason) + " " + string(d.Layer)
}

// TestNamesAreAnsweredLikeTheEngine asks about every caller, action and key.
func TestNamesAreAnsweredLikeTheEngine(t *testing.T) {
	b := newBench(t)
	tally := map[string]int{}
	for _, c := range b.callers() {
		for _, k := range b.world.Keys() {
			for _, action := range []string{
				"kms:Decrypt", "kms:Encrypt", "kms:ListGrants", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:DescribeKey",
			} {
				want := b.decided(b.aboutKey(c, action, k, ""))
				assert.Equal(t, want, b.said(map[string]any{"caller": c.name, "action": action, "target": k.ARN}), "%s %s %s", c.name, action, k.Name)
				tally[want]++
			}
		}
		alias := b.world.Keys()[slices.IndexFunc(b.world.Keys(), func(k *world.Key) bool { return k.Name == "aliased" })]
		assert.Equal(t, b.decided(b.aboutKey(c, "kms:Decrypt", alias, "alias/aliased")),
			b.said(map[string]any{"caller": c.name, "action": "kms:Decrypt", "target": "alias/aliased"}), c.name)
	}
	t.Log(tally)
	for _, outcome := range []string{
		"allow resource", "allow identity", "allow grant", "no-allow resource", "no-allow identity", "no-allow boundary", "no-allow session",
		"explicit-deny scp", "explicit-deny rcp", "explicit-deny resource", "cross-account resource",
	} {
		assert.NotZero(t, tally[outcome], outcome)
	}
}

func (b bench) aboutKey(c caller, action string, k *world.Key, alias string) decision.Question {
	call, check := b.asked(c, action, k.Region)
	check.Rule, check.Side.Alias = decision.KeyPolicy, alias
	check.Resource = ask.Resource{ARN: k.ARN, Account: k.Account, Key: ask.KeyFacts(k), AWSManaged: k.AWSManaged}
	p, err := ask.ReadPolicy(b.world, policy.Key, ask.UnlistedPolicy(b.world, k))
	require.NoError(b, err)
	if k.Policy != nil {
		p = identity.Policy(k.Account, k.Policy)
	}
	check.Policy = &p
	for _, g := range k.Grants {
		grantee, _ := identity.Party(b.world, g.Grantee)
		check.Grants = append(check.Grants, decision.Grant{
			ID: g.ID, Grantee: grantee, Operations: g.Operations, Equals: g.Equals, Subset: g.Subset, IssuingAccount: k.Account,
		})
	}
	return call.Question(check)
}

func TestNoResourceAndRolesAreAnsweredLikeTheEngine(t *testing.T) {
	b := newBench(t)
	for _, c := range b.callers() {
		for _, action := range []string{"kms:CreateKey", "kms:ListKeys", "kms:GenerateRandom"} {
			call, check := b.asked(c, action, "us-east-1")
			check.Rule, check.Resource = decision.IdentityOnly, ask.Resource{ARN: "*", Account: c.Account}
			assert.Equal(t, b.decided(call.Question(check)), b.said(map[string]any{"caller": c.name, "action": action}), "%s %s", c.name, action)
		}
		role := b.world.RoleByName("111122223333", "payroll")
		call, check := b.asked(c, "sts:AssumeRole", "us-east-1")
		check.Rule, check.Policy = decision.Trust, identity.Trust(role)
		check.Resource = ask.Resource{ARN: role.ARN, Account: role.Account}
		assert.Equal(t, b.decided(call.Question(check)),
			b.said(map[string]any{"caller": c.name, "action": "sts:AssumeRole", "target": "role/payroll"}), c.name)
	}
}

func TestWhatIsAskedBesideNamesCounts(t *testing.T) {
	b := newBench(t)
	question := func(change map[string]any) map[string]any {
		q := map[string]any{"caller": "user/bob@acme", "action": "kms:Decrypt", "target": "key/payroll"}
		for name, value := range change {
			q[name] = value
		}
		return q
	}
	for name, c := range map[string]struct {
		change map[string]any
		want   string
	}{
		"as it is":                          {nil, "allow identity"},
		"through an endpoint that allows":   {map[string]any{"endpoint": "vpce-0123456789abcdef0"}, "allow identity"},
		"through an endpoint that does not": {map[string]any{"endpoint": "vpce-0123456789abcdef0", "action": "kms:Encrypt"}, "no-allow endpoint"},
		"with other identity policies":      {map[string]any{"policies": map[string]any{"identity": [][]string{{}}}}, "no-allow identity"},
		"a grant whose constraint is met": {map[string]any{
			"caller": "role/payroll", "encryption_context": map[string]string{"dept": "finance"}, "action": "kms:Decrypt",
			"policies": map[string]any{"resource": [][]string{}},
		}, "allow grant"},
		"a grant that the grantee retires": {map[string]any{
			"caller": "federated/visitor", "action": "kms:RetireGrant",
		}, "allow grant"},
		"a caller of two accounts":    {map[string]any{"caller": "user/bob"}, "error caller: the world has 2 of user/bob"},
		"an action that is not there": {map[string]any{"action": "kms:Nothing"}, "error action: kms:Nothing is none: give rule and cross_account_possible with it"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, bench{t, b.world, b.opa, b.engine}.said(question(c.change)))
		})
	}
}

func TestTheSameWorldIsTheSameBundle(t *testing.T) {
	var first, second bytes.Buffer
	require.NoError(t, export.Bundle(&first, load(t), nil))
	require.NoError(t, export.Bundle(&second, load(t), nil))
	assert.Equal(t, first.Bytes(), second.Bytes())
}
