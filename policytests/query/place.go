package query

import (
	"fmt"
	"path"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Statement is one that took part in a decision, and where it is written.
type Statement struct {
	decision.Statement
	// File holds the policy: in the world's path, "" where there is none, such
	// as the default key policy. FileLine is the statement's line in it.
	File     string `json:"file,omitempty"`
	FileLine int    `json:"fileLine,omitempty"`

	loose bool // of a question without a world
}

// Name is the policy's name and the Sid, or else the statement's path: in a
// policy that a key or role has only one of, these alone.
func (s Statement) Name() string {
	name := word(s.Sid, false)
	if s.Sid == "" {
		name = strings.TrimPrefix(s.Path, "$.")
	}
	switch {
	case s.Layer == decision.LayerGuardrail:
		return s.Reason
	case s.Layer == decision.LayerResource || s.Policy == "":
		return name
	}
	return s.Policy + " (" + name + ")"
}

// Place is "file:line", or where the policy comes from if no file has it.
func (s Statement) Place() string {
	switch {
	case s.File != "":
		return fmt.Sprintf("%s:%d", s.File, s.FileLine)
	case s.loose:
		return ""
	case strings.Contains(s.ARN, "::aws:policy/"):
		return "AWS managed policy"
	case s.Layer == decision.LayerResource:
		return "default key policy"
	case s.Layer == decision.LayerSCP:
		return "default SCP"
	}
	return ""
}

// places finds the policies of a world by their documents.
func places(w *world.World) map[*policy.Document]*world.Policy {
	all := map[*policy.Document]*world.Policy{}
	add := func(lists ...[]*world.Policy) {
		for _, list := range lists {
			for _, p := range list {
				if p != nil && p.Document != nil && !strings.HasPrefix(p.File, "shipped/") {
					all[p.Document] = p
				}
			}
		}
	}
	one := func(p *world.Policy) []*world.Policy { return []*world.Policy{p} }
	for _, a := range w.Accounts() {
		add(a.Managed)
		for _, u := range a.Users {
			add(u.Inline, u.Managed, one(u.Boundary))
		}
		for _, g := range a.Groups {
			add(g.Inline, g.Managed)
		}
		for _, r := range a.Roles {
			add(r.Inline, r.Managed, one(r.Boundary), one(r.Trust))
		}
		for _, f := range a.Federated {
			add(f.Session)
		}
		for _, i := range a.Identities {
			add(i.Session)
		}
		for _, k := range a.Keys {
			add(one(k.Policy))
		}
		for _, level := range w.Organization().Levels(a.ID) {
			add(level.SCP, level.RCP)
		}
	}
	for _, e := range w.Endpoints() {
		add(one(e.Policy))
	}
	return all
}

// located adds to a statement of a decision where it is written.
func (b *Base) located(q *decision.Question, s decision.Statement) Statement {
	out := Statement{Statement: s, loose: b.cfg.World == nil}
	if written, p := q.Written(s); written != nil {
		out.File, out.FileLine = b.placeOf(p, written.Pos)
	}
	return out
}

// placeOf is where a position of a policy is written; "" where no file has it.
func (b *Base) placeOf(p *decision.Policy, pos policy.Pos) (file string, line int) {
	if w, known := b.places[p.Document]; known && w.File != "" {
		return b.shown(w.File), w.Line(pos)
	}
	if p.Document.Kind == policy.Session && p.ARN == "" && path.Ext(p.Name) == ".json" {
		return b.shown(path.Join(b.cfg.Dir, p.Name)), pos.Line
	}
	return "", 0
}

// shown is a file of the world as people find it.
func (b *Base) shown(file string) string {
	switch root := b.cfg.Path; {
	case root == "":
		return file
	case path.Ext(root) == ".txtar":
		return root + ": " + file
	default:
		return path.Join(root, file)
	}
}
