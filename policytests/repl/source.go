package repl

import (
	"fmt"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// policyFiles finds the policies of a world by their documents, which decisions
// share.
func policyFiles(w *world.World) map[*policy.Document]*world.Policy {
	files := map[*policy.Document]*world.Policy{}
	add := func(lists ...[]*world.Policy) {
		for _, p := range slices.Concat(lists...) {
			if p != nil && p.Document != nil {
				files[p.Document] = p
			}
		}
	}
	for _, a := range w.Accounts() {
		add(a.Managed)
		for _, u := range a.Users {
			add(u.Inline, u.Managed, []*world.Policy{u.Boundary})
		}
		for _, g := range a.Groups {
			add(g.Inline, g.Managed)
		}
		for _, r := range a.Roles {
			add(r.Inline, r.Managed, []*world.Policy{r.Boundary, r.Trust})
		}
		for _, f := range a.Federated {
			add(f.Session)
		}
		for _, i := range a.Identities {
			add(i.Session)
		}
		for _, k := range a.Keys {
			add([]*world.Policy{k.Policy})
		}
		if o := w.Organization(); o != nil {
			for _, level := range o.Levels(a.ID) {
				add(level.SCP, level.RCP)
			}
		}
	}
	for _, e := range w.Endpoints() {
		add([]*world.Policy{e.Policy})
	}
	return files
}

// statement names a statement of a decision by policy, Sid, and file and line
// where it stands.
func (s *Session) statement(d decision.Decision, st decision.Statement) string {
	text := st.Policy
	if text == "" {
		text = string(st.Layer)
	}
	if st.Sid != "" {
		text += fmt.Sprintf(" %q", st.Sid)
	} else {
		text += " " + st.Path
	}
	for _, p := range attached(d.Question(), st) {
		if p.Name != st.Policy || p.ARN != st.ARN {
			continue
		}
		if file := s.current.files[p.Document]; file != nil && file.File != "" && st.Index < len(p.Document.Statements) {
			return fmt.Sprintf("%s (%s:%d)", text, file.File, file.Line(p.Document.Statements[st.Index].Pos))
		}
	}
	return text
}

// attached are the policies of a statement's layer.
func attached(q decision.Question, st decision.Statement) []decision.Policy {
	single := func(p *decision.Policy) []decision.Policy {
		if p == nil {
			return nil
		}
		return []decision.Policy{*p}
	}
	level := func(levels [][]decision.Policy) []decision.Policy {
		if st.Level < 0 || st.Level >= len(levels) {
			return nil
		}
		return levels[st.Level]
	}
	switch st.Layer {
	case decision.LayerSCP:
		return level(q.SCP)
	case decision.LayerRCP:
		return level(q.RCP)
	case decision.LayerEndpoint:
		return single(q.Endpoint)
	case decision.LayerBoundary:
		return single(q.Boundary)
	case decision.LayerSession:
		return q.Session
	case decision.LayerIdentity:
		return q.Identity
	case decision.LayerResource:
		return single(q.KeyPolicy)
	}
	return nil
}
