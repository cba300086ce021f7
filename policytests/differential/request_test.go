package differential

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// actions by the rule that they come under.
var actions = func() map[decision.Rule][]policy.Action {
	m := map[decision.Rule][]policy.Action{}
	for _, a := range policy.Actions {
		r := decision.IdentityOnly
		switch {
		case a.Name == "kms:RetireGrant":
			r = decision.GrantOnly
		case a.On(policy.KeyResource):
			r = decision.KeyPolicy
		case strings.HasPrefix(a.Name, "sts:") && a.On(policy.RoleResource):
			r = decision.Trust
		}
		m[r] = append(m[r], a)
		if a.On(policy.AliasResource) {
			m[decision.IdentityOnly] = append(m[decision.IdentityOnly], a)
		}
	}
	return m
}()

// A request is a Case before policies and grants are attached, with what the
// generator must know of it.
type request struct {
	Case
	actor  actor
	action policy.Action
}

// everyday are the actions that half of the requests are for.
var everyday = []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:DescribeKey", "kms:ReEncryptFrom"}

func (g generator) rule() decision.Rule {
	switch n := g.IntN(100); {
	case n < 65:
		return decision.KeyPolicy
	case n < 75:
		return decision.IdentityOnly
	case n < 86:
		return decision.GrantOnly
	default:
		return decision.Trust
	}
}

// request draws a request under a rule.
func (g generator) request(r decision.Rule) request {
	q := request{Case: Case{Rule: r.String()}, actor: g.caller()}
	if r == decision.Trust && g.chance(0.3) {
		q.actor = webIdentity
	}
	q.action = pick(g, actions[r])
	if r == decision.KeyPolicy && g.chance(0.5) {
		q.action, _ = policy.ActionNamed(pick(g, everyday))
	}
	q.Action = q.action.Name
	q.CrossAccount = q.action.CrossAccount != g.chance(0.05)
	q.Principal = q.actor.Principal
	q.Resource = g.resource(r, q.actor)
	q.EncryptionContext = g.encryptionContext()
	q.Context = map[string][]string{}
	g.principalKeys(&q)
	for range 4 + g.IntN(12) {
		k := g.row()
		q.Context[strings.ToLower(g.keyOf(k))] = g.valuesOf(k)
	}
	q.deriveContext()
	return q
}

// caller draws an actor; services and those abroad are rarer.
func (g generator) caller() actor {
	n := len(cast) / 2
	a := cast[g.IntN(n)]
	if g.chance(0.25) {
		a = cast[n+g.IntN(n)]
	}
	a.Management = a.Type != decision.Service && g.chance(0.06)
	return a
}

func (g generator) resource(r decision.Rule, a actor) decision.Resource {
	res := decision.Resource{ARN: keys[0], Account: home, OrgID: "o-ours", Management: g.chance(0.06)}
	if g.chance(0.25) {
		res.ARN = keys[1]
	}
	switch r {
	case decision.IdentityOnly:
		if a.Account != "" && g.chance(0.9) {
			res.Account = a.Account
		}
		res.ARN = pick(g, []string{"*", "arn:aws:kms:us-west-2:" + res.Account + ":alias/app",
			"arn:aws:iam::" + res.Account + ":role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"})
	case decision.Trust:
		res.ARN = "arn:aws:iam::" + home + ":role/payroll"
	default:
		res.AWSManaged = g.chance(0.05)
	}
	return res
}

// encryptionContext draws pairs, sometimes with names that differ in case
// only.
func (g generator) encryptionContext() map[string]string {
	if g.chance(0.35) {
		return nil
	}
	pairs := map[string]string{}
	for range g.IntN(4) {
		pairs[pick(g, names["kms:EncryptionContext:"])] = pick(g, values[policy.StringType][:4])
	}
	return pairs
}

const contextPrefix = "kms:encryptioncontext:"

// deriveContext makes the condition keys of the encryption context: one for
// all names that differ in case only.
func (q *request) deriveContext() {
	maps.DeleteFunc(q.Context, func(name string, _ []string) bool { return strings.HasPrefix(name, contextPrefix) })
	delete(q.Context, "kms:encryptioncontextkeys")
	for _, name := range slices.Sorted(maps.Keys(q.EncryptionContext)) {
		key := contextPrefix + strings.ToLower(name)
		q.Context[key] = append(q.Context[key], q.EncryptionContext[name])
		q.Context["kms:encryptioncontextkeys"] = append(q.Context["kms:encryptioncontextkeys"], name)
	}
}

// principalKeys are those that each request has.
func (g generator) principalKeys(q *request) {
	a := q.actor
	for key, value := range map[string]string{
		"aws:principalarn": a.subject, "aws:principaltype": a.kind, "aws:username": a.name, "aws:principalaccount": a.Account,
		"kms:calleraccount": a.Account, "aws:principalorgid": a.OrgID, "aws:resourceaccount": q.Resource.Account,
	} {
		if value != "" {
			q.Context[key] = []string{value}
		}
	}
}

// vary is a request that differs from q a little.
func (g generator) vary(q request) request {
	q.Context, q.EncryptionContext = maps.Clone(q.Context), maps.Clone(q.EncryptionContext)
	for range g.IntN(3) {
		g.change(&q)
	}
	q.deriveContext()
	return q
}

func (g generator) change(q *request) {
	present := slices.Sorted(maps.Keys(q.Context))
	switch g.IntN(10) {
	case 0, 1:
		if len(present) > 0 {
			delete(q.Context, pick(g, present))
		}
	case 2, 3:
		if len(present) > 0 {
			g.revalue(q, pick(g, present))
		}
	case 4:
		k := g.row()
		q.Context[strings.ToLower(g.keyOf(k))] = g.valuesOf(k)
	case 5:
		q.EncryptionContext = g.encryptionContext()
	case 6:
		if r := ruleNames[q.Rule]; r == decision.KeyPolicy || r == decision.GrantOnly {
			q.actor = g.caller()
			q.Principal = q.actor.Principal
		}
	case 7:
		q.action = pick(g, actions[ruleNames[q.Rule]])
		q.Action, q.CrossAccount = q.action.Name, q.action.CrossAccount
	case 8:
		g.twin(q)
	default:
		q.Resource = g.resource(ruleNames[q.Rule], q.actor)
	}
}

// twin says something twice, under names that differ in case only.
func (g generator) twin(q *request) {
	for _, name := range slices.Sorted(maps.Keys(q.Context)) {
		if strings.HasPrefix(name, "aws:requesttag/") || strings.HasPrefix(name, "aws:resourcetag/") {
			q.Context[name] = append(slices.Clip(q.Context[name]), q.Context[name][0])
			return
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q.EncryptionContext)) {
		if _, taken := q.EncryptionContext[strings.ToUpper(name)]; !taken {
			q.EncryptionContext[strings.ToUpper(name)] = q.EncryptionContext[name]
			return
		}
	}
}

// revalue gives a key other values.
func (g generator) revalue(q *request, name string) {
	if k, ok := policy.ConditionKeyNamed(name); ok {
		q.Context[name] = g.valuesOf(k)
	}
}
