package analysis

import (
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// allowed tells whether a residual allows the request, as rego/lib decides, as
// far as the truth of the atoms is known. What is true of the answer with some
// atoms open stays true whatever they turn out to be.
func (r *residual) allowed(atoms []truth) truth {
	if r.absent {
		return no
	}
	s := r.subject
	if !s.action.CrossAccount && s.rule() != decision.Trust && r.foreign() {
		return no
	}
	verdict := yes
	for i := range r.clauses {
		if c := &r.clauses[i]; c.effect() == policy.Deny {
			if verdict = min(verdict, not(c.holds(atoms))); verdict == no {
				return no
			}
		}
	}
	verdict = min(verdict, r.guarded(atoms))
	if verdict == no {
		return no
	}
	return min(verdict, r.open(atoms))
}

func not(t truth) truth { return yes - t }

// holds is the truth of all atoms of a clause.
func (c *clause) holds(atoms []truth) truth { return every(c.atoms, atoms) }

func every(which []int, atoms []truth) truth {
	t := yes
	for _, i := range which {
		if t = min(t, atoms[i]); t == no {
			return no
		}
	}
	return t
}

// foreign: of another account than the resource. A service has no account.
func (r *residual) foreign() bool {
	s := r.subject
	return s.caller.Type != decision.Service && s.caller.Account != s.on.asked.Account
}

// guarded: each level of the SCPs allows, and the endpoint policy.
func (r *residual) guarded(atoms []truth) truth {
	verdict := yes
	if n, attached := r.levels[decision.LayerSCP]; attached && !r.exemptSCP() {
		if n == 0 {
			return no
		}
		for level := range n {
			verdict = min(verdict, r.says(decision.LayerSCP, level, atoms))
		}
	}
	if _, attached := r.levels[decision.LayerEndpoint]; attached {
		verdict = min(verdict, r.says(decision.LayerEndpoint, 0, atoms))
	}
	return verdict
}

func (r *residual) exemptSCP() bool {
	c := r.subject.caller
	return c.Type == decision.Service || c.Type == decision.ServiceLinkedRole || c.principal.Management
}

// says: some statement of a level allows.
func (r *residual) says(l decision.Layer, level int, atoms []truth) truth {
	verdict := no
	for i := range r.clauses {
		c := &r.clauses[i]
		if c.layer == l && c.level == level && c.effect() == policy.Allow {
			if verdict = max(verdict, c.holds(atoms)); verdict == yes {
				return yes
			}
		}
	}
	return verdict
}

// open: some Allow of the resource's policy, or some grant, has beside it all
// that it needs.
func (r *residual) open(atoms []truth) truth {
	needs := r.needs(atoms)
	verdict := no
	consider := func(via vias, t truth, delegable bool) {
		for v := byEveryone; v <= byPolicy; v <<= 1 {
			if via&v != 0 && t != no {
				verdict = max(verdict, min(t, needs(v, delegable)))
			}
		}
	}
	if r.subject.rule() == decision.IdentityOnly {
		consider(byAccount, yes, true)
		return verdict
	}
	for i := range r.clauses {
		c := &r.clauses[i]
		if c.layer == decision.LayerResource && c.effect() == policy.Allow {
			consider(c.via, c.holds(atoms), true)
		}
		if verdict == yes {
			return yes
		}
	}
	for i := range r.grants {
		g := &r.grants[i]
		consider(g.via, every(g.atoms, atoms), false)
	}
	return verdict
}

// needs tells whether an Allow by some via has what it needs: of a policy, or
// of a grant.
func (r *residual) needs(atoms []truth) func(v vias, ofPolicy bool) truth {
	c := r.subject.caller
	identity := r.says(decision.LayerIdentity, 0, atoms)
	switch c.Type {
	case decision.Root:
		identity = yes
	case decision.Service:
		identity = no
	}
	limit := func(l decision.Layer) truth {
		if _, attached := r.levels[l]; !attached {
			if l == decision.LayerSession && c.Type == decision.Federated {
				return no
			}
			return yes
		}
		return r.says(l, 0, atoms)
	}
	boundary, session := limit(decision.LayerBoundary), limit(decision.LayerSession)
	foreign := r.foreign()
	return func(v vias, ofPolicy bool) truth {
		switch {
		case v == byAccount, ofPolicy && foreign:
			return min(identity, boundary, session)
		case foreign:
			return min(boundary, session)
		case v == byEveryone, v == bySession, v == byService:
			return yes
		case c.Type == decision.User:
			return session
		default:
			return min(boundary, session)
		}
	}
}
