package repl

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// An asked is one request with its decision.
type asked struct {
	request  caseline.Request
	decision decision.Decision
}

// ask decides all that a line asks.
func (s *Session) ask(ctx context.Context, v *version, rest string) (string, []asked, error) {
	whole, r, err := s.state.scene.complete(rest)
	if err != nil {
		return whole, nil, err
	}
	if s.isOff("session") {
		r.Session.Policies = nil
	}
	var all []asked
	for _, single := range one(r) {
		q, err := v.asker.Question(single, ".")
		if err != nil {
			return whole, all, plain(err)
		}
		d, err := s.cfg.Engine.Decide(ctx, q)
		if err != nil {
			return whole, all, fmt.Errorf("deciding %s: %w", name(single), err)
		}
		all = append(all, asked{single, d})
	}
	return whole, all, nil
}

// name is who does what to which, as words of a line.
func name(r caseline.Request) string {
	parts := []string{r.Principals[0].Text, r.Actions[0].Text}
	if len(r.Resources) > 0 {
		parts = append(parts, r.Resources[0].Text)
	}
	return strings.Join(parts, " ")
}

// A Verdict is the answer to one request, as programs read it.
type Verdict struct {
	Principal string             `json:"principal"`
	Action    string             `json:"action"`
	Resource  string             `json:"resource,omitempty"`
	Allowed   bool               `json:"allowed"`
	Reason    decision.Reason    `json:"reason"`
	Layer     decision.Layer     `json:"layer"`
	Sentence  string             `json:"sentence,omitempty"` // what a refused caller reads
	Evidence  *decision.Evidence `json:"evidence,omitempty"`
}

// A Verdicts is what can and why answer.
type Verdicts struct {
	Request string    `json:"request"` // the whole, as a case line has it
	Answers []Verdict `json:"answers"`
}

func verdicts(whole string, all []asked) Verdicts {
	v := Verdicts{Request: whole, Answers: make([]Verdict, len(all))}
	for i, a := range all {
		e := a.decision.Evidence()
		one := Verdict{
			Principal: a.request.Principals[0].Text, Action: a.request.Actions[0].Text, Allowed: a.decision.Allowed,
			Reason: a.decision.Reason, Layer: a.decision.Layer, Sentence: a.decision.Sentence(), Evidence: &e,
		}
		if len(a.request.Resources) > 0 {
			one.Resource = a.request.Resources[0].Text
		}
		v.Answers[i] = one
	}
	return v
}

func can(ctx context.Context, s *Session, rest string) (Answer, error) {
	whole, all, err := s.ask(ctx, s.current, rest)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Value: verdicts(whole, all)}
	lines := make([]string, len(all))
	for i, a := range all {
		answer.No = answer.No || !a.decision.Allowed
		lines[i] = s.verdict(a.decision.Allowed) + "  " + name(a.request) + s.faint("  "+s.because(a.decision))
	}
	answer.Text = strings.Join(lines, "\n")
	if len(all) == 1 && !all[0].decision.Allowed {
		if near := s.near(all[0].decision); near != "" {
			answer.Text += "\n" + s.faint("       "+near)
		}
	}
	return answer, nil
}

// because says in a few words what settled it.
func (s *Session) because(d decision.Decision) string {
	e := d.Evidence()
	text := "because " + string(d.Layer)
	switch d.Reason {
	case decision.ExplicitDeny:
		text += " denies"
	case decision.NoAllow:
		text += " does not allow"
	case decision.CrossAccount:
		text = "because the action cannot be used across accounts"
	}
	if names := s.grantNames(d); len(names) > 0 {
		return text + ": " + strings.Join(names, ", ")
	}
	for i, st := range e.SettledBy {
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		text += separator + s.statement(d, st)
	}
	return text
}

// grantNames are the names of the grants that allowed.
func (s *Session) grantNames(d decision.Decision) []string {
	var names []string
	for _, k := range s.current.world.Keys() {
		for _, g := range k.Grants {
			for _, id := range d.Grants {
				if g.ID == id {
					names = append(names, "grant "+g.Name)
				}
			}
		}
	}
	return names
}

// near is the statement that would have allowed, and the condition that stood
// in its way.
func (s *Session) near(d decision.Decision) string {
	n := d.Evidence().Nearest
	if n == nil {
		return ""
	}
	actual := "absent"
	if len(n.Actual) > 0 {
		actual = quoted(n.Actual)
	}
	return fmt.Sprintf("near: %s, but for %s %s: wanted %s, was %s", s.statement(d, n.Statement), n.Operator, n.Key, quoted(n.Wanted), actual)
}

func why(ctx context.Context, s *Session, rest string) (Answer, error) {
	whole, all, err := s.ask(ctx, s.current, rest)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Value: verdicts(whole, all)}
	var parts []string
	for _, a := range all {
		answer.No = answer.No || !a.decision.Allowed
		parts = append(parts, s.explain(a))
	}
	answer.Text = strings.Join(parts, "\n\n")
	return answer, nil
}

// explain is a decision with all its layers.
func (s *Session) explain(a asked) string {
	d := a.decision
	e := d.Evidence()
	lines := []string{
		s.verdict(d.Allowed) + "  " + s.strong(name(a.request)),
		"       " + s.because(d),
		s.faint("       " + e.Principal + " on " + e.Resource),
	}
	rows := [][]string{}
	for _, l := range e.Layers {
		layer := string(l.Layer)
		if l.Layer == decision.LayerSCP || l.Layer == decision.LayerRCP {
			layer = fmt.Sprintf("%s %d", l.Layer, l.Level)
		}
		said := l.Said
		if s.isOff(string(l.Layer)) {
			said = "off"
		}
		if len(l.Statements) == 0 {
			rows = append(rows, []string{"", layer, said})
		}
		for i, st := range l.Statements {
			if i > 0 {
				layer, said = "", ""
			}
			rows = append(rows, []string{"", layer, said, st.Effect, s.statement(d, st)})
		}
	}
	lines = append(lines, s.table(nil, rows))
	if near := s.near(d); near != "" && !d.Allowed {
		lines = append(lines, "  "+near)
	}
	if sentence := d.Sentence(); sentence != "" {
		lines = append(lines, s.faint("  the caller reads: "+sentence))
	}
	return strings.Join(lines, "\n")
}

func quoted(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		if all[i] = v; v == "" || strings.ContainsAny(v, " \t\"#[],=") {
			all[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		}
	}
	return strings.Join(all, ", ")
}
