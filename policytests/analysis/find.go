package analysis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A State is how a search ended. The zero value is invalid.
type State int

// The ways in which a search ends: it is proved that there is no such request;
// there is one; it is not known.
const (
	Proved State = iota + 1
	Found
	Unknown
)

// An Answer is the outcome of a search.
type Answer struct {
	State   State
	Witness *Witness // of Found
	Why     string   // of Unknown: what could not be decided
}

// defaultSteps bounds the search for one caller, action and key.
const defaultSteps = 60_000

// A Query asks for a request that all of Allowed allow and all of Refused
// refuse.
type Query struct {
	Allowed, Refused []*Universe
	// Callers, Actions and Resources narrow it; nil: all. Resources are ARNs.
	Callers   func(Caller) bool
	Actions   []string
	Resources []string
	// Keys fixes condition keys that requests bring, by lower-cased name; nil
	// values: the key is absent.
	Keys map[string][]string
	// Steps bounds the search for each caller, action and key; zero: 60,000.
	Steps int
}

// Find looks for a request. An error means that the engine disagrees with the
// analysis or could not decide, or that ctx ended.
func Find(ctx context.Context, q Query) (Answer, error) {
	all := append(slices.Clone(q.Allowed), q.Refused...)
	if len(all) == 0 {
		return Answer{}, fmt.Errorf("a query needs a universe")
	}
	f := &finder{space: spaceOf(all), query: q}
	for _, u := range q.Allowed {
		f.allowed = append(f.allowed, variant{u: u})
	}
	for _, u := range q.Refused {
		f.refused = append(f.refused, variant{u: u})
	}
	return f.find(ctx)
}

// spaceOf is the space of some universes; that of one universe is kept.
func spaceOf(all []*Universe) *space {
	if slices.ContainsFunc(all, func(u *Universe) bool { return u != all[0] }) {
		return newSpace(all...)
	}
	return all[0].requests()
}

func (u *Universe) requests() *space {
	if u.own == nil {
		u.own = newSpace(u)
	}
	return u.own
}

// A finder looks for a request over all callers, actions and keys.
type finder struct {
	space            *space
	query            Query
	allowed, refused []variant
	// matching must match, in the universe of the first variant; missing must
	// not.
	matching, missing []*statement
	// unsure gathers why parts of the search came to nothing.
	unsure []string
	seen   map[string]bool
	// extra must hold of the request besides.
	extra []*condition
	// either: whether the variants allow does not matter, only that statements
	// match.
	either bool
	// silent: what is found is not shown to anybody, and so not confirmed.
	silent bool
}

func (f *finder) variants() []variant { return append(slices.Clone(f.allowed), f.refused...) }

// find goes through the subjects of the first variant, and of the others those
// that it does not have.
func (f *finder) find(ctx context.Context) (Answer, error) {
	f.seen = map[string]bool{}
	f.unsure = nil
	var answer Answer
	err := f.subjects(ctx, func(s *subject) (bool, error) {
		w, err := f.ask(ctx, s)
		if w != nil {
			answer = Answer{State: Found, Witness: w}
		}
		return w != nil, err
	})
	switch {
	case err != nil:
		return Answer{}, err
	case answer.State == Found:
		return answer, nil
	case f.retires():
		return Answer{State: Unknown, Why: "who may retire a grant is told by the grant; ask about kms:RetireGrant with a grant"}, nil
	case len(f.unsure) > 0:
		return Answer{State: Unknown, Why: strings.Join(f.unsure, "; ")}, nil
	default:
		return Answer{State: Proved}, nil
	}
}

// retires tells whether the search is also about kms:RetireGrant, and some of
// the callers have a say in retiring a grant on one of the keys: it is not looked
// for.
func (f *finder) retires() bool {
	if f.query.Actions != nil && !slices.Contains(f.query.Actions, "kms:RetireGrant") || f.silent || len(f.matching) > 0 {
		return false
	}
	for _, v := range f.allowed {
		for _, c := range v.u.callers {
			if f.query.Callers != nil && !f.query.Callers(*c) {
				continue
			}
			if slices.ContainsFunc(v.u.resources, func(r *resource) bool {
				return slices.ContainsFunc(r.grants, func(g decision.Grant) bool { return c.retires(r, &g) })
			}) {
				return true
			}
		}
	}
	return false
}

// retires tells whether somebody may be one of those who retire a grant.
func (c *Caller) retires(r *resource, g *decision.Grant) bool {
	is := func(p decision.Party) bool {
		via := partyVia[p.Via]
		return via != 0 && (party{via, p.ID}).names(&c.principal)
	}
	return c.Account != "" && c.Account == r.asked.Account || is(g.Retiree) || is(g.Grantee) && slices.Contains(g.Operations, "RetireGrant")
}

// subjects calls visit for each subject until it says that it is enough.
func (f *finder) subjects(ctx context.Context, visit func(*subject) (bool, error)) error {
	u := f.variants()[0].u
	actions := f.actions()
	for _, c := range u.callers {
		if f.query.Callers != nil && !f.query.Callers(*c) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, a := range actions {
			for _, s := range u.asking(c, a) {
				if f.query.Resources != nil && !slices.Contains(f.query.Resources, s.on.decided.ARN) || !f.matched(s) {
					continue
				}
				if done, err := visit(s); done || err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// actions are those to ask about: of actions that no policy tells apart, one.
func (f *finder) actions() []*policy.Action {
	var all []*policy.Action
	if f.query.Actions == nil {
		for _, class := range f.space.classes() {
			all = append(all, class[0])
		}
		return all
	}
	for i := range policy.Actions {
		if slices.Contains(f.query.Actions, policy.Actions[i].Name) {
			all = append(all, &policy.Actions[i])
		}
	}
	return all
}

// matched tells whether the statements that must match can match a subject, by
// what is quickly seen.
func (f *finder) matched(s *subject) bool {
	for _, st := range f.matching {
		if st.dead || !st.actions[actionIndex[s.action.Name]] || st.matched(&s.caller.principal, s.caller.attached.Boundary != nil) == 0 {
			return false
		}
	}
	return true
}

// asking lists the subjects of one caller and action.
func (u *Universe) asking(c *Caller, a *policy.Action) []*subject {
	var all []*subject
	for _, on := range u.resources {
		for _, by := range u.routes {
			if by.endpoint != nil && (c.Type == "service" || !by.open && by.endpoint.Region != on.region) {
				continue
			}
			if s := (&subject{u: u, caller: c, action: a, on: on, by: by}); s.possible() {
				all = append(all, s)
			}
		}
	}
	return all
}

// in is the same subject in another universe; nil if that does not have it.
func (s *subject) in(u *Universe) *subject {
	if u == s.u {
		return s
	}
	c := u.byKey[s.caller.key()]
	on := slices.IndexFunc(u.resources, func(r *resource) bool { return r.decided.ARN == s.on.decided.ARN })
	by := slices.IndexFunc(u.routes, func(r *route) bool { return r.key() == s.by.key() })
	if c == nil || on < 0 || by < 0 {
		return nil
	}
	return &subject{u: u, caller: c, action: s.action, on: u.resources[on], by: u.routes[by]}
}

// ask looks for a request of one subject.
func (f *finder) ask(ctx context.Context, s *subject) (*Witness, error) {
	r := &residue{space: f.space, given: f.query.Keys}
	g := f.goal(r, s)
	if g == nil {
		f.doubt(r, true) // what looks impossible may be so for want of options
		f.doubtful(s)
		return nil, nil
	}
	sign := signature(r, g)
	if f.seen[sign] {
		f.doubtful(s)
		return nil, nil // asked before, and there was nothing
	}
	steps := f.query.Steps
	if steps == 0 {
		steps = defaultSteps
	}
	chosen, found, sure, _ := r.solve(g, steps)
	if !found {
		f.seen[sign] = true
		f.doubt(r, sure)
		f.doubtful(s)
		return nil, nil
	}
	if f.silent && !verifyAll {
		return &Witness{}, nil
	}
	return f.confirm(ctx, r, s, chosen)
}

// doubt notes why nothing was found where there might be something.
func (f *finder) doubt(r *residue, sure bool) {
	note := func(why string) {
		if why != "" && !slices.Contains(f.unsure, why) {
			f.unsure = append(f.unsure, why)
		}
	}
	if !sure {
		note("too many combinations of conditions")
	}
	for _, d := range r.dims {
		note(d.limit)
	}
	for _, v := range f.variants() {
		note(v.u.limit)
		if f.query.Callers == nil || slices.ContainsFunc(v.u.callers, func(c *Caller) bool { return c.strange() && f.query.Callers(*c) }) {
			note(v.u.strange)
		}
	}
}

// goal is what a request of a subject must be like; nil if that is plainly
// impossible.
func (f *finder) goal(r *residue, s *subject) *goal {
	g := &goal{}
	if !f.clauses(r, g, s) {
		return nil
	}
	for _, v := range f.allowed {
		in := s.in(v.u)
		if in == nil {
			return nil
		}
		res := r.of(v, in)
		if g.allowed = append(g.allowed, res); f.either {
			g.allowed = nil
		}
	}
	for _, v := range f.refused {
		in := s.in(v.u)
		if in == nil {
			continue // who is not there is refused
		}
		g.refused = append(g.refused, r.of(v, in))
	}
	for _, c := range f.extra {
		n, t := r.atom(s, c)
		if t == no {
			return nil
		}
		if t == maybe {
			g.matching = append(g.matching, &clause{atoms: []int{n}})
		}
	}
	blank := make([]truth, len(r.atoms))
	for i := range blank {
		blank[i] = maybe
	}
	if g.reached(blank) == no {
		return nil
	}
	return g
}

// clauses finds the statements that must match, and must not, in the documents
// of the subject's own universe.
func (f *finder) clauses(r *residue, g *goal, s *subject) bool {
	bounded := s.caller.attached.Boundary != nil
	for _, st := range f.matching {
		atoms, possible := r.conditions(s, st)
		if !possible || st.matched(&s.caller.principal, bounded) == 0 {
			return false
		}
		g.matching = append(g.matching, &clause{atoms: atoms})
	}
	for _, st := range f.missing {
		if st.dead || !st.actions[actionIndex[s.action.Name]] || st.matched(&s.caller.principal, bounded) == 0 {
			continue
		}
		if atoms, possible := r.conditions(s, st); possible {
			g.missing = append(g.missing, &clause{atoms: atoms})
		}
	}
	return true
}
