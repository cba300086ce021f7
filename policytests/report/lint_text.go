package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/policytests/safetext"
	"github.com/keyreeve/keyreeve/rego/lint"
)

var inks = map[lint.Severity]Ink{lint.Error: Bad, lint.Security: Bad, lint.Warning: Doubt, lint.Suggestion: Hint}

// text writes each finding with the line that it is about.
func (l Lint) text(w io.Writer, s Style) error {
	var b strings.Builder
	for _, f := range l.counted() {
		l.finding(&b, s, f)
	}
	for _, p := range l.Problems {
		b.WriteString(s.Wrap(safetext.Text(p.String()), "") + "\n")
	}
	b.WriteString(s.Paint(l.ink(), l.verdict()) + "\n")
	_, err := io.WriteString(w, s.Safe(b.String()))
	return err
}

func (l Lint) ink() Ink {
	switch {
	case l.Failed() > 0 || len(l.Problems) > 0:
		return Bad
	case len(l.counted()) > 0:
		return Doubt
	}
	return Good
}

func (l Lint) finding(b *strings.Builder, s Style, f Finding) {
	level, ink := f.Severity.String(), inks[f.Severity]
	if f.Unknown {
		level, ink = "unknown", Doubt
	}
	start := f.Span.Start
	fmt.Fprintf(b, "%s: %s %s\n", s.Paint(Strong, fmt.Sprintf("%s:%d:%d", safetext.Text(f.File), start.Line, start.Column)), s.Paint(ink, level), f.Rule)
	b.WriteString(s.Wrap(safetext.Text(f.sentence()), "  ") + "\n")
	if f.Policy != "" || f.Span.Path != "" {
		b.WriteString(s.Paint(Faint, "  in "+safetext.Text(f.where())) + "\n")
	}
	b.WriteString(l.excerpt(s, f, ink))
	for _, w := range f.Witness {
		b.WriteString("  case: " + safetext.Text(witness(w)) + "\n")
	}
	for _, fix := range f.Fixes {
		b.WriteString("  fix:  " + safetext.Text(fix.Title) + "\n")
	}
	b.WriteString("\n")
}

// excerptRoom bounds an excerpt, in characters: a plan stands on one line of
// megabytes. before is what stands before the offending value.
func (s Style) excerptRoom() (before, all int) {
	const frame = 10 // the line number, and dots on both sides
	if all = 100; s.Width > 0 {
		all = max(minRoom, min(all, s.Width-frame))
	}
	return min(40, all*4/9), all
}

// excerpt shows the line that a finding is about, with a mark below the
// offending value.
func (l Lint) excerpt(s Style, f Finding, ink Ink) string {
	if l.Source == nil || f.Span.Start.Line == 0 {
		return ""
	}
	text := l.Source(f.File)
	from, to := f.Span.Start.Offset, f.Span.End.Offset
	if len(text) == 0 || from > len(text) {
		return ""
	}
	begin := bytes.LastIndexByte(text[:from], '\n') + 1
	end := len(text)
	if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
		end = from + i
	}
	to = max(from, min(to, end))
	cut := ""
	excerptBefore, excerptAll := s.excerptRoom()
	if utf8.RuneCount(text[begin:from]) > excerptBefore && end-begin > excerptAll {
		for begin, cut = from, "…"; utf8.RuneCount(text[begin:from]) < excerptBefore; {
			_, size := utf8.DecodeLastRune(text[:begin])
			begin -= size
		}
	}
	line, after := []rune(string(text[begin:end])), ""
	if len(line) > excerptAll {
		line, after = line[:excerptAll], "…"
	}
	number := fmt.Sprintf("%5d | ", f.Span.Start.Line)
	lead := cut + plain(string(text[begin:from]))
	marked := max(1, min(width(plain(string(text[from:to]))), width(plain(string(line)))-width(plain(string(text[begin:from])))))
	return s.Paint(Faint, number) + cut + strings.TrimRight(plain(string(line)), " ") + after + "\n" +
		s.Paint(Faint, "      | ") + strings.Repeat(" ", width(lead)) + s.Paint(ink, strings.Repeat("^", marked)) + "\n"
}

// plain shows tabs as one blank, so that marks stand below what they mark, and
// control characters as dots: a file must not write to the terminal.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return ' '
		case safetext.Unsafe(c):
			return '·'
		}
		return c
	}, strings.TrimRight(text, "\r"))
}

// verdict is the summary on one line.
func (l Lint) verdict() string {
	counts := l.summary()
	var parts []string
	for _, level := range []struct{ key, one, many string }{
		{"error", "error", "errors"}, {"security", "security finding", "security findings"}, {"warning", "warning", "warnings"},
		{"suggestion", "suggestion", "suggestions"}, {"unknown", "finding unknown", "findings unknown"},
		{"ignored", "ignored", "ignored"}, {"known", "in the baseline", "in the baseline"},
		{"problems", "file that cannot be read", "files that cannot be read"},
	} {
		if n := counts[level.key]; n > 0 {
			parts = append(parts, plural(n, level.one, level.many))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing found"}
	}
	return plural(len(l.Policies), "policy", "policies") + ": " + strings.Join(parts, ", ")
}
