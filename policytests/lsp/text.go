package lsp

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A text is what a document holds, with the places at which its lines begin.
type text struct {
	body  string
	lines []int
}

func newText(body string) text {
	lines := []int{0}
	for i := 0; i < len(body); i++ {
		if body[i] == '\n' {
			lines = append(lines, i+1)
		}
	}
	return text{body, lines}
}

// line is a line without its end; empty for one that is not there.
func (t text) line(n int) string {
	if n < 0 || n >= len(t.lines) {
		return ""
	}
	end := len(t.body)
	if n+1 < len(t.lines) {
		end = t.lines[n+1]
	}
	return strings.TrimRight(t.body[t.lines[n]:end], "\r\n")
}

// offset is the place of a position in bytes; of one outside of the text the
// nearest that is inside.
func (t text) offset(p position) int {
	switch {
	case p.Line < 0:
		return 0
	case p.Line >= len(t.lines):
		return len(t.body)
	}
	begin, units := t.lines[p.Line], 0
	line := t.line(p.Line)
	for i, c := range line {
		if units >= p.Character {
			return begin + i
		}
		units += width(c)
	}
	return begin + len(line)
}

// position is that of an offset in bytes; within a character or what ends a
// line, the end of the character or the line.
func (t text) position(offset int) position {
	offset = max(0, min(offset, len(t.body)))
	n, found := slices.BinarySearch(t.lines, offset)
	if !found {
		n--
	}
	units := 0
	for i, c := range t.line(n) {
		if i >= offset-t.lines[n] {
			break
		}
		units += width(c)
	}
	return position{n, units}
}

// width is how many UTF-16 code units a character has.
func width(c rune) int {
	if c == utf8.RuneError {
		return 1
	}
	return utf16.RuneLen(c)
}

func (t text) span(start, end int) span { return span{t.position(start), t.position(end)} }

// lineSpan is a line from its first character that is no blank to its end.
func (t text) lineSpan(n int) span {
	if n < 0 || n >= len(t.lines) {
		return span{}
	}
	line := t.line(n)
	begin := t.lines[n] + len(line) - len(strings.TrimLeft(line, " \t"))
	return t.span(begin, t.lines[n]+len(line))
}

// changed is the text after a change; without a place it is all new.
func (t text) changed(at *span, with string) text {
	if at == nil {
		return newText(with)
	}
	start, end := t.offset(at.Start), t.offset(at.End)
	return newText(t.body[:start] + with + t.body[max(start, end):])
}
