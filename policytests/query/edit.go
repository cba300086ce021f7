package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A change is an edit that can be applied: to the request, or to what it asks.
type change struct {
	Edit
	request  func(*caseline.Request)
	question func(*decision.Question) error
	parts    []change // of one that joins several of the request
}

// A target is a policy that edits are about: the one at an index of a level of
// a layer.
type target struct {
	layer        decision.Layer
	level, index int
	policy       decision.Policy
}

// targets are the policies of a level that can be edited: those of the world,
// and the default policy of a key.
func (s *search) targets(q *decision.Question, layer decision.Layer, level int) []target {
	var all []target
	for i, p := range q.Policies(layer, level) {
		_, ours := s.b.places[p.Document]
		file, _ := s.b.placeOf(&p, policy.Pos{})
		ours = ours || file != "" || layer == decision.LayerResource && !q.Resource.AWSManaged
		if ours && !strings.Contains(p.ARN, "::aws:policy/") {
			all = append(all, target{layer, level, i, p})
		}
	}
	return all
}

// edit begins an edit of a statement of a target.
func (s *search) edit(op Op, t target, pos policy.Pos) Edit {
	e := Edit{Op: op, Layer: t.layer, Level: t.level, Policy: t.policy.Name, ARN: t.policy.ARN, Path: pos.Path}
	e.File, e.Line = s.b.placeOf(&t.policy, pos)
	return e
}

// called names a statement of a target for people.
func (s *search) called(t target, statement int) string {
	written := &t.policy.Document.Statements[statement]
	name := Statement{Statement: decision.Statement{Layer: t.layer, Policy: t.policy.Name, Sid: written.Sid, Path: written.Pos.Path}}.Name()
	return "statement " + name + " of the " + s.kind(t)
}

// kind says what kind of policy a target is, and of a resource whose.
func (s *search) kind(t target) string {
	switch {
	case t.policy.Document.Kind == policy.Trust:
		return "trust policy of " + s.resource
	case t.layer == decision.LayerResource:
		return "key policy of " + s.resource
	}
	return inLayer[t.layer]
}

// rewritten makes a change of a policy out of its new text.
func (s *search) rewritten(e Edit, t target, r rewrite, err error) (change, bool) {
	if err != nil {
		return change{}, false
	}
	p, err := s.parse(t.policy, r.text)
	if err != nil {
		return change{}, false // what the edit would lead to is no policy
	}
	e.Patch, e.Value = jsonOf(r.patch), r.value
	if others := s.others(t.policy.Document); others != "" && e.Note == "" {
		e.Note = others
	}
	return change{Edit: e, question: func(q *decision.Question) error { return place(q, t, p) }}, true
}

// others says who else has an IAM policy or a boundary; empty if nobody does.
func (s *search) others(d *policy.Document) string {
	n := 0
	has := func(p *world.Policy) bool { return p.Document == d }
	for _, a := range s.b.cfg.World.Accounts() {
		for _, u := range a.Users {
			inGroup := slices.ContainsFunc(u.Groups, func(g *world.Group) bool { return slices.ContainsFunc(slices.Concat(g.Inline, g.Managed), has) })
			if inGroup || slices.ContainsFunc(slices.Concat(u.Inline, u.Managed), has) || u.Boundary != nil && has(u.Boundary) {
				n++
			}
		}
		for _, r := range a.Roles {
			if slices.ContainsFunc(slices.Concat(r.Inline, r.Managed), has) || r.Boundary != nil && has(r.Boundary) {
				n++
			}
		}
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("%d users and roles have this policy", n)
}

// parse is a policy with another text.
func (s *search) parse(p decision.Policy, text string) (decision.Policy, error) {
	key := fmt.Sprint(p.Document.Kind) + text
	if known, ok := s.b.parsed[key]; ok {
		p.Document, p.Principals = known.Document, known.Principals
		return p, nil
	}
	doc, err := policy.Parse(p.Document.Kind, []byte(text))
	if err != nil {
		return p, err
	}
	p.Document = doc
	if doc.Kind.HasPrincipal() {
		var unknown []policy.Principal
		if p.Principals, unknown = identity.Bind(s.b.cfg.World, doc); len(unknown) > 0 {
			return p, fmt.Errorf("%s does not exist", unknown[0].Text)
		}
	}
	if len(s.b.parsed) >= maxParsed {
		clear(s.b.parsed)
	}
	s.b.parsed[key] = p
	return p, nil
}

// maxParsed bounds the documents that a Base keeps.
const maxParsed = 4096

// place puts a policy in the place of another, or behind the last.
func place(q *decision.Question, t target, p decision.Policy) error {
	put := func(list []decision.Policy) ([]decision.Policy, error) {
		own := slices.Clone(list)
		switch {
		case t.index == len(own):
			return append(own, p), nil
		case t.index < len(own):
			own[t.index] = p
			return own, nil
		}
		return nil, fmt.Errorf("the %s layer has no policy %d", t.layer, t.index)
	}
	put2 := func(levels [][]decision.Policy) ([][]decision.Policy, error) {
		if t.level >= len(levels) {
			return nil, fmt.Errorf("the %s layer has no level %d", t.layer, t.level)
		}
		own := slices.Clone(levels)
		var err error
		own[t.level], err = put(own[t.level])
		return own, err
	}
	var err error
	switch t.layer {
	case decision.LayerSCP:
		q.SCP, err = put2(q.SCP)
	case decision.LayerRCP:
		q.RCP, err = put2(q.RCP)
	case decision.LayerEndpoint:
		q.Endpoint = &p
	case decision.LayerBoundary:
		q.Boundary = &p
	case decision.LayerSession:
		q.Session, err = put(q.Session)
	case decision.LayerIdentity:
		q.Identity, err = put(q.Identity)
	case decision.LayerResource:
		q.KeyPolicy = &p
	default:
		err = fmt.Errorf("the %s layer holds no policies", t.layer)
	}
	return err
}
