package decision

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// An account is a decided question, from which evidence is told.
type account struct {
	engine      *Engine
	question    *Question
	attachments *attachments
	outcome     *outcome
	// hidden marks the layers that the reader may not see.
	hidden [len(layers)]bool
	// caller: the reader is the caller.
	caller bool

	once        sync.Once
	nearestMiss *NearestMiss
}

// of fills a, which is new.
func (a *account) of(e *Engine, q *Question, at *attachments, out *outcome) {
	a.engine, a.question, a.attachments, a.outcome = e, q, at, out
}

// explain works out, once, what the decision itself did not need. It explains a
// decision that stands, so an error here leaves the explanation out.
func (a *account) explain() *outcome {
	a.outcome.once.Do(func() {
		var err error
		if a.outcome.explanation, err = a.engine.explain(a.engine.limited(context.Background()), a); err != nil {
			a.complain("explaining a decision", err)
		}
	})
	return a.outcome
}

// explain asks which statements settled a question, and which layers do not
// bind the call.
func (e *Engine) explain(ctx context.Context, a *account) (x explanation, err error) {
	input := decideInput(a.question, a.attachments)
	exempt, err := e.exempt.run(ctx, e.data, input)
	if err != nil {
		return x, fmt.Errorf("asking for exempt layers: %w", err)
	}
	if x.exempt, err = readExempt(exempt); err != nil || a.outcome.layer == LayerGuardrail {
		return x, err // the refusal has its reasons
	}
	settled, err := e.statements.run(ctx, e.data, input)
	if err != nil {
		return x, fmt.Errorf("asking for the statements: %w", err)
	}
	x.settled, err = readStatements(settled, a.attachments)
	return x, err
}

// nearest looks, once, for the nearest miss.
func (a *account) nearest() *NearestMiss {
	if a.outcome.reason != NoAllow {
		return nil
	}
	a.once.Do(func() {
		var err error
		if a.nearestMiss, err = a.findNearest(a.engine.limited(context.Background())); err != nil {
			a.complain("looking for the nearest miss", err)
		}
	})
	return a.nearestMiss
}

func (a *account) complain(doing string, err error) {
	a.engine.config.Log.Error(doing, slog.String("action", a.question.Action), slog.Any("error", err))
}

// evidence tells the account, as far as its reader may see, within the bounds
// of evidence.
func (a *account) evidence() Evidence {
	q, out := a.question, a.explain()
	settled := a.settled()
	e := Evidence{
		Version:   EvidenceVersion,
		Allowed:   out.allowed,
		Reason:    out.reason,
		Layer:     a.layer(),
		Rule:      q.Rule.String(),
		Principal: q.Principal.ARN,
		Action:    q.Action,
		Resource:  q.Resource.ARN,
		Grants:    []string{},
	}
	e.SettledBy, e.MoreSettledBy = foremost(settled, func(s Statement) bool { return s.Layer == out.layer })
	if !a.hidden[resourceLayer] {
		kept, more := first(out.grants, maxGrants)
		e.Grants, e.MoreGrants = append(e.Grants, kept...), more
	}
	e.Layers = slices.Grow(a.attachments.refusal.evidence(), len(layers))
	for i := range layers {
		before := len(e.Layers)
		e.Layers = a.layerEvidence(e.Layers, i)
		shorten(e.Layers[before:], settled)
	}
	e.Nearest = a.nearest()
	return e
}

// layer is what settled the question. To a reader who may not see the key's
// side, its policy and its grants are one.
func (a *account) layer() Layer {
	if a.outcome.layer == LayerGrant && a.hidden[resourceLayer] {
		return LayerResource
	}
	return a.outcome.layer
}

// layerEvidence adds to told what each level of a layer said, at any length.
func (a *account) layerEvidence(told []LayerEvidence, layer int) []LayerEvidence {
	one := LayerEvidence{Layer: layers[layer], Said: SaidNothing, Statements: []Statement{}}
	switch {
	case a.hidden[layer]:
		one.Said = SaidHidden
	case a.attachments.levels[layer] == notAttached:
		one.Said = SaidNotAttached
	case slices.Contains(a.outcome.exempt, layers[layer]):
		one.Said = SaidExempt
	}
	if one.Said != SaidNothing {
		return append(told, one)
	}
	root := len(told)
	for one.Level = range a.attachments.levels[layer] {
		told = append(told, one)
	}
	for _, s := range a.attachments.of(layer) {
		level := &told[root+s.level]
		switch {
		case len(s.verdict.deny) > 0:
			level.Said = SaidDeny
		case len(s.verdict.allow) > 0 && level.Said == SaidNothing:
			level.Said = SaidAllow
		}
		if a.legible(&s) {
			level.Statements = append(level.Statements, s.statements(s.verdict.deny)...)
			level.Statements = append(level.Statements, s.statements(s.verdict.allow)...)
		}
	}
	return told
}

// legible tells whether the reader may see the statements of a policy in a
// layer that is not hidden: the policy of a VPC endpoint may be another
// account's.
func (a *account) legible(s *slot) bool {
	return !a.caller || layers[s.layer] != LayerEndpoint || s.policy.Owner == a.question.Principal.Account
}

// statements names the matches of one policy, a statement once with all its
// vias.
func (s *slot) statements(matches []match) []Statement {
	all := make([]Statement, 0, len(matches))
	for _, m := range matches {
		if n := len(all); n > 0 && all[n-1].Index == m.index {
			all[n-1].Via = append(all[n-1].Via, m.via)
			continue
		}
		all = append(all, s.statement(m))
	}
	return all
}

// alone has each via in a list of its own, which grows elsewhere.
var alone = func() map[Via][]Via {
	lists := make(map[Via][]Via, len(vias))
	for _, v := range vias {
		lists[v] = []Via{v}
	}
	return lists
}()

func (s *slot) statement(m match) Statement {
	st := &s.policy.Document.Statements[m.index]
	return Statement{
		Layer: layers[s.layer], Level: s.level, Policy: s.policy.Name, ARN: s.policy.ARN,
		Sid: brief(st.Sid), Effect: st.Effect.String(), Index: m.index,
		Path: st.Pos.Path, Line: st.Pos.Line, Via: alone[m.via],
	}
}

// settled names the statements that settled the question.
func (a *account) settled() []Statement {
	if a.outcome.layer == LayerGuardrail {
		return a.attachments.refusal.statements()
	}
	all := make([]Statement, 0, len(a.outcome.settled))
	for _, r := range a.outcome.settled {
		s, err := a.attachments.at(r.layer, r.level, r.policy)
		if err != nil || a.hidden[r.layer] || !a.legible(s) {
			continue // readOutcome has seen to it that the policy is there
		}
		st := s.statement(r.match)
		if n := len(all); n > 0 && all[n-1].same(st) {
			all[n-1].Via = append(all[n-1].Via, st.Via...)
			continue
		}
		all = append(all, st)
	}
	return all
}

// same tells whether both name one statement of one policy, which follow each
// other in an answer.
func (s Statement) same(o Statement) bool {
	return s.Layer == o.Layer && s.Level == o.Level && s.Index == o.Index && s.Policy == o.Policy && s.ARN == o.ARN
}

// deniedBy is the ARN of the first policy that denied, if the reader may see
// it and it has one.
func (a *account) deniedBy() string {
	if a.outcome.reason != ExplicitDeny || len(a.explain().settled) == 0 {
		return ""
	}
	r := a.outcome.settled[0]
	s, err := a.attachments.at(r.layer, r.level, r.policy)
	if err != nil || s.policy.Document.Statements[r.index].Effect != policy.Deny {
		return ""
	}
	return s.policy.ARN
}
