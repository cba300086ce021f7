package lsp

import (
	"slices"
	"strings"
)

// A cell is a string of a JSON text that may be unfinished, with its place.
type cell struct {
	begin, end int      // of what is between the quotes
	text       string   // escapes are left as they are
	path       []string // names of the objects around it, the innermost last
	name       bool     // it is the name of a member
	object     int      // which object it is in; numbers follow the order of the text
}

// maxDepth bounds nesting; what is deeper is not looked at.
const maxDepth = 64

// A scanner reads JSON that is being written: quotes that are not closed end
// with their line, and whatever else is missing is passed over.
type scanner struct {
	text    string
	cells   []cell
	stack   []frameOf
	objects int
}

// A frameOf is an object or list that is open.
type frameOf struct {
	list   bool
	object int    // its number; of a list that of the object around it
	member string // the name that was read last
	value  bool   // what comes next is a value
}

// scanJSON lists the strings of a text, and what is open at its end.
func scanJSON(text string) *scanner {
	s := &scanner{text: text, stack: []frameOf{{value: true}}}
	for i := 0; i < len(text); i++ {
		top := &s.stack[len(s.stack)-1]
		switch text[i] {
		case '"':
			i = s.str(i + 1)
		case ':':
			top.value = true
		case ',':
			top.value = top.list
		case '{', '[':
			s.open(text[i] == '[')
		case '}', ']':
			if len(s.stack) > 1 {
				s.stack = s.stack[:len(s.stack)-1]
			}
		}
	}
	return s
}

func (s *scanner) open(list bool) {
	if len(s.stack) >= maxDepth {
		return
	}
	f := frameOf{list: list, value: list, object: s.stack[len(s.stack)-1].object}
	if !list {
		s.objects++
		f.object = s.objects
	}
	s.stack = append(s.stack, f)
}

// str reads a string from behind its quote, and answers with the place of the
// one that closes it.
func (s *scanner) str(begin int) int {
	end := begin
	for end < len(s.text) && s.text[end] != '"' && s.text[end] != '\n' {
		if s.text[end] == '\\' && end+1 < len(s.text) && s.text[end+1] != '\n' {
			end++
		}
		end++
	}
	end = min(end, len(s.text))
	top := &s.stack[len(s.stack)-1]
	c := cell{begin: begin, end: end, text: s.text[begin:end], path: s.path(), name: !top.value, object: top.object}
	if c.name {
		top.member = c.text
	}
	s.cells = append(s.cells, c)
	return end
}

// path are the names that lead to where the scanner is.
func (s *scanner) path() []string {
	var names []string
	for _, f := range s.stack[1:] {
		if !f.list && f.value {
			names = append(names, f.member)
		}
	}
	return names
}

// A cursor is a place in a policy.
type cursor struct {
	cell
	quoted  bool // it is in quotes
	typed   string
	actions []string // of the statement around it
	not     bool     // its actions are all but these
	names   []string // that the object around it has
}

// cursorAt finds out where an offset of a policy stands.
func cursorAt(text string, offset int) cursor {
	all := scanJSON(text).cells
	before := scanJSON(text[:offset])
	var c cursor
	i := slices.IndexFunc(all, func(c cell) bool { return c.begin <= offset && offset <= c.end })
	if i >= 0 {
		c.cell, c.quoted = all[i], true
		c.typed = text[c.begin:offset]
	} else {
		top := before.stack[len(before.stack)-1]
		c.cell = cell{begin: offset, end: offset, path: before.path(), name: !top.value, object: top.object}
	}
	statement := statementOf(all, before, c)
	for _, o := range all {
		element := ""
		if len(o.path) > 1 {
			element = o.path[1]
		}
		switch {
		case o.name && o.object == c.object:
			c.names = append(c.names, o.text)
		case !o.name && o.object == statement && (element == "Action" || element == "NotAction") && o.begin != c.begin:
			c.actions, c.not = append(c.actions, o.text), element == "NotAction"
		}
	}
	return c
}

// statementOf is the number of the object that is the statement around a
// place.
func statementOf(all []cell, before *scanner, c cursor) int {
	for _, f := range before.stack {
		if f.object > 0 && slices.ContainsFunc(all, func(o cell) bool {
			return o.object == f.object && o.name && len(o.path) == 1 && o.path[0] == "Statement"
		}) {
			return f.object
		}
	}
	return c.object
}

// wordAt is the word around an offset: what stands between blanks, quotes,
// brackets and signs.
func wordAt(text string, offset int) (begin, end int) {
	const ends = " \t\r\n\"'[]{}(),=|!`$"
	begin = 1 + strings.LastIndexAny(text[:offset], ends)
	if n := strings.IndexAny(text[offset:], ends); n >= 0 {
		return begin, offset + n
	}
	return begin, len(text)
}
