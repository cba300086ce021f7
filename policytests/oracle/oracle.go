// Package oracle answers a decision.Question slowly and plainly, from the written requirements alone; only tests use it.
package oracle

import (
	"fmt"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// An Answer is what the requirements say to a question.
type Answer struct {
	Allowed bool
	Reason  decision.Reason
	Layer   decision.Layer // what settled it
	Grants  []string       // ids of the grants that allow, sorted; empty unless a grant settled it
	Matches []Match        // of layers that bind, in the order of layers, levels, policies and statements
}

// A Match is a statement that matches the request.
type Match struct {
	Layer  decision.Layer
	Level  int    // SCP and RCP: 0 is the root
	Policy string // name
	Index  int    // of the statement in its document
	Effect policy.Effect
	Via    []decision.Via // sorted, never empty
}

// Decide answers q. An error means that the requirements do not say: the
// question holds what this package does not know.
func Decide(q *decision.Question) (Answer, error) {
	c := &inquiry{q: q}
	for _, l := range layersOf(q) {
		c.read(l)
	}
	verdict, err := c.verdict()
	if err != nil {
		return Answer{}, err
	}
	verdict.Matches = c.matches
	return verdict, nil
}

// An inquiry is a question with what its policies say.
type inquiry struct {
	q       *decision.Question
	matches []Match
	layers  []*spoken
}

// spoken is a layer after its policies were read.
type spoken struct {
	layer
	deny   bool
	allows []bool // by level: some statement allows
	via    map[decision.Via]bool
}

// read has each policy of a layer say which of its statements match.
func (c *inquiry) read(l layer) {
	s := &spoken{layer: l, via: map[decision.Via]bool{}}
	c.layers = append(c.layers, s)
	if !l.binds {
		return
	}
	for level, policies := range l.levels {
		allowed := false
		for _, p := range policies {
			for i := range p.Document.Statements {
				st := &p.Document.Statements[i]
				via := matchStatement(c.q, p, st)
				if len(via) == 0 {
					continue
				}
				c.matches = append(c.matches, Match{Layer: l.name, Level: level, Policy: p.Name, Index: i, Effect: st.Effect, Via: via})
				if st.Effect == policy.Deny {
					s.deny = true
					continue
				}
				allowed = true
				for _, v := range via {
					s.via[v] = true
				}
			}
		}
		s.allows = append(s.allows, allowed)
	}
}

// of finds a layer.
func (c *inquiry) of(name decision.Layer) *spoken {
	for _, s := range c.layers {
		if s.name == name {
			return s
		}
	}
	panic(fmt.Sprintf("no layer %s", name))
}

// verdict follows section 2 of the requirements.
func (c *inquiry) verdict() (Answer, error) {
	// an explicit deny in any layer that applies, over everything else;
	// the first layer in the order of A-10 is named.
	for _, s := range c.layers {
		if s.deny {
			return refused(decision.ExplicitDeny, s.name), nil
		}
	}
	// guardrails must allow, at each level.
	for _, name := range []decision.Layer{decision.LayerSCP, decision.LayerEndpoint} {
		if !c.of(name).permits() {
			return refused(decision.NoAllow, name), nil
		}
	}
	// some actions are refused to other accounts whatever policies say;
	// A-13 d: this does not apply to services, which have no account.
	if c.foreign() && !c.q.CrossAccountPossible {
		return refused(decision.CrossAccount, decision.LayerResource), nil
	}
	switch c.q.Rule {
	case decision.KeyPolicy:
		return c.keyOperation(), nil
	case decision.IdentityOnly:
		return c.identityOnly(), nil
	case decision.GrantOnly:
		return c.retireGrant(), nil
	case decision.Trust:
		return c.assumeRole(), nil
	default:
		return Answer{}, fmt.Errorf("no such rule: %d", c.q.Rule)
	}
}

func refused(reason decision.Reason, l decision.Layer) Answer {
	return Answer{Reason: reason, Layer: l}
}

func allowed(l decision.Layer) Answer {
	return Answer{Allowed: true, Reason: decision.Allow, Layer: l}
}
