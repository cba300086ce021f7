package oracle

import (
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// foreign tells whether the caller is of another account than the resource. A
// service has no account (A-13 d).
func (c *inquiry) foreign() bool {
	return c.q.Principal.Type != decision.Service && c.q.Principal.Account != c.q.Resource.Account
}

func (c *inquiry) root() bool { return c.q.Principal.Type == decision.Root }

// A limit is which of the limiting layers of A-18 hold for one way to an allow.
type limit struct{ boundary, session bool }

var (
	unlimited = limit{}
	limited   = limit{boundary: true, session: true}
)

// limitOf says how far boundary and session policies limit what a resource
// policy or a grant gives to the caller by way of v.
func (c *inquiry) limitOf(v decision.Via) limit {
	switch {
	case c.foreign():
		return limited // across accounts both always limit
	case v == decision.ViaUser && c.q.Principal.Type == decision.Federated:
		// The parent user: A-18 names the session policy; the IAM User Guide,
		// Policy evaluation for requests within a single account, the boundary too.
		return limited
	case v == decision.ViaRole, v == decision.ViaProvider:
		// The role ARN; a provider, whom A-18 does not know, vouches for a role.
		return limited
	default:
		return unlimited // user, session, everyone, service
	}
}

// lacking names the first limiting layer that holds and does not allow; it is
// empty if there is none.
func (c *inquiry) lacking(l limit) decision.Layer {
	switch {
	case l.boundary && !c.of(decision.LayerBoundary).permits():
		return decision.LayerBoundary
	case l.session && !c.of(decision.LayerSession).permits():
		return decision.LayerSession
	default:
		return ""
	}
}

// identityAllows tells whether an IAM policy of the caller allows, boundary
// and session aside. The root user needs none (A-13 b, A-15, A-16); a service
// has none.
func (c *inquiry) identityAllows() bool {
	if c.root() {
		return true
	}
	return c.q.Principal.Type != decision.Service && c.of(decision.LayerIdentity).allows[0]
}

// A source is one way to an allow that the rules name.
type source struct {
	layer    decision.Layer // what is named if it allows
	identity bool           // an IAM policy must allow too
	limit    limit
	grant    string // id
}

// settle takes the first source that allows. If none does, it names what
// lacked: the limit that stopped a source which otherwise allows, else the IAM
// policy that a source still needs, else none, the layer that gives sources
//
func (c *inquiry) settle(sources []source, none decision.Layer) Answer {
	lacked := none
	for _, s := range sources {
		if s.identity && !c.identityAllows() {
			if lacked == none {
				lacked = decision.LayerIdentity
			}
			continue
		}
		switch missing := c.lacking(s.limit); {
		case missing != "":
			if lacked == none || lacked == decision.LayerIdentity {
				lacked = missing
			}
		default:
			a := allowed(s.layer)
			if s.layer == decision.LayerGrant {
				a.Grants = c.grantsAmong(sources)
			}
			return a
		}
	}
	if c.foreign() && lacked == none {
		if l := c.lackingAtHome(); l != "" {
			lacked = l
		}
	}
	return refused(decision.NoAllow, lacked)
}

// resourceSources are A-13 a, b, d and A-15: what the policy of the resource
// gives.
func (c *inquiry) resourceSources() []source {
	var sources []source
	for _, v := range slices.Sorted(maps.Keys(c.of(decision.LayerResource).via)) {
		s := source{layer: decision.LayerResource, limit: c.limitOf(v)}
		if v == decision.ViaAccount && !c.root() {
			// the account principal only delegates, but it is the root user.
			s = source{layer: decision.LayerIdentity, identity: true, limit: limited}
		}
		if c.foreign() && !c.root() {
			s.layer, s.identity = decision.LayerIdentity, true
		}
		sources = append(sources, s)
	}
	return byDirectness(sources)
}

// byDirectness puts what allows by itself before what needs an IAM policy.
func byDirectness(sources []source) []source {
	var direct, delegated []source
	for _, s := range sources {
		if s.identity {
			delegated = append(delegated, s)
		} else {
			direct = append(direct, s)
		}
	}
	return append(direct, delegated...)
}

// lackingAtHome is what the caller's own side lacks for a key of another
// account: it is named before what the key's side lacks.
func (c *inquiry) lackingAtHome() decision.Layer {
	if !c.identityAllows() {
		return decision.LayerIdentity
	}
	return c.lacking(limited)
}

// keyOperation is. Grants are considered when no policy allows
//
func (c *inquiry) keyOperation() Answer {
	return c.settle(append(c.resourceSources(), c.grantSources()...), decision.LayerResource)
}

// identityOnly is A-16.
func (c *inquiry) identityOnly() Answer {
	s := source{layer: decision.LayerIdentity, identity: true, limit: limited}
	if c.root() {
		s.layer = decision.LayerRoot
	}
	return c.settle([]source{s}, decision.LayerIdentity)
}

// assumeRole is A-80.
func (c *inquiry) assumeRole() Answer {
	return c.settle(c.resourceSources(), decision.LayerResource)
}
