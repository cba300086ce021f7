package extract

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// A Source is a file and its text.
type Source struct {
	// Name as people know it.
	Name string
	// Path on disk; empty for standard input.
	Path string
	Text []byte

	// archive that the file is a member of, and where in it; nil for a file on
	// disk.
	archive *Source
	base    int
	member  string

	lines []int // offsets at which lines begin; made when first needed
}

// A Position is a place in a file: line and column from 1, columns in
// characters, the offset in bytes from 0.
type Position struct{ Line, Column, Offset int }

// called is the file's own name, which tells what is in it.
func (s *Source) called() string {
	if s.archive != nil {
		return s.member
	}
	return s.Name
}

// Root is the file on disk: the archive, for a member of one.
func (s *Source) Root() *Source {
	if s.archive != nil {
		return s.archive
	}
	return s
}

// At is the position of an offset, which may be that of the end.
func (s *Source) At(offset int) Position {
	if s.archive != nil {
		return s.archive.At(s.base + offset)
	}
	if s.lines == nil {
		s.lines = starts(s.Text)
	}
	offset = max(0, min(offset, len(s.Text)))
	i, found := slices.BinarySearch(s.lines, offset)
	if !found {
		i--
	}
	return Position{Line: i + 1, Column: 1 + utf8.RuneCount(s.Text[s.lines[i]:offset]), Offset: offset}
}

func starts(text []byte) []int {
	lines := make([]int, 1, 1+bytes.Count(text, []byte("\n")))
	for i, c := range text {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// fail is an error at an offset.
func (s *Source) fail(offset int, message string) Error {
	at := s.At(offset)
	return Error{File: s.Name, Line: at.Line, Column: at.Column, Offset: at.Offset, Message: message}
}

// A segment says where a stretch of a policy's text stands in the file. Where
// both are of the same length and not loose they are the same bytes.
type segment struct {
	at, n    int // in the policy's text
	from, to int // in the file
	loose    bool
}

func (s segment) exact() bool { return !s.loose && s.n == s.to-s.from }

// Source is the file that the policy is in.
func (p *Policy) Source() *Source { return p.source }

// Position is where in the file an offset of the policy's text stands: exactly
// where the text is the file's, otherwise the beginning of the part around it.
func (p *Policy) Position(offset int) Position {
	start, _ := p.Range(offset, offset)
	return start
}

// Range is where in the file a stretch of the policy's text stands.
func (p *Policy) Range(start, end int) (Position, Position) {
	from := p.startOf(start)
	to := from
	if end > start {
		to = max(from, p.endOf(end))
	}
	return p.source.At(from), p.source.At(to)
}

// segmentAt is the last segment that begins at or before an offset.
func (p *Policy) segmentAt(offset int) segment {
	if len(p.marks) == 0 {
		return segment{}
	}
	i, found := slices.BinarySearchFunc(p.marks, offset, func(s segment, offset int) int { return s.at - offset })
	if !found && i > 0 {
		i--
	}
	return p.marks[min(i, len(p.marks)-1)]
}

func (p *Policy) startOf(offset int) int {
	s := p.segmentAt(offset)
	if s.exact() {
		return s.from + max(0, min(offset-s.at, s.n))
	}
	return s.from
}

// endOf is the end in the file of text that ends before an offset.
func (p *Policy) endOf(offset int) int {
	s := p.segmentAt(offset - 1)
	if s.exact() {
		return s.from + max(0, min(offset-s.at, s.n))
	}
	return s.to
}

// Verbatim tells at which offset of the file the policy's text stands byte for
// byte, if it does.
func (p *Policy) Verbatim() (offset int, ok bool) {
	if len(p.marks) == 1 && p.marks[0].exact() && p.marks[0].n == len(p.Text) {
		return p.source.base + p.marks[0].from, true
	}
	return 0, false
}
