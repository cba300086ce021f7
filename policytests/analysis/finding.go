package analysis

import (
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// report adds a finding at a place of a statement's document.
func (c *checker) report(id string, s *statement, at policy.Pos, message string, args ...any) *lint.Finding {
	f := c.of(id, s.doc)
	f.Message = fmt.Sprintf(message, args...)
	f.Span = c.span(s.doc.policy.Document, at)
	c.findings = append(c.findings, f)
	return &c.findings[len(c.findings)-1]
}

// whole adds a finding about a whole document.
func (c *checker) whole(id string, d *document, message string, args ...any) *lint.Finding {
	f := c.of(id, d)
	f.Message = fmt.Sprintf(message, args...)
	f.Span = c.span(d.policy.Document, policy.Pos{Path: "$", Line: 1, Column: 1})
	c.findings = append(c.findings, f)
	return &c.findings[len(c.findings)-1]
}

func (c *checker) of(id string, d *document) lint.Finding {
	f := lint.Finding{Rule: id, Kind: d.policy.Document.Kind}
	if r, known := lint.RuleNamed(id); known {
		f.Severity = r.Severity
	}
	f.File, f.Policy = c.locate(d.policy)
	return f
}

func (c *checker) locate(p decision.Policy) (file, name string) {
	if c.o.Locate != nil {
		return c.o.Locate(p)
	}
	if c.u.open {
		return "", "" // whoever read the policy knows
	}
	if p.ARN != "" {
		return "", p.ARN
	}
	return "", p.Name
}

// unknown adds a finding that says that a rule could not be decided.
func (c *checker) unknown(id string, s *statement, why string) {
	var f *lint.Finding
	if s != nil {
		f = c.report(id, s, s.source.Pos, "%s", why)
	} else {
		f = c.whole(id, c.document, "%s", why)
	}
	f.Unknown = true
}

// witness adds a request to a finding. A request that nobody has is left out.
func (c *checker) witness(f *lint.Finding, w *Witness, note string) error {
	if w == nil {
		return nil
	}
	shown, err := w.Lint(note)
	if err != nil {
		return err
	}
	f.Witness = append(f.Witness, shown)
	return nil
}

// span is the stretch of the name or value at a place.
func (c *checker) span(d *policy.Document, at policy.Pos) lint.Span {
	ends, read := c.trees[d]
	if !read {
		ends = map[int]policy.Pos{}
		_, root, err := policy.Read(d.Kind, []byte(d.Text))
		if err == nil {
			endsOf(root, ends)
		}
		c.trees[d] = ends
	}
	end, known := ends[at.Offset]
	if !known {
		end = at
	}
	return lint.Span{
		Start: lint.Point{Line: at.Line, Column: at.Column, Offset: at.Offset},
		End:   lint.Point{Line: end.Line, Column: end.Column, Offset: end.Offset}, Path: at.Path,
	}
}

// endsOf gathers where the names and values end that start at an offset.
func endsOf(n *policy.Node, ends map[int]policy.Pos) {
	ends[n.Pos.Offset] = n.End
	for i := range n.Members {
		m := &n.Members[i]
		ends[m.Pos.Offset] = m.End
		endsOf(&m.Value, ends)
	}
	for i := range n.Items {
		endsOf(&n.Items[i], ends)
	}
}

// principalPlace is where a statement says for whom it is.
func (s *statement) principalPlace() policy.Pos {
	if len(s.source.Principals) > 0 {
		return s.source.Principals[0].Pos
	}
	return s.source.Pos
}

// actionPlace is where a statement names an action.
func (s *statement) actionPlace(name string) policy.Pos {
	for _, v := range s.source.Actions {
		for _, n := range policy.ExpandAction(v.Text) {
			if n == name && !s.source.NotAction {
				return v.Pos
			}
		}
	}
	return s.source.Pos
}

// listed is a list of some names for people.
func listed(names []string) string {
	const most = 4
	if len(names) > most {
		return strings.Join(names[:most-1], ", ") + fmt.Sprintf(" and %d more", len(names)-most+1)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
