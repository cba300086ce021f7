package analysis

import (
	"maps"
	"slices"
	"time"
)

// A goal is what a request must be like for a search to end: allowed by some
// residuals, refused by others, and matched by some statements.
type goal struct {
	allowed, refused []*residual
	// matching and missing are clauses that must hold, and must not.
	matching []*clause
	missing  []*clause
	// avoid are sets of atoms, with their truth, of which one must differ.
	avoid [][]literalAtom
}

// A literalAtom is an atom with a truth.
type literalAtom struct {
	atom int
	is   truth
}

// reached tells whether the goal is met, as far as is known.
func (g *goal) reached(atoms []truth) truth {
	t := yes
	for _, c := range g.matching {
		t = min(t, c.holds(atoms))
	}
	for _, c := range g.missing {
		t = min(t, not(c.holds(atoms)))
	}
	for _, set := range g.avoid {
		t = min(t, not(allAre(set, atoms)))
	}
	for _, r := range g.allowed {
		if t == no {
			return no
		}
		t = min(t, r.allowed(atoms))
	}
	for _, r := range g.refused {
		if t == no {
			return no
		}
		t = min(t, not(r.allowed(atoms)))
	}
	return t
}

func allAre(set []literalAtom, atoms []truth) truth {
	t := yes
	for _, l := range set {
		x := atoms[l.atom]
		if l.is == no {
			x = not(x)
		}
		t = min(t, x)
	}
	return t
}

// A solver looks for options that reach a goal.
type solver struct {
	*residue
	goal   *goal
	chosen []int // by dimension; -1: not yet
	atoms  []truth
	order  []int // of the dimensions
	byDim  [][]int
	left   int // steps that may still be taken
}

// solve looks for a request; out of steps, it does not know.
func (r *residue) solve(g *goal, steps int) (chosen []int, found, exhausted bool, used int) {
	s := &solver{residue: r, goal: g, left: steps}
	s.chosen = make([]int, len(r.dims))
	s.byDim = make([][]int, len(r.dims))
	for i := range s.chosen {
		s.chosen[i] = -1
	}
	s.atoms = make([]truth, len(s.residue.atoms))
	for i := range s.atoms {
		s.atoms[i] = maybe
		for _, d := range s.residue.atoms[i].on {
			s.byDim[d] = append(s.byDim[d], i)
		}
	}
	for d := range r.dims {
		s.order = append(s.order, d)
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return len(s.byDim[b]) - len(s.byDim[a]) })
	found = s.search(0)
	if found {
		s.simplify()
	}
	return s.chosen, found, s.left > 0, steps - s.left
}

// search chooses options for the dimensions from the n-th on.
func (s *solver) search(n int) bool {
	if s.left--; s.left <= 0 {
		return false
	}
	switch t := s.goal.reached(s.atoms); {
	case t == no:
		return false
	case n == len(s.order):
		return t == yes && s.consistent()
	}
	d := s.order[n]
	for o := range s.dims[d].options {
		s.choose(d, o)
		if s.search(n + 1) {
			return true
		}
		if s.left <= 0 {
			break
		}
	}
	s.choose(d, -1)
	return false
}

// choose takes an option of a dimension, or with -1 none, and works out what
// follows for the atoms.
func (s *solver) choose(d, o int) {
	s.chosen[d] = o
	for _, i := range s.byDim[d] {
		s.atoms[i] = s.truthOf(&s.residue.atoms[i])
	}
}

func (s *solver) truthOf(a *atom) truth {
	for _, d := range a.on {
		if s.chosen[d] < 0 {
			return maybe
		}
	}
	switch {
	case a.table != nil:
		return a.table[s.chosen[a.on[0]]]
	case a.grant != nil:
		pairs, kind := s.context(), ""
		if v := s.get(a.subject, "kms:grantconstrainttype"); len(v) > 0 {
			kind = v[0]
		}
		return certainly(fits(a.grant, a.subject.action.Name[len("kms:"):], pairs, s.get(a.subject, "kms:grantoperations"), kind))
	}
	get := func(k string) []string { return s.get(a.subject, k) }
	if a.free != nil {
		return certainly(a.freely(get(a.condition.key), s.chosen[s.number(a.free)] == 1))
	}
	return certainly(a.condition.holds(get(a.condition.key), get))
}

// get is what a key has under the options chosen so far.
func (s *solver) get(on *subject, key string) []string {
	return s.value(on, key, func(d int) *option { return s.option(d) })
}

var nothing option

// option is what is chosen in a dimension; in one that the search has not seen,
// what is there by default.
func (s *solver) option(d int) *option {
	if d >= len(s.chosen) || s.chosen[d] < 0 {
		return &nothing
	}
	return &s.dims[d].options[s.chosen[d]]
}

// context is the encryption context that is chosen.
func (s *solver) context() map[string]string {
	pairs := map[string]string{}
	for i, d := range s.dims {
		if i < len(s.chosen) && s.chosen[i] >= 0 && slices.Contains(s.space.contexts, d) {
			maps.Copy(pairs, d.options[s.chosen[i]].pairs())
		}
	}
	return pairs
}

// simplify goes back to what requests have by default wherever that changes
// nothing.
func (s *solver) simplify() {
	for d := len(s.chosen) - 1; d >= 0; d-- {
		was := s.chosen[d]
		for o := range was {
			s.choose(d, o)
			if s.goal.reached(s.atoms) == yes && s.consistent() {
				was = o
				break
			}
		}
		s.choose(d, was)
	}
}

// consistent tells whether one request can be all that is chosen.
func (s *solver) consistent() bool {
	keys := map[string][]string{}
	contexts := false
	for d, o := range s.chosen {
		for k, v := range s.dims[d].options[o].keys {
			keys[k] = v
		}
		contexts = contexts || slices.Contains(s.space.contexts, s.dims[d])
	}
	if issued, now := keys["aws:tokenissuetime"], keys["aws:currenttime"]; issued != nil && now != nil && later(issued[0], now[0]) {
		return false
	}
	if alias, all := keys["kms:requestalias"], keys[resourceAliases]; alias != nil && all != nil && !slices.Contains(all, alias[0]) {
		return false
	}
	return s.constrained(keys, contexts)
}

// later tells whether a time is after another.
func later(a, b string) bool {
	at, err := time.Parse(time.RFC3339, a)
	than, err2 := time.Parse(time.RFC3339, b)
	return err == nil && err2 == nil && at.After(than)
}

// constrained: a grant has a constraint if and only if it has pairs.
func (s *solver) constrained(keys map[string][]string, contexts bool) bool {
	i := slices.IndexFunc(s.dims, func(d *dimension) bool { return d.name == "kms:grantconstrainttype" })
	if i < 0 || !contexts || s.chosen[i] < 0 {
		return true
	}
	return (len(s.context()) > 0) == (keys["kms:grantconstrainttype"] != nil)
}
