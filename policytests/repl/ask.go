package repl

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
)

// An asked is one request with its decision.
type asked struct {
	request  request
	decision decision.Decision
	told     query.Explanation
}

// requests are the single requests that a line asks, with what the scene adds.
func (s *Session) requests(rest string) (whole string, all []request, err error) {
	whole, all, err = s.state.scene.complete(rest)
	if s.isOff("session") {
		for i := range all {
			all[i].Session.Policies = nil
		}
	}
	return whole, all, err
}

// ask decides all that a line asks.
func (s *Session) ask(ctx context.Context, v *version, rest string) (string, []asked, error) {
	whole, requests, err := s.requests(rest)
	if err != nil {
		return whole, nil, err
	}
	all := make([]asked, 0, len(requests))
	for _, r := range requests {
		q, err := v.base.Question(r.Request)
		if err != nil {
			return whole, all, plain(err)
		}
		d, err := v.base.Decide(ctx, q)
		if err != nil {
			return whole, all, fmt.Errorf("deciding %s: %w", r.text, err)
		}
		told := v.base.Tell(d)
		told.Request = r.text
		all = append(all, asked{r, d, told})
	}
	if v == s.current {
		s.said = said{whole, s.state.scene}
	}
	return whole, all, nil
}

// asLast is what a command asks; where it says nothing, what was asked last in
// this scene.
func (s *Session) asLast(rest string) string {
	if rest == "" && s.said.request != "" && reflect.DeepEqual(s.said.scene, s.state.scene) {
		return s.said.request
	}
	return rest
}

// name is who does what to which, as words of a line.
func name(r request) string {
	parts := []string{r.Principals[0].Text, r.Actions[0].Text}
	if len(r.Resources) > 0 {
		parts = append(parts, r.Resources[0].Text)
	}
	return strings.Join(parts, " ")
}

// A Verdicts is what can and why answer: each request of the line with its
// decision.
type Verdicts struct {
	Request string              `json:"request"` // the whole, as a case line has it
	Allowed bool                `json:"allowed"` // all of them
	Answers []query.Explanation `json:"answers"`
}

func verdicts(whole string, all []asked) Verdicts {
	v := Verdicts{Request: whole, Allowed: true, Answers: make([]query.Explanation, len(all))}
	for i, a := range all {
		v.Allowed = v.Allowed && a.decision.Allowed
		v.Answers[i] = a.told
	}
	return v
}

func can(ctx context.Context, s *Session, rest string) (Answer, error) {
	whole, all, err := s.ask(ctx, s.current, rest)
	if err != nil {
		return Answer{}, err
	}
	value := verdicts(whole, all)
	var lines []string
	for _, a := range all {
		lines = append(lines, s.verdict(a.decision.Allowed)+"  "+name(a.request), s.faint(s.cfg.Style.Wrap(because(a), indent)))
		if len(all) == 1 && a.told.Nearest != nil && !value.Allowed {
			lines = append(lines, s.faint(s.cfg.Style.Wrap(a.told.Nearest.String(), indent)))
		}
	}
	return Answer{Value: value, Text: strings.Join(lines, "\n"), No: !value.Allowed}, nil
}

// indent is that of what stands below a verdict.
const indent = "       "

// reasons say in a few words how a layer settled it.
var reasons = map[decision.Reason]string{
	decision.Allow: "allowed by ", decision.ExplicitDeny: "denied by ", decision.NoAllow: "not allowed by ",
}

// layerWords are what people call the layers.
var layerWords = map[decision.Layer]string{
	decision.LayerSCP: "SCPs", decision.LayerRCP: "RCPs", decision.LayerEndpoint: "the endpoint policy",
	decision.LayerBoundary: "the permissions boundary", decision.LayerSession: "the session policy", decision.LayerIdentity: "IAM policies",
	decision.LayerResource: "the key policy", decision.LayerGrant: "a grant", decision.LayerRoot: "nothing but being the root user",
	decision.LayerGuardrail: "a guardrail",
}

// because says in a few words what settled it.
func because(a asked) string {
	if a.decision.Reason == decision.CrossAccount {
		return "not possible across accounts"
	}
	text := reasons[a.decision.Reason] + layerWords[a.decision.Layer]
	if a.decision.Layer == decision.LayerResource && a.decision.Question().Rule == decision.Trust {
		text = reasons[a.decision.Reason] + "the trust policy"
	}
	if len(a.told.Grants) > 0 {
		return text + ": " + strings.Join(a.told.Grants, ", ")
	}
	for i, st := range a.told.Settled {
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		text += separator + st.Name()
		if place := st.Place(); place != "" {
			text += " (" + place + ")"
		}
	}
	return text
}

func why(ctx context.Context, s *Session, rest string) (Answer, error) {
	whole, all, err := s.ask(ctx, s.current, rest)
	if err != nil {
		return Answer{}, err
	}
	value := verdicts(whole, all)
	var parts []string
	for _, a := range all {
		var b strings.Builder
		if err := a.told.WriteText(&b, s.cfg.Style); err != nil {
			return Answer{}, err
		}
		parts = append(parts, strings.TrimRight(b.String(), "\n"))
	}
	text := strings.Join(parts, "\n\n")
	if len(s.state.off) > 0 {
		text += "\n\n" + s.faint("Off in this session: "+strings.Join(s.state.off, ", ")+".")
	}
	return Answer{Value: value, Text: text, No: !value.Allowed}, nil
}

// judged is an error of a query: one about the request is a misuse.
func judged(err error) error {
	var e caseline.Error
	if errors.As(err, &e) {
		return plain(err)
	}
	return err
}
