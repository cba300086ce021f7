package query

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// Bounds of the search for a remedy.
const (
	maxEdits     = 4    // of one proposal
	maxWidth     = 12   // unfinished proposals that are followed at once
	maxDecisions = 4000 // that are asked for
)

// A search looks for the smallest changes that would have a request allowed: all
// proposals of one edit, and if there are none, of two, and so on. The engine
// decides about each.
type search struct {
	b       *Base
	request caseline.Request // as it was asked
	// resource is what the request is about, as people name it.
	resource string
	left     int // decisions
}

// A state is a request with some changes, and what becomes of it.
type state struct {
	changes []change
	request caseline.Request
	q       decision.Question
	d       decision.Decision
}

// errSpent ends a search that would take too long.
var errSpent = errors.New("too many statements to try")

// run returns the states that are allowed with the fewest changes.
func (s *search) run(ctx context.Context, start *state) ([]*state, error) {
	frontier := []*state{start}
	for range maxEdits {
		var found, next []*state
		for _, st := range frontier {
			for _, c := range s.candidates(st) {
				n, err := s.try(ctx, st, c)
				switch {
				case errors.Is(err, errSpent):
					return found, err
				case err != nil:
					return nil, err
				case n == nil:
				case n.d.Allowed:
					found = append(found, n)
				default:
					next = append(next, n)
				}
			}
		}
		if len(found) > 0 {
			slices.SortStableFunc(found, byCost)
			return found, nil
		}
		slices.SortStableFunc(next, byCost)
		frontier = next[:min(len(next), maxWidth)]
	}
	return nil, nil
}

// costs say which of several edits is the narrowest.
var costs = map[Op]int{
	OpRequest: 1, OpTag: 2, OpAction: 3, OpPrincipal: 4, OpResource: 5, OpValue: 6, OpStatement: 7, OpGrant: 8,
	OpExcept: 9, OpDropCondition: 10, OpDropStatement: 11,
}

func byCost(a, b *state) int {
	return cmp.Or(cmp.Compare(a.cost(), b.cost()), cmp.Compare(len(a.changes), len(b.changes)))
}

func (st *state) cost() int {
	sum := 0
	for _, c := range st.changes {
		sum += costs[c.Op] + len(c.parts)
	}
	return sum
}

// try applies one more change. The result is nil if it is no request that can
// be, or no step forward.
func (s *search) try(ctx context.Context, st *state, c change) (*state, error) {
	n, err := s.apply(ctx, append(slices.Clone(st.changes), c))
	if err != nil || n == nil || !n.d.Allowed && !further(st.d, n.d) {
		return nil, err
	}
	for i := 0; len(c.parts) > 1 && i < len(c.parts); {
		rest := slices.Delete(slices.Clone(c.parts), i, i+1)
		fewer := joined(rest)
		m, err := s.apply(ctx, append(slices.Clone(st.changes), fewer))
		if err != nil {
			return nil, err
		}
		if m != nil && (m.d.Allowed || !n.d.Allowed && further(st.d, m.d)) {
			n, c = m, fewer
			continue
		}
		i++
	}
	return n, nil
}

// apply asks the request with changes, from the beginning; nil if that is no
// request that can be.
func (s *search) apply(ctx context.Context, changes []change) (*state, error) {
	if s.left--; s.left < 0 {
		return nil, errSpent
	}
	n := &state{changes: changes, request: s.request}
	for _, c := range changes {
		if c.request != nil {
			c.request(&n.request)
		}
	}
	var err error
	if n.q, err = s.b.Question(n.request); err != nil {
		return nil, nil //nolint:nilerr // a change that makes no sense is none
	}
	for _, c := range changes {
		if c.question == nil {
			continue
		}
		if err := c.question(&n.q); err != nil {
			return nil, nil //nolint:nilerr // as above
		}
	}
	n.d, err = s.b.Decide(ctx, n.q)
	return n, err
}

// further tells whether a refusal is nearer to an Allow than another: something
// else is in the way, or less of the same.
func further(before, after decision.Decision) bool {
	if before.Reason != after.Reason {
		return before.Reason == decision.ExplicitDeny
	}
	if before.Layer != after.Layer {
		return before.Reason != decision.ExplicitDeny || rank(after.Layer) > rank(before.Layer)
	}
	switch {
	case after.Reason == decision.ExplicitDeny:
		return len(after.Evidence().SettledBy) < len(before.Evidence().SettledBy)
	case after.Layer == decision.LayerSCP:
		return silentLevels(after) < silentLevels(before)
	}
	return false
}

// rank is the place of a layer in A-10.
func rank(l decision.Layer) int {
	return slices.Index([]decision.Layer{
		decision.LayerGuardrail, decision.LayerSCP, decision.LayerRCP, decision.LayerEndpoint, decision.LayerBoundary,
		decision.LayerSession, decision.LayerIdentity, decision.LayerResource,
	}, l)
}

func silentLevels(d decision.Decision) int {
	n := 0
	for _, l := range d.Evidence().Layers {
		if l.Layer == decision.LayerSCP && l.Said == decision.SaidNothing {
			n++
		}
	}
	return n
}
