package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// OfRole is the universe of one role of a world, as something to assume:
// everybody in the world, each way to the service, users of the identity
// providers that the trust policy names, and an account that the world does not
// know.
func OfRole(w *world.World, r *world.Role, c Config) (*Universe, error) {
	u, err := newUniverse(c, w)
	if err != nil {
		return nil, err
	}
	region := w.Regions()[0]
	on := u.assumable(r.ARN, r.Account, "role/"+r.Name, region, identity.Trust(r))
	on.rcp = identity.Guardrails(w, r.Account)
	on.owner(w)
	u.everybody(w, &world.Key{Account: r.Account, Region: region, Policy: r.Trust})
	u.providers(w, r.Account, r.Trust.Document)
	u.routes = ways(w)
	return u, u.strangers(region, u)
}

// assumable adds a role to be assumed.
func (u *Universe) assumable(arn, account, name, region string, trust *decision.Policy) *resource {
	u.kind, u.subject = policy.Trust, trust
	r := &resource{kind: policy.RoleResource, name: name, region: region, policy: trust, asked: ask.Resource{ARN: arn, Account: account}, facts: map[string][]string{}}
	u.resources = append(u.resources, r)
	return r
}

// roles adds the roles that policies tell apart, with trust policies that leave
// it to the policy that is looked at.
func (s *stage) roles(u *Universe) {
	who := `"*"`
	if u.kind == policy.Identity || u.kind == policy.Boundary || u.kind == policy.Session {
		who = `{"AWS":"` + s.first.Account + `"}`
	}
	trust := made(policy.Trust, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":`+who+`,"Action":"sts:*"}]}`)
	for _, account := range s.accounts {
		prefix := "arn:" + s.first.Partition + ":iam::" + account + ":role/"
		d := domain{form: join(literal(prefix), some(pathWord)), seeds: []string{prefix + "this"}}
		for _, arn := range s.pick("Resource", s.elements, d) {
			r := &resource{kind: policy.RoleResource, name: "role/" + strings.TrimPrefix(arn, prefix), region: s.first.Region, policy: &trust,
				asked: ask.Resource{ARN: arn, Account: account}, facts: map[string][]string{}}
			r.owner(u.world)
			s.guard(u, r)
			u.resources = append(u.resources, r)
		}
	}
}

// aboutRoles tells whether requests are to assume roles.
func (sp *space) aboutRoles() bool {
	return slices.ContainsFunc(sp.universes, func(u *Universe) bool { return u.kind == policy.Trust || u.loose.Assuming })
}

// providers adds, for each identity provider that trust policies name, somebody
// whom it has identified and who has no session yet. The account is that of the
// role.
func (u *Universe) providers(w *world.World, account string, documents ...*policy.Document) {
	for _, d := range documents {
		for _, p := range d.Principals() {
			who, ok := identityOf(w, world.AccessKey{Account: account, Root: true, Active: true})
			if p.Type != policy.Federated || !ok {
				continue
			}
			c := &Caller{Name: p.Text, ARN: p.Text, Account: account, Type: decision.WebIdentity, provider: p.Text, who: who,
				keys: map[string][]string{"aws:federatedprovider": {p.Text}}}
			c.principal = decision.Principal{Type: c.Type, Account: account, ARN: p.Text, Provider: p.Text, Role: "provided", Session: "provided:" + sessionName}
			if u.byKey[c.key()] == nil {
				u.byKey[c.key()] = c
				u.callers = append(u.callers, c)
			}
		}
	}
}

// host is what the condition keys of a provider begin with.
func (c *Caller) host() string {
	_, host, isARN := strings.Cut(c.provider, ":oidc-provider/")
	if !isARN {
		host = c.provider
	}
	return strings.ToLower(host)
}

// ofProvider are the keys of somebody whom an identity provider has identified:
// what the provider says, and nothing that tells of a principal.
func (s *subject) ofProvider(i *keyInfo) (values []string, fixed bool) {
	switch i.source {
	case fromProvider, fromClaims:
		at := strings.LastIndexByte(i.key, ':')
		return s.caller.keys[i.key], at < 0 || i.key[:at] != s.caller.host()
	default:
		return s.caller.keys[i.key], true
	}
}

// tellsOfCaller: the key's value comes from who asks.
func tellsOfCaller(i *keyInfo) bool {
	switch i.source {
	case fromCaller, fromTags, fromOrg, fromSession, fromProvider, fromClaims:
		return i.key != "aws:principalisawsservice"
	default:
		return i.key == "aws:sourceidentity" || i.key == "aws:assumedroot"
	}
}

// Ways to assume a role that are for users of identity providers alone.
const (
	assumeBySAML = "sts:AssumeRoleWithSAML"
	assumeByWeb  = "sts:AssumeRoleWithWebIdentity"
)

// assumes tells whether a caller could come to ask for a role in a certain way.
// Root users and federated users cannot (STS API, AssumeRole).
func (s *subject) assumes() bool {
	if !asksForRoles(s.action) {
		return false
	}
	saml := strings.Contains(s.caller.provider, ":saml-provider/")
	switch s.action.Name {
	case assumeBySAML:
		return s.caller.provider != "" && saml
	case assumeByWeb:
		return s.caller.provider != "" && !saml
	default:
		return s.caller.Type != decision.Root && s.caller.Type != decision.Federated
	}
}

// mayBeUntold tells keys of which no source is known, or not for all requests to
// assume a role.
func mayBeUntold(key string) bool {
	i := info(key)
	return i.source == fromClaims || i.row.Name != "" && !i.row.Global
}

// untold tells whether requests to assume a role may hold a key that those of
// the analysis never do: facts of the role, what comes with a session that a
// provider has begun, keys of the service that are in no table, and those that
// one request brings for several actions.
func (s *subject) untold(key string) bool {
	if s.on.kind != policy.RoleResource || !mayBeUntold(key) {
		return false
	}
	i, ofSession := info(key), s.caller.provider == "" && s.caller.Type == decision.Role
	origin, _, _ := strings.Cut(key, ":")
	switch {
	case strings.HasPrefix(key, resourceTag):
		return true
	case origin == "saml" || i.source == fromClaims && strings.ContainsAny(origin, "./"):
		return ofSession
	case i.source == fromClaims:
		return origin != "kms" && origin != "aws"
	case s.carries(i) || i.row.Name == "sts:ExternalId" && s.caller.provider != "":
		return false
	default:
		return slices.ContainsFunc(policy.Actions, func(a policy.Action) bool { return asksForRoles(&a) && slices.Contains(a.ConditionKeys, i.row.Name) })
	}
}

// asksForRoles tells whether an action is about roles to be assumed.
func asksForRoles(a *policy.Action) bool {
	return strings.HasPrefix(a.Name, "sts:") && a.On(policy.RoleResource)
}

// looksAt tells whether universes of the space ask about an action.
func (sp *space) looksAt(a *policy.Action) bool {
	if sp.aboutRoles() {
		return asksForRoles(a)
	}
	return strings.HasPrefix(a.Name, "kms:") && a.Operation != "" && a.Name != "kms:RetireGrant"
}
