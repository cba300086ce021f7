package decision

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// guardrails are an organization's own Rego, prepared for questions.
type guardrails struct {
	id        uint64 // never used again within the process
	set       *guardrail.Set
	footprint []field
	context   []contextKey
	whole     bool // they may read any condition key
}

// guardrailsOf prepares the guardrails of now; nil for none.
func (e *Engine) guardrailsOf() (*guardrails, error) {
	if e.config.Guardrails == nil {
		return nil, nil
	}
	set := e.config.Guardrails()
	if set == nil {
		return nil, nil
	}
	if g := e.guarding.Load(); g != nil && g.set == set {
		return g, nil
	}
	g := &guardrails{id: e.guarded.Add(1), set: set, whole: slices.Contains(set.Footprint, "context")}
	var err error
	if g.footprint, g.context, err = readFootprint(set.Footprint); err != nil {
		return nil, fmt.Errorf("preparing guardrails: %w", err)
	}
	e.guarding.Store(g)
	return g, nil
}

// A refusal is what guardrails said: the reasons, in order, for which they
// refuse. It is immutable.
type refusal struct{ reasons []string }

func (r *refusal) equal(o *refusal) bool { return slices.Equal(r.reasons, o.reasons) }

func (r *refusal) bytes() int64 {
	n := 64
	for _, text := range r.reasons {
		n += 16 + len(text)
	}
	return int64(n)
}

// guard has the guardrails of the question say whether they refuse it. What
// they said before of the same facts is remembered.
func (e *Engine) guard(ctx context.Context, q *Question) (*refusal, error) {
	g := q.guardrails
	if g == nil {
		return nil, nil
	}
	if err := q.validateContext(); err != nil {
		return nil, err
	}
	if !e.config.Cache || g.set.Clock {
		return e.askGuardrails(ctx, g, g.input(q))
	}
	key := g.key(make([]byte, 0, keyBytes), q)
	known, ok, doubt := e.refusals.recall(key)
	switch {
	case !ok:
		now, err := e.askGuardrails(ctx, g, g.input(q))
		if err == nil {
			e.refusals.keep(key, now)
		}
		return now, err
	case doubt:
		now, err := e.askGuardrails(ctx, g, wholeInput(q))
		if err != nil {
			return nil, err
		}
		return known, e.refusals.confirm(known, now)
	}
	return known, nil
}

// askGuardrails alarms when they fail: then every call that they are asked
// about does.
func (e *Engine) askGuardrails(ctx context.Context, g *guardrails, input *ast.Term) (*refusal, error) {
	reasons, err := g.set.Deny(ctx, input, cmp.Or(e.config.GuardrailLimit, guardrail.Limit))
	if err != nil {
		e.config.Log.Error("alarm: the guardrails have no answer, so the call fails", slog.Any("err", err))
		return nil, err
	}
	return &refusal{reasons: reasons}, nil
}

// key is the values of all that the guardrails read. Unlike documents they may
// tell the order of values.
func (g *guardrails) key(b []byte, q *Question) []byte {
	b = appendNumber(b, int(g.id))
	for _, f := range g.footprint {
		b = f(b, q)
	}
	for _, k := range g.context {
		b = appendList(b, q.Context[k.name])
	}
	return b
}

// input is that of documents, with the condition keys that guardrails read.
func (g *guardrails) input(q *Question) *ast.Term {
	if g.whole {
		return wholeInput(q)
	}
	context := ast.NewObjectWithCapacity(len(g.context))
	for _, k := range g.context {
		if values, ok := q.Context[k.name]; ok {
			context.Insert(k.term, stringsTerm(values))
		}
	}
	return inputTerm(q, context)
}

// count is how many reasons there are; none without guardrails.
func (r *refusal) count() int {
	if r == nil {
		return 0
	}
	return len(r.reasons)
}

func (r *refusal) refuses() bool { return r.count() > 0 }

// term is the layer as decide.rego sees it: one level, with a deny for each
// reason.
func (r *refusal) term() *ast.Term {
	denies := make([]*ast.Term, len(r.reasons))
	for i := range denies {
		denies[i] = ast.ArrayTerm(termGuardrail, ast.InternedTerm(0), ast.InternedTerm(0), ast.InternedTerm(i), viaTerms[ViaPolicy])
	}
	return ast.ArrayTerm(ast.ObjectTerm(ast.Item(termDeny, ast.ArrayTerm(denies...))))
}

// agrees tells whether an answer of decide.rego follows from a refusal: one
// that is there settles every question.
func (r *refusal) agrees(out *outcome) bool {
	return r.refuses() == (out.layer == LayerGuardrail)
}

// denyPath is where guardrails say why they refuse.
const denyPath = "data." + guardrail.Package + ".deny"

// statements tell of each reason as evidence does.
func (r *refusal) statements() []Statement {
	all := []Statement{}
	for i, reason := range r.reasons {
		all = append(all, Statement{
			Layer: LayerGuardrail, Policy: guardrail.Package, Reason: reason, Effect: "Deny", Index: i, Path: denyPath, Via: []Via{ViaPolicy},
		})
	}
	return all
}

// evidence is what the layer said; none without guardrails.
func (r *refusal) evidence() []LayerEvidence {
	if r == nil {
		return nil
	}
	said := SaidNothing
	if r.refuses() {
		said = SaidDeny
	}
	return []LayerEvidence{{Layer: LayerGuardrail, Said: said, Statements: r.statements()}}
}

// sentence is what a refusal tells the caller.
func (r *refusal) sentence() string { return strings.Join(r.reasons, "; ") }
