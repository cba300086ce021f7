package report

import (
	"regexp"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// A Style is how text for people looks. The zero value is plain text in lines
// of any length.
type Style struct {
	// Width in columns that lines keep to; 0: any.
	Width int
	// Colour: with the escape sequences of ANSI terminals.
	Colour bool
}

// Ink is what a piece of text is about. The zero value is plain.
type Ink int

// The inks.
const (
	Plain Ink = iota
	Strong
	Faint
	Good
	Bad
	Doubt
	Hint
)

var codes = map[Ink]string{Strong: "1", Faint: "2", Good: "32", Bad: "1;31", Doubt: "33", Hint: "36"}

// painted are the sequences that Paint writes.
var painted = regexp.MustCompile(`\x1b\[(?:0|1|2|32|1;31|33|36)m`)

// Safe quotes what must not reach a terminal in lines that are about to be
// written, but for what Paint wrote.
func (s Style) Safe(text string) string {
	if !s.Colour {
		return safetext.Lines(text)
	}
	var b strings.Builder
	done := 0
	for _, at := range painted.FindAllStringIndex(text, -1) {
		b.WriteString(safetext.Lines(text[done:at[0]]) + text[at[0]:at[1]])
		done = at[1]
	}
	b.WriteString(safetext.Lines(text[done:]))
	return b.String()
}

// Paint gives text the look of an ink. What is unsafe in it is quoted.
func (s Style) Paint(ink Ink, text string) string {
	text = safetext.Lines(text)
	if !s.Colour || codes[ink] == "" || text == "" {
		return text
	}
	return "\x1b[" + codes[ink] + "m" + text + "\x1b[0m"
}

// Wrap breaks text between words so that its lines, with their indent, keep to
// the width. The line breaks of text stay.
func (s Style) Wrap(text, indent string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for _, part := range fold(strings.TrimRight(line, "\n"), s.room(width(indent))) {
			b.WriteString(strings.TrimRight(indent+part, " ") + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// minRoom is the least number of columns that text is folded into: below it,
// lines run over the width rather than into a column of letters.
const minRoom = 24

// room is what is left of a line after some columns; 0: any number.
func (s Style) room(taken int) int {
	if s.Width <= 0 {
		return 0
	}
	return max(minRoom, s.Width-taken)
}

// fold breaks one line between words; words that are longer than a line stay
// whole, so that they can be copied.
func fold(line string, room int) []string {
	if room <= 0 || width(line) <= room {
		return []string{line}
	}
	var lines []string
	current := ""
	for word := range strings.SplitSeq(line, " ") {
		switch {
		case current == "":
			current = word
		case width(current)+1+width(word) <= room:
			current += " " + word
		default:
			lines = append(lines, current)
			current = word
		}
	}
	return append(lines, current)
}

// width is how many columns a terminal needs for text that holds no escape
// sequences.
func width(text string) int { return measure.StringWidth(text) }

// measure counts columns as terminals outside East Asia do, whatever the
// locale: output is the same everywhere.
var measure = &runewidth.Condition{}
