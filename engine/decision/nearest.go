package decision

import (
	"context"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// maxVariants bounds how many conditions a document may have for its nearest
// miss to be looked for.
const maxVariants = 256

// maxCandidates bounds how many statements are tried in the decision.
const maxCandidates = 16

// findNearest looks for the statement that would have allowed a refused request
// but for one condition: it tries, in the layer that lacked an allow, each Allow
// without one of its conditions. OPA evaluates these variants like any other
// statement. Where a key policy leaves the answer to IAM policies, its own
// statements could have given it as well.
func (a *account) findNearest(ctx context.Context) (*NearestMiss, error) {
	if a.outcome.reason != NoAllow {
		return nil, nil
	}
	layers := []Layer{a.outcome.layer}
	if a.outcome.layer == LayerIdentity {
		layers = append(layers, LayerResource)
	}
	tried := 0
	for _, l := range layers {
		layer, ok := layerIndex(l)
		if !ok || a.hidden[layer] {
			continue
		}
		if miss, err := a.nearestOf(ctx, layer, &tried); miss != nil || err != nil {
			return miss, err
		}
	}
	return nil, nil
}

// nearestOf looks in one layer, and counts the statements that it tried.
func (a *account) nearestOf(ctx context.Context, layer int, tried *int) (*NearestMiss, error) {
	input := wholeInput(a.question)
	for _, s := range a.attachments.of(layer) {
		if !a.legible(&s) {
			continue
		}
		v := a.engine.variants.of(s.policy.Document)
		if v == nil {
			continue
		}
		matches, err := a.without(ctx, v, &s, input)
		if err != nil {
			return nil, err
		}
		for _, m := range matches {
			if *tried++; *tried > maxCandidates {
				return nil, nil
			}
			origin := v.origins[m.index]
			if ok, err := a.wouldAllow(ctx, &s, match{origin.statement, m.via}); err != nil {
				return nil, err
			} else if ok {
				return a.tell(&s, origin, m.via), nil
			}
		}
	}
	return nil, nil
}

// without evaluates the variants of a policy; none of them matches if there is
// too much to do.
func (a *account) without(ctx context.Context, v *variants, s *slot, input *ast.Term) ([]match, error) {
	p := *s.policy
	p.Document = v.document
	program, err := a.engine.programs.of(ctx, &p)
	if err != nil || a.question.work(program.matching) > maxWork {
		return nil, err
	}
	said, err := program.evaluate(ctx, a.engine.data, &p, input)
	if err != nil {
		return nil, err
	}
	return said.allow, nil
}

// wouldAllow decides again as if the policy in s had allowed by m. A caller who
// may not see the key's side is told what its own side lacked.
func (a *account) wouldAllow(ctx context.Context, s *slot, m match) (bool, error) {
	changed := &attachments{levels: a.attachments.levels, slots: slices.Clone(a.attachments.slots), refusal: a.attachments.refusal}
	at, err := changed.at(s.layer, s.level, s.index)
	if err != nil {
		return false, err
	}
	at.verdict = s.verdict.with(m)
	out, err := a.engine.combine(ctx, a.question, changed, nil)
	if err != nil {
		return false, err
	}
	return out.allowed || a.hidden[resourceLayer] && out.layer == LayerResource, nil
}

// with is the verdict with one more match among its allows.
func (v *verdict) with(m match) *verdict {
	allow := append(slices.Clone(v.allow), m)
	return &verdict{allow: allow, deny: v.deny, code: encodeVerdict(allow, v.deny)}
}

func (a *account) tell(s *slot, o origin, via Via) *NearestMiss {
	c := &s.policy.Document.Statements[o.statement].Conditions[o.condition]
	wanted := make([]string, len(c.Values))
	for i, v := range c.Values {
		wanted[i] = v.Text
	}
	miss := &NearestMiss{
		Statement: s.statement(match{o.statement, via}),
		Operator:  c.OperatorText(), Key: brief(c.KeyText),
		Path: brief(c.Pos.Path), Line: c.Pos.Line,
	}
	miss.Wanted, miss.MoreWanted = values(wanted)
	miss.Actual, miss.MoreActual = values(a.question.Context[c.Key])
	return miss
}

// variants are the Allows of a document, each once without each of its
// conditions, as a document of their own.
type variants struct {
	document *policy.Document
	origins  []origin // by statement index
}

// An origin says what a variant leaves out.
type origin struct{ statement, condition int }

// variantCache keeps the variants of documents.
type variantCache struct {
	made *cache[*policy.Document, *variants]
}

// of returns the variants of d; nil if it has none, or too many.
func (c *variantCache) of(d *policy.Document) *variants {
	if v, ok := c.made.get(d); ok {
		return v
	}
	v := vary(d)
	c.made.put(d, v, int64(16*len(d.Text)+512))
	return v
}

func vary(d *policy.Document) *variants {
	v := &variants{document: &policy.Document{Kind: d.Kind, Version: d.Version, Text: d.Text}}
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != policy.Allow {
			continue
		}
		for j := range s.Conditions {
			without := *s
			without.Index = len(v.origins)
			without.Sid = fmt.Sprintf("%d without condition %d", i, j)
			without.Conditions = slices.Delete(slices.Clone(s.Conditions), j, j+1)
			v.document.Statements = append(v.document.Statements, without)
			v.origins = append(v.origins, origin{i, j})
		}
	}
	if len(v.origins) == 0 || len(v.origins) > maxVariants {
		return nil
	}
	return v
}
