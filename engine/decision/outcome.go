package decision

import (
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// An outcome is the answer of decide.rego, checked. It is immutable, and may
// be remembered: equal questions share it.
type outcome struct {
	allowed bool
	reason  Reason
	layer   Layer
	grants  []string

	once sync.Once
	explanation
}

// An explanation is what decide.rego adds for evidence.
type explanation struct {
	settled []reference
	exempt  []Layer
}

// A reference names one match of one policy by its place.
type reference struct {
	layer, level, policy int
	match
}

// settling says which layers go with a reason.
var settling = map[Reason][]Layer{
	Allow: {LayerResource, LayerIdentity, LayerGrant, LayerRoot},
	ExplicitDeny: {LayerGuardrail, LayerSCP, LayerRCP, LayerEndpoint, LayerBoundary, LayerSession, LayerIdentity,
		LayerResource},
	NoAllow:      {LayerSCP, LayerEndpoint, LayerBoundary, LayerSession, LayerIdentity, LayerResource},
	CrossAccount: {LayerResource},
}

// readOutcome checks that an answer is exactly what decide.rego can say about
// this question.
func readOutcome(t *ast.Term, q *Question) (*outcome, error) {
	o, ok := t.Value.(ast.Object)
	if !ok || o.Len() != 4 {
		return nil, misshapen("a decision is an object of four fields")
	}
	out := &outcome{}
	allowed, ok := boolean(o.Get(termAllow))
	if !ok {
		return nil, misshapen("a decision without allow")
	}
	out.allowed = allowed
	out.reason, out.layer = Reason(text(o.Get(termReason))), Layer(text(o.Get(termLayer)))
	if !slices.Contains(settling[out.reason], out.layer) || out.allowed != (out.reason == Allow) {
		return nil, misshapen("reason and layer of a decision disagree")
	}
	if err := out.readGrants(o.Get(termGrants), q); err != nil {
		return nil, err
	}
	return out, nil
}

func boolean(t *ast.Term) (value, ok bool) {
	if t == nil {
		return false, false
	}
	b, ok := t.Value.(ast.Boolean)
	return bool(b), ok
}

// text is a string, or empty for what is none.
func text(t *ast.Term) string {
	if t == nil {
		return ""
	}
	s, _ := t.Value.(ast.String)
	return string(s)
}

// members lists an array or a set.
func members(t *ast.Term) ([]*ast.Term, bool) {
	if t == nil {
		return nil, false
	}
	switch v := t.Value.(type) {
	case ast.Set:
		return v.Slice(), true
	case *ast.Array:
		all := make([]*ast.Term, 0, v.Len())
		v.Foreach(func(e *ast.Term) { all = append(all, e) })
		return all, true
	default:
		return nil, false
	}
}

// readStatements reads the statements that settled a question.
func readStatements(t *ast.Term, a *attachments) ([]reference, error) {
	list, ok := members(t)
	if !ok {
		return nil, misshapen("the statements are no list")
	}
	all := make([]reference, 0, len(list))
	for _, e := range list {
		r, err := readReference(e, a)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func readReference(t *ast.Term, a *attachments) (reference, error) {
	tuple, ok := t.Value.(*ast.Array)
	if !ok || tuple.Len() != 5 {
		return reference{}, misshapen("a statement has five parts")
	}
	layer, ok := layerIndex(Layer(text(tuple.Elem(0))))
	if !ok {
		return reference{}, misshapen("a statement of no layer")
	}
	level, okLevel := readIndex(tuple.Elem(1), max(0, a.levels[layer]))
	index, okIndex := readIndex(tuple.Elem(2), len(a.slots))
	if !okLevel || !okIndex {
		return reference{}, misshapen("a statement of no policy")
	}
	s, err := a.at(layer, level, index)
	if err != nil {
		return reference{}, misshapen("%w", err)
	}
	m, err := readMatch(ast.ArrayTerm(tuple.Elem(3), tuple.Elem(4)), s.policy.Document)
	if err != nil {
		return reference{}, err
	}
	matched := s.verdict.allow
	if s.policy.Document.Statements[m.index].Effect == policy.Deny {
		matched = s.verdict.deny
	}
	if !slices.Contains(matched, m) {
		return reference{}, misshapen("a statement that did not match")
	}
	return reference{layer: layer, level: level, policy: index, match: m}, nil
}

func (out *outcome) readGrants(t *ast.Term, q *Question) error {
	list, ok := members(t)
	if !ok {
		return misshapen("a decision without grants")
	}
	for _, e := range list {
		id := text(e)
		if !slices.ContainsFunc(q.Grants, func(g Grant) bool { return g.ID == id }) {
			return misshapen("a grant that was no candidate")
		}
		out.grants = append(out.grants, id)
	}
	if (len(out.grants) > 0) != (out.layer == LayerGrant) {
		return misshapen("grants and layer of a decision disagree")
	}
	return nil
}

// readExempt reads the layers that do not bind a call.
func readExempt(t *ast.Term) ([]Layer, error) {
	list, ok := members(t)
	if !ok {
		return nil, misshapen("the exempt layers are no set")
	}
	var exempt []Layer
	for _, e := range list {
		l := Layer(text(e))
		if _, ok := layerIndex(l); !ok {
			return nil, misshapen("an exempt layer that is none")
		}
		exempt = append(exempt, l)
	}
	return exempt, nil
}
