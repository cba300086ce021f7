package repl

import (
	"context"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
	"github.com/keyreeve/keyreeve/rego/compile"
)

// A located is a policy of the world with its place.
type located struct {
	slot   draft.Slot
	policy *world.Policy
}

// places lists the policies of the world, each with its place.
func (s *Session) places() []located {
	var all []located
	add := func(slot draft.Slot, p *world.Policy) {
		if p != nil && p.Document != nil {
			all = append(all, located{slot, p})
		}
	}
	named := func(slot draft.Slot, list []*world.Policy) {
		for _, p := range list {
			slot.Policy = p.Name
			add(slot, p)
		}
	}
	for _, a := range s.current.world.Accounts() {
		for _, k := range a.Keys {
			add(draft.Slot{Place: draft.OfKey, Account: a.ID, Name: k.Name}, k.Policy)
		}
		for _, u := range a.Users {
			named(draft.Slot{Place: draft.OfUser, Account: a.ID, Name: u.Name}, u.Inline)
		}
		for _, g := range a.Groups {
			named(draft.Slot{Place: draft.OfGroup, Account: a.ID, Name: g.Name}, g.Inline)
		}
		for _, r := range a.Roles {
			add(draft.Slot{Place: draft.OfTrust, Account: a.ID, Name: r.Name}, r.Trust)
			named(draft.Slot{Place: draft.OfRole, Account: a.ID, Name: r.Name}, r.Inline)
		}
		for _, f := range a.Federated {
			named(draft.Slot{Place: draft.OfFederated, Account: a.ID, Name: f.Name}, f.Session)
		}
		for _, i := range a.Identities {
			named(draft.Slot{Place: draft.OfWeb, Account: a.ID, Name: i.Name}, i.Session)
		}
		for _, p := range a.Managed {
			add(draft.Slot{Place: draft.OfManaged, Account: a.ID, Name: p.Name}, p)
		}
	}
	for _, e := range s.current.world.Endpoints() {
		add(draft.Slot{Place: draft.OfEndpoint, Name: e.ID}, e.Policy)
	}
	return append(all, s.guardrails()...)
}

// guardrails lists SCPs and RCPs, each name once.
func (s *Session) guardrails() []located {
	o := s.current.world.Organization()
	if o == nil {
		return nil
	}
	var all []located
	seen := map[string]bool{}
	add := func(place draft.Place, list []*world.Policy) {
		for _, p := range list {
			slot := draft.Slot{Place: place, Name: p.Name}
			if !seen[slot.String()] {
				seen[slot.String()] = true
				all = append(all, located{slot, p})
			}
		}
	}
	for _, a := range s.current.world.Accounts() {
		for _, level := range o.Levels(a.ID) {
			add(draft.OfSCP, level.SCP)
			add(draft.OfRCP, level.RCP)
		}
	}
	return all
}

// policyText is the text of a policy that a command names, and a name for it.
func (s *Session) policyText(w []string) (text, name string, err error) {
	if len(w) == 1 {
		if text, found := s.current.draft.File(w[0]); found {
			return text, w[0], nil
		}
	}
	slot, err := s.slot(w)
	if err != nil {
		return "", "", err
	}
	for _, p := range s.places() {
		same := p.slot
		same.On = slot.On
		if same == slot {
			return p.policy.Document.Text, slot.String(), nil
		}
	}
	switch slot.Place {
	case draft.OfKey:
		k, err := s.key(w[0])
		if err != nil {
			return "", "", err
		}
		return ask.UnlistedPolicy(s.current.world, k), slot.String(), nil
	case draft.OfEndpoint:
		return "", "", misuse("%s has no policy, so everything is allowed through it", slot)
	}
	return "", "", misuse("there is no policy %s; show policies lists them", slot)
}

// A Text is what show policy and show rego answer.
type Text struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func showPolicy(_ context.Context, s *Session, rest string) (Answer, error) {
	text, name, err := s.policyText(s.orCurrentKey(rest))
	if err != nil {
		return Answer{}, err
	}
	return Answer{Value: Text{name, text}, Text: strings.TrimRight(text, "\n")}, nil
}

// orCurrentKey are the words of a place; without any, the key of the scene.
func (s *Session) orCurrentKey(rest string) []string {
	if on := s.state.scene.on; rest == "" && strings.HasPrefix(on, "key/") {
		return []string{on}
	}
	return words(rest)
}

// showRego prints what a policy compiles to.
func (s *Session) showRego(rest string) (Answer, error) {
	where := s.orCurrentKey(rest)
	slot, err := s.slot(where)
	if err != nil {
		return Answer{}, err
	}
	text, name, err := s.policyText(where)
	if err != nil {
		return Answer{}, err
	}
	doc, err := parsePolicy(slot.Kind(), text)
	if err != nil {
		return Answer{}, err
	}
	m, err := compile.Compile(doc, compile.Options{Package: "keyreeve.policy"})
	if err != nil {
		return Answer{}, &Misuse{err}
	}
	return Answer{Value: Text{name, m.Text()}, Text: strings.TrimRight(m.Text(), "\n")}, nil
}
