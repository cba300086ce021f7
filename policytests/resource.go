package policytests

import (
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// asked is one request on its way to a question.
type asked struct {
	asker   *Asker
	request caseline.Request
	action  policy.Action
	call    *ask.Call
	check   ask.Check
}

// word is the resource as written; "*" if there is none.
func (q *asked) word() caseline.Word {
	if len(q.request.Resources) == 0 {
		return caseline.Word{Text: "*", Pos: q.request.Actions[0].Pos}
	}
	return q.request.Resources[0]
}

// resource finds what the request is about, and by that the rule.
func (q *asked) resource() error {
	q.check.Action = q.action.Name
	w := q.word()
	text := w.Text
	if rest, isARN := q.arn(text); isARN {
		text = rest
	}
	kind, _, _ := strings.Cut(text, "/")
	switch {
	case slices.Contains(unasked, q.action.Name):
		return failf(q.request.Actions[0], "%s needs no permission, so there is nothing to decide (A-81)", q.action.Name)
	case w.Text == "*":
		return q.nothing(w)
	case kind == "alias" && q.action.On(policy.AliasResource):
		return q.alias(w)
	case kind == "alias" && slices.Contains(q.action.ConditionKeys, "kms:RequestAlias"):
		return q.key(w)
	case kind == "alias" && q.action.On(policy.KeyResource):
		return failf(w, "%s takes no alias", q.action.Name)
	case kind == "key" && q.action.On(policy.KeyResource):
		return q.key(w)
	case kind == "role" && q.action.On(policy.RoleResource):
		return q.role(w)
	}
	return failf(w, "%s is not about %s; it is about %s", q.action.Name, w.Text, abouts(q.action))
}

// unasked are actions that need no permission.
var unasked = []string{"sts:GetCallerIdentity", "sts:GetSessionToken"}

func abouts(a policy.Action) string {
	if len(a.Resources) == 0 {
		return "no resource: leave it out, or write *"
	}
	names := make([]string, len(a.Resources))
	for i, r := range a.Resources {
		names[i] = r.String() + "/NAME"
	}
	return strings.Join(names, " or ")
}

// arn takes the last part of an ARN of the service's resources, or of a role.
func (q *asked) arn(text string) (rest string, ok bool) {
	m := resourceARN.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// resourceARN is an ARN of KMS in some Region, or of IAM, in some account.
var resourceARN = regexp.MustCompile(`^arn:[a-z-]+:(?:kms:[a-z0-9-]+|iam:):[0-9]{12}:(.+)$`)

// nothing is what operations are about that name no resource: those that
// create keys too, with the tags that they give.
func (q *asked) nothing(w caseline.Word) error {
	tagged := q.action.Name == "kms:TagResource"
	if len(q.action.Resources) > 0 && !tagged {
		return failf(w, "%s needs a resource: %s", q.action.Name, abouts(q.action))
	}
	if q.call.Caller.Account == "" {
		return failf(w, "a service has no account, and so nothing to do with * in one")
	}
	q.check.Rule = decision.IdentityOnly
	q.check.Resource = ask.Resource{ARN: "*", Account: q.call.Caller.Account}
	if tagged || q.action.Name == "kms:CreateKey" {
		q.check.Resource.Key = &condition.Key{Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS"}
	}
	return nil
}

// alias is the alias of an operation on aliases. It need not exist.
func (q *asked) alias(w caseline.Word) error {
	account := q.call.Caller.Account
	arn := w.Text
	if !strings.HasPrefix(w.Text, "arn:") {
		name, in, err := q.asker.split(w)
		if err != nil {
			return err
		}
		if in != nil {
			account = in.ID
		}
		arn = "arn:" + q.call.World.Partition() + ":kms:" + q.call.Request.Region + ":" + account + ":" + name
	}
	if account != q.call.Caller.Account || identity.AccountOf(arn) != account {
		return failf(w, "aliases are made and changed in the caller's own account only")
	}
	q.check.Rule = decision.IdentityOnly
	q.check.Resource = ask.Resource{ARN: arn, Account: account}
	return nil
}

// role is a role to be assumed.
func (q *asked) role(w caseline.Word) error {
	o, err := q.asker.owner(w, caseline.Word{Text: q.preferred()})
	if err != nil {
		return err
	}
	if o.role == nil {
		return failf(w, "%s is no role", w.Text)
	}
	q.check.Rule = decision.Trust
	q.check.Resource = ask.Resource{ARN: o.role.ARN, Account: o.role.Account}
	q.check.Policy = identity.Trust(o.role)
	return nil
}

// preferred is the account in which names of resources are looked up first.
func (q *asked) preferred() string {
	if q.request.Account.Text != "" {
		return q.request.Account.Text
	}
	return q.call.Caller.Account
}

// key is a KMS key, also one that a foreign account does not have.
func (q *asked) key(w caseline.Word) error {
	k, err := q.asker.key(w, q.preferred(), q.request.Region.Text)
	if err != nil {
		return err
	}
	if q.check.Rule = decision.KeyPolicy; q.action.Name == "kms:RetireGrant" {
		q.check.Rule = decision.GrantOnly
	}
	if k == nil {
		return q.absent(w)
	}
	if q.request.Region.Text != "" && q.request.Region.Pos.Line == w.Pos.Line && k.Region != q.request.Region.Text {
		return failf(w, "%s is in %s", w.Text, k.Region)
	}
	q.call.Request.Region = k.Region
	q.check.Resource = ask.Resource{ARN: k.ARN, Account: k.Account, Key: ask.KeyFacts(k), AWSManaged: k.AWSManaged}
	if i := strings.Index(w.Text, "alias/"); i >= 0 {
		name, _, err := q.asker.split(caseline.Word{Text: w.Text[i:], Pos: w.Pos})
		if err != nil {
			return err
		}
		q.check.Side.Alias = name
	}
	if q.check.Policy, err = q.asker.keyPolicy(k); err != nil {
		return err
	}
	q.check.Grants, err = q.grants(k)
	return err
}

// absent is a key of another account that does not exist.
func (q *asked) absent(w caseline.Word) error {
	account := identity.AccountOf(w.Text)
	if account == q.call.Caller.Account {
		return failf(w, "there is no such key; to its own account the service says so, and nothing is decided")
	}
	q.call.Request.Region = strings.Split(w.Text, ":")[3]
	q.check.Resource = ask.Resource{ARN: w.Text, Account: account}
	return nil
}

// key finds a key by name, id, alias or ARN; nil for the ARN of one that does
// not exist.
func (a *Asker) key(w caseline.Word, account, region string) (*world.Key, error) {
	if strings.HasPrefix(w.Text, "arn:") {
		for _, k := range a.cfg.World.Keys() {
			prefix := strings.TrimSuffix(k.ARN, "key/"+k.ID)
			name, hasPrefix := strings.CutPrefix(w.Text, prefix)
			if k.ARN == w.Text || hasPrefix && slices.Contains(k.Aliases, name) {
				return k, nil
			}
		}
		return nil, nil
	}
	name, in, err := a.split(w)
	if err != nil {
		return nil, err
	}
	rest, byName := strings.CutPrefix(name, "key/")
	return resolve(a, w, in, caseline.Word{Text: account, Pos: w.Pos}, func(acc *world.Account) []*world.Key {
		found := collect(acc.Keys, func(k *world.Key) bool {
			return byName && (k.Name == rest || k.ID == rest) || !byName && slices.Contains(k.Aliases, name)
		}, func(k *world.Key) *world.Key { return k })
		if here := collect(found, func(k *world.Key) bool { return k.Region == region }, func(k *world.Key) *world.Key { return k }); len(here) > 0 {
			return here
		}
		return found
	})
}

// keyPolicy is the policy of a key of the world.
func (a *Asker) keyPolicy(k *world.Key) (*decision.Policy, error) {
	if k.Policy != nil {
		p := identity.Policy(k.Account, k.Policy)
		p.Name = ask.DefaultPolicyName
		return &p, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, read := a.keys[k.ARN]; read {
		return p, nil
	}
	p, err := ask.ReadPolicy(a.cfg.World, policy.Key, ask.UnlistedPolicy(a.cfg.World, k))
	p.Owner = k.Account
	a.keys[k.ARN] = &p
	return &p, err
}

// grants are the grants on a key; for RetireGrant the one to be retired.
func (q *asked) grants(k *world.Key) ([]decision.Grant, error) {
	named := map[string]bool{}
	for _, w := range q.request.Grants {
		if !slices.ContainsFunc(k.Grants, func(g *world.Grant) bool { return g.Name == w.Text }) {
			return nil, failf(w, "%s has no grant %s", k.Name, w.Text)
		}
		named[w.Text] = true
	}
	retiring := q.check.Rule == decision.GrantOnly
	if retiring && len(named) != 1 {
		return nil, failf(q.word(), "%s retires one grant: add grant NAME", q.action.Name)
	}
	var all []decision.Grant
	for _, g := range k.Grants {
		if retiring && !named[g.Name] {
			continue
		}
		grantee, _ := identity.Party(q.call.World, g.Grantee)
		retiree, _ := identity.Party(q.call.World, g.Retiree)
		all = append(all, decision.Grant{
			ID: g.ID, Grantee: grantee, Retiree: retiree, Operations: g.Operations,
			Equals: nonEmpty(g.Equals), Subset: nonEmpty(g.Subset), IssuingAccount: k.Account, FromToken: named[g.Name],
		})
	}
	return all, nil
}

// nonEmpty is pairs, or nil if there are none: an empty constraint is no
// constraint.
func nonEmpty(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	return pairs
}
