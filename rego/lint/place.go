package lint

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A place is a name or a value of the JSON, and what it is part of.
type place struct {
	// node is the value, or the value that the name has.
	node *policy.Node
	// start and end of the name or the value itself.
	start, end policy.Pos
	// parent is the object or list that holds it, nil for the root; at is its
	// place there.
	parent *policy.Node
	at     int
}

// index finds names and values by the offsets where they start. No two start
// at one.
func index(root *policy.Node) map[int]place {
	places := map[int]place{}
	places[root.Pos.Offset] = place{node: root, start: root.Pos, end: root.End}
	var walk func(n *policy.Node)
	walk = func(n *policy.Node) {
		for i := range n.Members {
			m := &n.Members[i]
			places[m.Pos.Offset] = place{&m.Value, m.Pos, m.End, n, i}
			places[m.Value.Pos.Offset] = place{&m.Value, m.Value.Pos, m.Value.End, n, i}
			walk(&m.Value)
		}
		for i := range n.Items {
			places[n.Items[i].Pos.Offset] = place{&n.Items[i], n.Items[i].Pos, n.Items[i].End, n, i}
			walk(&n.Items[i])
		}
	}
	walk(root)
	return places
}

// span is the stretch of what starts at a place: a name, a value, or, where
// the JSON broke, one character.
func (c *checker) span(at policy.Pos) Span {
	s := Span{Start: point(at), End: point(at), Path: at.Path}
	if p, ok := c.places[at.Offset]; ok {
		s.End = point(p.end)
	} else if at.Offset < len(c.text) {
		r, size := utf8.DecodeRuneInString(c.text[at.Offset:])
		s.End = Point{at.Line, at.Column + 1, at.Offset + size}
		if r == '\n' {
			s.End = Point{at.Line + 1, 1, at.Offset + size}
		}
	}
	return s
}

func point(p policy.Pos) Point { return Point{p.Line, p.Column, p.Offset} }

// member finds the member of the statement at a place.
func (c *checker) member(at policy.Pos, name string) (*policy.Member, bool) {
	p, ok := c.places[at.Offset]
	if !ok || p.node.Kind != policy.ObjectNode {
		return nil, false
	}
	return p.node.Member(name)
}

// sentence starts text with a capital and ends it with a full stop.
func sentence(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(r)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
