package decision

import (
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Decisive is a statement that a decision came from.
type Decisive struct {
	Layer    Layer
	Document *policy.Document
	Index    int // of the statement in the document
}

// Decisive lists the statements that settled the decision, however many, each
// once; and for an allow also those by which layers that can only limit let it
// pass. It is for the operator only, as Evidence is.
func (d Decision) Decisive() []Decisive {
	if d.full == nil || d.full.outcome.layer == LayerGuardrail {
		return nil
	}
	a := d.full
	var all []Decisive
	add := func(s *slot, index int) {
		one := Decisive{Layer: layers[s.layer], Document: s.policy.Document, Index: index}
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	for _, r := range a.explain().settled {
		if s, err := a.attachments.at(r.layer, r.level, r.policy); err == nil { // readOutcome has seen to it that it is there
			add(s, r.index)
		}
	}
	for i, layer := range layers {
		if !d.Allowed || !slices.Contains(limiting, layer) || slices.Contains(a.outcome.exempt, layer) {
			continue
		}
		for _, s := range a.attachments.of(i) {
			for _, m := range s.verdict.allow {
				add(&s, m.index)
			}
		}
	}
	return all
}

// limiting are the layers whose Allow lets pass what another allows.
var limiting = []Layer{LayerSCP, LayerEndpoint, LayerBoundary, LayerSession}
