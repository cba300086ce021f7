package identity

import (
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Attached holds the policies that the caller brings to a decision. As there,
// nil is a layer that is not attached.
type Attached struct {
	Identity []decision.Policy
	Boundary *decision.Policy
	Session  []decision.Policy
	SCP      [][]decision.Policy
}

// Attached collects the policies attached to the caller now: its own
// and its groups', its boundary, what its session brought, and the SCPs over
// its account. The root user of an account has none of its own; a federated
// user has those of its parent. The lists must not be changed.
func (c Caller) Attached() Attached {
	if c.fixed != nil {
		return c.fixed.attached
	}
	var a Attached
	switch {
	case c.Role != nil:
		a.Identity = convert(c.Account, c.Role.Inline, c.Role.Managed)
		a.Boundary = boundary(c.Account, c.Role.Boundary)
	case c.User != nil:
		a.Identity = convert(c.Account, c.User.Inline, c.User.Managed)
		for _, g := range c.User.Groups {
			a.Identity = append(a.Identity, convert(c.Account, g.Inline, g.Managed)...)
		}
		a.Boundary = boundary(c.Account, c.User.Boundary)
	case c.Type == decision.Federated:
		a.Identity = []decision.Policy{ofRoot}
	}
	if c.Session != nil {
		a.Session = c.Session.Policies
	}
	for _, level := range c.world.Organization().Levels(c.Account) {
		a.SCP = append(a.SCP, convert("", level.SCP))
	}
	return a
}

// ofRoot stands for the permissions of the root user in a federated session
// that it began: everything, as far as the session policy goes (STS API,
// GetFederationToken).
var ofRoot = func() decision.Policy {
	doc, err := policy.Parse(policy.Identity,
		[]byte(`{"Version":"2012-10-17","Statement":[{"Sid":"RootUser","Effect":"Allow","Action":"*","Resource":"*"}]}`))
	if err != nil {
		panic("identity: " + err.Error()) // the document is a constant
	}
	return decision.Policy{Name: "root user", Document: doc}
}()

// Guardrails collects the RCPs over a resource's account, a level each.
func Guardrails(w *world.World, account string) [][]decision.Policy {
	var levels [][]decision.Policy
	for _, level := range w.Organization().Levels(account) {
		levels = append(levels, convert("", level.RCP))
	}
	return levels
}

// Trust is the trust policy of a role, as a decision takes it.
func Trust(r *world.Role) *decision.Policy {
	p := Policy(r.Account, r.Trust)
	return &p
}

// Policy is a policy of the world as a decision takes it. owner is the account
// that it works in: a policy of the partition belongs to whoever attaches it.
func Policy(owner string, p *world.Policy) decision.Policy {
	return decision.Policy{Name: p.Name, ARN: p.ARN, Owner: owner, Document: p.Document, Principals: p.Principals}
}

// convert answers with an empty list rather than nil: the layer is there.
func convert(owner string, lists ...[]*world.Policy) []decision.Policy {
	all := []decision.Policy{}
	for _, list := range lists {
		for _, p := range list {
			all = append(all, Policy(owner, p))
		}
	}
	return all
}

func boundary(owner string, p *world.Policy) *decision.Policy {
	if p == nil {
		return nil
	}
	d := Policy(owner, p)
	return &d
}
