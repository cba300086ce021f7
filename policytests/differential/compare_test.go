package differential

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/oracle"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A verdict is an answer in the form in which both sides are compared.
type verdict struct {
	Want
	Grants  []string
	Matches []string // "scp 0 scp-full #0 Allow policy"; nil: not asked for
}

// ofOracle is the oracle's answer.
func ofOracle(q *decision.Question) (verdict, error) {
	a, err := oracle.Decide(q)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{Want: Want{a.Allowed, a.Reason, a.Layer}, Grants: a.Grants, Matches: []string{}}
	for _, m := range a.Matches {
		v.Matches = append(v.Matches, matchLine(m.Layer, m.Level, m.Policy, m.Index, m.Effect.String(), m.Via))
	}
	return v.sorted(), nil
}

// ofEngine is the engine's answer, in full: the operator's evidence.
func ofEngine(e *decision.Engine, q *decision.Question) (verdict, decision.Decision, error) {
	d, err := e.Decide(context.Background(), *q)
	if err != nil {
		return verdict{}, d, err
	}
	return verdict{Want: Want{d.Allowed, d.Reason, d.Layer}, Grants: d.Grants}.sorted(), d, nil
}

// matched adds the statements that the evidence names.
func (v verdict) matched(e decision.Evidence) verdict {
	v.Matches = []string{}
	for _, l := range e.Layers {
		for _, s := range l.Statements {
			via := slices.Sorted(slices.Values(s.Via))
			v.Matches = append(v.Matches, matchLine(s.Layer, s.Level, s.Policy, s.Index, s.Effect, via))
		}
	}
	return v.sorted()
}

func matchLine(l decision.Layer, level int, name string, index int, effect string, via []decision.Via) string {
	return fmt.Sprintf("%s %d %s #%d %s %v", l, level, name, index, effect, via)
}

func (v verdict) sorted() verdict {
	slices.Sort(v.Grants)
	slices.Sort(v.Matches)
	return v
}

// differs tells how two answers differ; empty if they do not. Matches are
// compared if both sides have them.
func (v verdict) differs(o verdict) string {
	switch {
	case v.Want != o.Want:
		return "decision"
	case !slices.Equal(v.Grants, o.Grants):
		return "grants"
	case v.Matches != nil && o.Matches != nil && !slices.Equal(v.Matches, o.Matches):
		return "matches"
	default:
		return ""
	}
}

// An opponent is the engine under comparison.
type opponent struct {
	*decision.Engine
	evidence bool // compare what matched, too
}

// A disagreement is how the answers to one case differ.
type disagreement struct {
	kind           string // decision, grants, matches, error, nearest, leak
	oracle, engine verdict
	err            error
}

// compare asks both about c. Nil means that they agree.
func (o opponent) compare(c *Case) (verdict, *disagreement) {
	q, err := c.question()
	if err != nil {
		return verdict{}, &disagreement{kind: "case", err: err}
	}
	want, err := ofOracle(q)
	if err != nil {
		return verdict{}, &disagreement{kind: "case", err: err}
	}
	got, d, err := ofEngine(o.Engine, q)
	if err != nil {
		return want, &disagreement{kind: "error", oracle: want, err: err}
	}
	var evidence decision.Evidence
	if o.evidence {
		evidence = d.Evidence()
		got = got.matched(evidence)
	}
	if kind := got.differs(want); kind != "" {
		return want, &disagreement{kind: kind, oracle: want, engine: got}
	}
	if evidence.Nearest != nil {
		if d := checkNearest(q, evidence.Nearest); d != nil {
			return want, d
		}
	}
	if o.evidence {
		return want, o.checkLeak(q, d)
	}
	return want, nil
}

// checkNearest holds the nearest miss to its promise: without that one
// condition the request is allowed.
func checkNearest(q *decision.Question, n *decision.NearestMiss) *disagreement {
	without := *q
	relieve := func(p decision.Policy) decision.Policy {
		if p.Name == n.Statement.Policy {
			p.Document = withoutCondition(p.Document, n.Statement.Index, n.Path)
		}
		return p
	}
	each := func(list []decision.Policy) []decision.Policy {
		if list == nil {
			return nil
		}
		out := []decision.Policy{}
		for _, p := range list {
			out = append(out, relieve(p))
		}
		return out
	}
	one := func(p *decision.Policy) *decision.Policy {
		if p == nil {
			return nil
		}
		r := relieve(*p)
		return &r
	}
	without.Identity, without.Session = each(q.Identity), each(q.Session)
	without.Boundary, without.Endpoint, without.KeyPolicy = one(q.Boundary), one(q.Endpoint), one(q.KeyPolicy)
	if q.SCP != nil {
		without.SCP = [][]decision.Policy{}
		for _, l := range q.SCP {
			without.SCP = append(without.SCP, each(l))
		}
	}
	v, err := ofOracle(&without)
	if err != nil || v.Allowed {
		return nil
	}
	return &disagreement{kind: "nearest", oracle: v, err: fmt.Errorf("without %s of %s the request is not allowed", n.Path, n.Statement.Policy)}
}

// withoutCondition is a document without one condition.
func withoutCondition(d *policy.Document, statement int, path string) *policy.Document {
	out := *d
	out.Statements = slices.Clone(d.Statements)
	s := &out.Statements[statement]
	s.Conditions = slices.DeleteFunc(slices.Clone(s.Conditions), func(c policy.Condition) bool { return c.Pos.Path == path })
	return &out
}

func (v verdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "allowed=%t reason=%s layer=%s grants=%v", v.Allowed, v.Reason, v.Layer, v.Grants)
	for _, m := range v.Matches {
		b.WriteString("\n    " + m)
	}
	return b.String()
}

func (d *disagreement) String() string {
	text := "disagreement about " + d.kind + "\n  oracle: " + d.oracle.String()
	if d.err != nil {
		return text + "\n  error: " + d.err.Error()
	}
	return text + "\n  engine: " + d.engine.String()
}
