package decision

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// layers in the order of A-10, which is that of every list of layers.
var layers = [...]Layer{LayerSCP, LayerRCP, LayerEndpoint, LayerBoundary, LayerSession, LayerIdentity, LayerResource}

var layerTerms = func() (terms [len(layers)]*ast.Term) {
	for i, l := range layers {
		terms[i] = ast.StringTerm(string(l))
	}
	return terms
}()

// layerIndex finds a layer's place in layers.
func layerIndex(l Layer) (int, bool) {
	i := slices.Index(layers[:], l)
	return i, i >= 0
}

// notAttached is the number of levels of a layer that is nil.
const notAttached = -1

// attachments are the policies of a question, layer by layer, and what they
// said.
type attachments struct {
	levels [len(layers)]int // number of levels, or notAttached
	slots  []slot           // by layer, level, index
	// refusal is what the guardrails said; nil: there are none.
	refusal *refusal

	room [usual]slot // of slots, unless there are more
}

// usual is room for as many policies as most questions have.
const usual = 6

// A slot is the place of one policy.
type slot struct {
	layer, level, index int
	policy              *Policy
	program             *program
	verdict             *verdict
}

// attach lists the policies of q and refuses those that are not of their
// layer's kind.
func attach(q *Question) (*attachments, error) {
	a := &attachments{}
	a.slots = a.room[:0]
	add := func(layer, level, index int, p *Policy) error {
		if p.Document == nil || !fits(p.Document.Kind, layers[layer], q.Rule) {
			return malformed("a policy of layer %s is missing or of another kind", layers[layer])
		}
		a.slots = append(a.slots, slot{layer: layer, level: level, index: index, policy: p})
		return nil
	}
	many := func(layer int, levels [][]Policy) error {
		for level := range levels {
			for i := range levels[level] {
				if err := add(layer, level, i, &levels[level][i]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for i, l := range layers {
		single, levels := q.attached(l)
		switch {
		case single != nil:
			a.levels[i] = 1
			if err := add(i, 0, 0, single); err != nil {
				return nil, err
			}
		case levels != nil:
			a.levels[i] = len(levels)
			if err := many(i, levels); err != nil {
				return nil, err
			}
		default:
			a.levels[i] = notAttached
		}
	}
	return a, nil
}

// attached returns what is attached in a layer: one policy, or levels. Both
// are nil for nothing.
func (q *Question) attached(l Layer) (single *Policy, levels [][]Policy) {
	switch l {
	case LayerSCP:
		return nil, q.SCP
	case LayerRCP:
		return nil, q.RCP
	case LayerEndpoint:
		return q.Endpoint, nil
	case LayerBoundary:
		return q.Boundary, nil
	case LayerSession:
		if q.Session == nil {
			return nil, nil
		}
		return nil, [][]Policy{q.Session}
	case LayerIdentity:
		return nil, [][]Policy{q.Identity}
	default:
		return q.KeyPolicy, nil
	}
}

// of returns the slots of a layer.
func (a *attachments) of(layer int) []slot {
	from, _ := slices.BinarySearchFunc(a.slots, layer, func(s slot, l int) int { return s.layer - l })
	to := from
	for to < len(a.slots) && a.slots[to].layer == layer {
		to++
	}
	return a.slots[from:to]
}

// at finds a policy by its place.
func (a *attachments) at(layer, level, index int) (*slot, error) {
	for i := range a.slots {
		if s := &a.slots[i]; s.layer == layer && s.level == level && s.index == index {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no policy %d at level %d of layer %s", index, level, layers[layer])
}

// term is an attached layer as decide.rego sees it: levels of matches.
func (a *attachments) term(layer int) *ast.Term {
	slots := a.of(layer)
	terms := make([]*ast.Term, a.levels[layer])
	for level := range terms {
		n := 0
		for n < len(slots) && slots[n].level == level {
			n++
		}
		terms[level] = levelTerm(slots[:n])
		slots = slots[n:]
	}
	return ast.ArrayTerm(terms...)
}

// levelTerm holds what matched in the policies of one level.
func levelTerm(slots []slot) *ast.Term {
	allow := matchTerms(slots, func(v *verdict) []match { return v.allow })
	deny := matchTerms(slots, func(v *verdict) []match { return v.deny })
	if allow == nil && deny == nil {
		return termSilent
	}
	o := ast.NewObject()
	if allow != nil {
		o.Insert(termAllow, ast.ArrayTerm(allow...))
	}
	if deny != nil {
		o.Insert(termDeny, ast.ArrayTerm(deny...))
	}
	return ast.NewTerm(o)
}

// matchTerms is nil if nothing matched.
func matchTerms(slots []slot, of func(*verdict) []match) []*ast.Term {
	var terms []*ast.Term
	for i := range slots {
		s := &slots[i]
		for _, m := range of(s.verdict) {
			terms = append(terms, ast.ArrayTerm(
				layerTerms[s.layer], ast.InternedTerm(s.level), ast.InternedTerm(s.index),
				ast.InternedTerm(m.index), viaTerms[m.via],
			))
		}
	}
	return terms
}
