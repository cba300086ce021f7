package oracle

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// is tells whether the caller is a party of a grant.
func (c *inquiry) is(p decision.Party) bool {
	w := c.q.Principal
	switch p.Via {
	case decision.ViaUser:
		return w.User != "" && w.User == p.ID
	case decision.ViaRole:
		return w.Role != "" && w.Role == p.ID
	case decision.ViaSession:
		return w.Session != "" && w.Session == p.ID
	case decision.ViaAccount:
		return w.Account != "" && w.Account == p.ID
	case decision.ViaService:
		return slices.Contains(w.Services, p.ID)
	default:
		return false
	}
}

// grantSources are A-13 c and A-15: the grants on the key for this caller,
// operation and encryption context. A grant to an account delegates to it.
func (c *inquiry) grantSources() []source {
	var sources []source
	for _, g := range c.q.Grants {
		if !c.is(g.Grantee) || !c.covers(g) {
			continue
		}
		s := source{layer: decision.LayerGrant, limit: c.limitOf(g.Grantee.Via), grant: g.ID}
		if g.Grantee.Via == decision.ViaAccount && !c.root() {
			s.identity, s.limit = true, limited
		}
		sources = append(sources, s)
	}
	return sources
}

// grantsAmong lists the grants that allow.
func (c *inquiry) grantsAmong(sources []source) []string {
	var ids []string
	for _, s := range sources {
		if s.layer == decision.LayerGrant && c.lacking(s.limit) == "" && (!s.identity || c.identityAllows()) {
			ids = append(ids, s.grant)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// covers tells whether a grant is for the operation and fits the request.
func (c *inquiry) covers(g decision.Grant) bool {
	operation, _ := strings.CutPrefix(c.q.Action, "kms:")
	if !slices.Contains(g.Operations, operation) {
		return false
	}
	switch operation {
	case "DescribeKey", "RetireGrant":
		return true // constraints are ignored
	case "CreateGrant":
		return c.q.Child != nil && mayIssue(g, *c.q.Child)
	default:
		return equalTo(g.Equals, c.q.EncryptionContext) && contains(c.q.EncryptionContext, g.Subset)
	}
}

// mayIssue is A-53: the operations are a subset, the constraint is as strict
// or stricter.
func mayIssue(parent decision.Grant, child decision.Child) bool {
	for _, o := range child.Operations {
		if !slices.Contains(parent.Operations, o) {
			return false
		}
	}
	if parent.Equals != nil && (child.Equals == nil || !equalTo(parent.Equals, child.Equals)) {
		return false
	}
	if len(parent.Subset) == 0 {
		return true
	}
	// Whatever satisfies the child's constraint must hold the parent's pairs.
	return child.Equals != nil && contains(child.Equals, parent.Subset) || contains(child.Subset, parent.Subset)
}

// equalTo is EncryptionContextEquals: exactly these pairs; nil is no
// constraint.
func equalTo(want, have map[string]string) bool {
	return want == nil || len(want) == len(have) && contains(have, want)
}

// contains is EncryptionContextSubset: all of the pairs, case-sensitive.
func contains(have, want map[string]string) bool {
	for name, value := range want {
		if got, ok := have[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// retireGrant is A-17.
func (c *inquiry) retireGrant() Answer {
	var sources []source
	for _, g := range c.q.Grants {
		sources = append(sources, c.retirers(g)...)
	}
	return c.settle(byDirectness(sources), decision.LayerResource)
}

// retirers are the ways in which the caller may retire g.
func (c *inquiry) retirers(g decision.Grant) []source {
	account := c.q.Principal.Account
	byItself := func(p decision.Party) bool {
		return c.is(p) && (p.Via != decision.ViaAccount || c.root())
	}
	var sources []source
	// The retiring principal, the grantee if the grant allows it, or the
	// account that created it.
	if byItself(g.Retiree) {
		sources = append(sources, source{layer: decision.LayerGrant, limit: c.limitOf(g.Retiree.Via), grant: g.ID})
	}
	if slices.Contains(g.Operations, "RetireGrant") && byItself(g.Grantee) {
		sources = append(sources, source{layer: decision.LayerGrant, limit: c.limitOf(g.Grantee.Via), grant: g.ID})
	}
	if c.root() && account == g.IssuingAccount {
		sources = append(sources, source{layer: decision.LayerGrant, grant: g.ID})
	}
	// An IAM Allow works in the account that owns the key, or in an account
	// that is itself the retiring principal.
	if account != "" && account == c.q.Resource.Account || g.Retiree.Via == decision.ViaAccount && c.is(g.Retiree) {
		sources = append(sources, source{layer: decision.LayerGrant, identity: true, limit: limited, grant: g.ID})
	}
	return sources
}
