package lint

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Apply makes the edits of f in text.
func (f Fix) Apply(text []byte) []byte {
	var out bytes.Buffer
	from := 0
	for _, e := range f.Edits {
		out.Write(text[from:e.Offset])
		out.WriteString(e.Text)
		from = e.Offset + e.Length
	}
	out.Write(text[from:])
	return out.Bytes()
}

// mend adds a fix of one edit.
func (f *Finding) mend(title string, e Edit) {
	f.Fixes = append(f.Fixes, Fix{Title: title, Edits: []Edit{e}})
}

// meant says what the offending word was probably meant to be, and offers to
// put it there. A word is a whole JSON string.
func (c *checker) meant(f *Finding, at policy.Pos, word string) {
	f.Suggestion = word
	if e, ok := c.replace(at, quoted(word)); ok {
		f.mend("Write "+quoted(word), e)
	}
}

// guessed is meant, but of a guess, which is put there only if it is sure.
func (c *checker) guessed(f *Finding, at policy.Pos, word string, g guess) {
	if g.sure {
		c.meant(f, at, word)
	} else {
		f.Suggestion = word
	}
}

// replace puts text in the place of the name or value that starts at a place.
func (c *checker) replace(at policy.Pos, text string) (Edit, bool) {
	p, ok := c.places[at.Offset]
	if !ok {
		return Edit{}, false
	}
	return Edit{Offset: p.start.Offset, Length: p.end.Offset - p.start.Offset, Text: text}, true
}

// remove takes out the member or element that starts at a place, with its
// comma. The last element of a list stays, and so does the root.
func (c *checker) remove(at policy.Pos) (Edit, bool) {
	p, ok := c.places[at.Offset]
	if !ok || p.parent == nil {
		return Edit{}, false
	}
	ends := siblings(p.parent)
	if len(ends) == 1 {
		if p.parent.Kind == policy.ArrayNode {
			return Edit{}, false
		}
		return Edit{Offset: ends[0].start, Length: ends[0].end - ends[0].start}, true
	}
	from, to := ends[p.at].start, ends[p.at].end
	if p.at+1 < len(ends) {
		to = ends[p.at+1].start
	} else {
		from = ends[p.at-1].end
	}
	return Edit{Offset: from, Length: to - from}, true
}

type extent struct{ start, end int }

// siblings are the extents of the members or elements of n.
func siblings(n *policy.Node) []extent {
	var all []extent
	for i := range n.Members {
		all = append(all, extent{n.Members[i].Pos.Offset, n.Members[i].Value.End.Offset})
	}
	for i := range n.Items {
		all = append(all, extent{n.Items[i].Pos.Offset, n.Items[i].End.Offset})
	}
	return all
}

// insertFirst puts a member before all others of an object, laid out as the
// first one is.
func (c *checker) insertFirst(n *policy.Node, member string) (Edit, bool) {
	if n.Kind != policy.ObjectNode || len(n.Members) == 0 {
		return Edit{}, false
	}
	first := n.Members[0].Pos.Offset
	gap := c.text[n.Pos.Offset+1 : first]
	if strings.TrimSpace(gap) != "" {
		return Edit{}, false
	}
	if gap == "" {
		gap = " "
	}
	return Edit{Offset: first, Text: member + "," + gap}, true
}

// quoted is text as a JSON string.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""` // no string fails to encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// quotedList is texts as a list of JSON.
func quotedList(texts []string) string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = quoted(text)
	}
	return "[" + strings.Join(all, ", ") + "]"
}
