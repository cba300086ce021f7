package differential

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A world is a set of policies of which many requests are asked: compiling
// policies costs more than deciding.
type world struct {
	g      generator
	rule   decision.Rule
	themes []request
	by     map[policy.Kind][]Policy
	made   int
}

// perWorld is how many requests are asked of one world.
const perWorld = 50

// newWorld draws world n of a seed. The same two numbers give the same world
// with the same requests.
func newWorld(seed, n uint64) *world {
	w := &world{g: generator{rand.New(rand.NewPCG(seed, n))}, by: map[policy.Kind][]Policy{}}
	w.rule = w.g.rule()
	for range 4 {
		w.themes = append(w.themes, w.g.request(w.rule))
	}
	// A world has one caller more often than not, or its policies would name
	// nobody.
	counts := map[policy.Kind]int{policy.Key: 3, policy.Identity: 4, policy.Boundary: 2, policy.Session: 2}
	if w.rule == decision.Trust {
		counts = map[policy.Kind]int{policy.Trust: 3, policy.Identity: 4, policy.Boundary: 2, policy.Session: 2}
	}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		for i := range counts[kind] {
			w.by[kind] = append(w.by[kind], w.g.document(kind, fmt.Sprintf("%s-%d", kind, i), w.themes))
		}
	}
	for _, kind := range []policy.Kind{policy.SCP, policy.RCP, policy.Endpoint} {
		w.by[kind] = w.g.guardrails(kind, w.themes)
	}
	return w
}

// next draws a request with what is attached to its caller and its key.
func (w *world) next() Case {
	q := w.g.vary(pick(w.g, w.themes))
	w.made++
	w.attach(&q)
	w.grant(&q)
	return q.Case
}

func (w *world) attach(q *request) {
	g := w.g
	t := q.Principal.Type
	if t != decision.Root && t != decision.Service {
		q.Identity = g.subset(w.by[policy.Identity])
		if g.chance(0.25) {
			q.Boundary = g.one(slices.Concat(w.by[policy.Boundary], w.by[policy.Identity][:1]))
		}
		if t != decision.User && g.chance(0.3) {
			q.Session = g.subset(slices.Concat(w.by[policy.Session], w.by[policy.Identity][1:2]))
		}
	}
	if g.chance(0.5) {
		q.SCP = g.levels(w.by[policy.SCP])
	}
	if g.chance(0.4) {
		q.RCP = g.levels(w.by[policy.RCP])
	}
	if g.chance(0.25) {
		q.Endpoint = g.one(w.by[policy.Endpoint])
		if g.chance(0.3) {
			q.Endpoint = &w.by[policy.Endpoint][0]
		}
	}
	if !g.chance(0.05) {
		switch w.rule {
		case decision.KeyPolicy, decision.GrantOnly:
			q.Resourced = g.one(w.by[policy.Key])
		case decision.Trust:
			q.Resourced = g.one(w.by[policy.Trust])
		case decision.IdentityOnly:
			if g.chance(0.3) { // it has no say
				q.Resourced = g.one(w.by[policy.Key])
			}
		}
	}
}

func (g generator) one(policies []Policy) *Policy {
	p := pick(g, policies)
	return &p
}

// subset draws some of the policies of a layer, seldom none; it is never nil.
func (g generator) subset(policies []Policy) []Policy {
	list := []Policy{}
	for _, p := range policies {
		if g.chance(0.5) {
			list = append(list, p)
		}
	}
	if len(list) == 0 && g.chance(0.8) {
		list = append(list, pick(g, policies))
	}
	return list
}

// levels draws the levels of an organization's path. The first policy allows
// everything and is attached at most levels.
func (g generator) levels(policies []Policy) [][]Policy {
	levels := [][]Policy{}
	n := 1 + g.IntN(3)
	if g.chance(0.02) {
		n = 0
	}
	for range n {
		level := []Policy{}
		if g.chance(0.94) {
			level = append(level, policies[0])
		}
		if g.chance(0.35) {
			level = append(level, pick(g, policies[1:]))
		}
		levels = append(levels, level)
	}
	return levels
}

// grant adds grants, and what a CreateGrant asks for.
func (w *world) grant(q *request) {
	g := w.g
	n := 0
	switch {
	case w.rule == decision.GrantOnly:
		n = 1
	case w.rule == decision.KeyPolicy && g.chance(0.35):
		n = 1 + g.IntN(3)
	}
	for i := range n {
		q.Grants = append(q.Grants, g.drawGrant(q, fmt.Sprintf("g%d", i)))
	}
	if q.Action == "kms:CreateGrant" && g.chance(0.8) {
		q.Child = &decision.Child{Operations: some(g, operations, 1+g.IntN(2))}
		q.Child.Equals, q.Child.Subset = g.constraints(q)
	}
}

// operations are those that grants are drawn from.
var operations = []string{"Decrypt", "Encrypt", "GenerateDataKey", "CreateGrant", "DescribeKey", "ReEncryptFrom", "RetireGrant"}

func (g generator) drawGrant(q *request, id string) decision.Grant {
	grant := decision.Grant{ID: id, Grantee: g.party(q), Operations: some(g, operations, 1+g.IntN(4)),
		IssuingAccount: pick(g, []string{home, home, abroad}), FromToken: g.chance(0.1)}
	if g.chance(0.7) {
		grant.Operations = append(grant.Operations, strings.TrimPrefix(q.Action, "kms:"))
	}
	if g.chance(0.3) {
		grant.Operations = append(grant.Operations, operations...)
	}
	if g.chance(0.5) {
		grant.Retiree = g.party(q)
	}
	grant.Equals, grant.Subset = g.constraints(q)
	return grant
}

// constraints are mostly met by the request's encryption context.
func (g generator) constraints(q *request) (equals, subset map[string]string) {
	pairs := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(q.EncryptionContext)) {
		if g.chance(0.7) {
			pairs[name] = q.EncryptionContext[name]
		}
	}
	if g.chance(0.2) {
		pairs[pick(g, names["kms:EncryptionContext:"])] = pick(g, values[policy.StringType][:4])
	}
	switch g.IntN(5) {
	case 0, 1:
		return nil, nil
	case 2:
		return pairs, nil
	case 3:
		if g.chance(0.2) {
			return maps.Clone(q.EncryptionContext), pairs // both
		}
		return nil, pairs
	default:
		return maps.Clone(q.EncryptionContext), nil
	}
}
