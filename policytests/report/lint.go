package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// Lint is what linting found.
type Lint struct {
	// Findings in the order of files and places. Spans and edits are those of
	// the file.
	Findings []Finding
	// Policies that were linted, also those without findings.
	Policies []Policy
	// Problems are files that could not be linted.
	Problems policytests.Problems
	// FailOn is the mildest severity that makes a policy fail; zero: Security.
	FailOn lint.Severity
	// FailOnUnknown: what could not be decided makes a policy fail too.
	FailOnUnknown bool
	// Version of keyreeve.
	Version string
	// Rule finds rules that are not of rego/lint, with their pages; may be nil.
	Rule func(id string) (rule lint.Rule, page string, ok bool)
	// Source gives the text of a file, for excerpts; nil shows none.
	Source func(file string) []byte
}

// A Finding is one thing that was found.
type Finding struct {
	lint.Finding
	// Fingerprint is the same as long as the finding is, wherever it moves.
	Fingerprint string
	// Ignored says why it is set aside; empty: it counts.
	Ignored string
	// Known: it is in the baseline.
	Known bool
}

// A Policy is one that was linted.
type Policy struct{ File, Name, Kind string }

// Name of the files.
func (Lint) Name() string { return "lint" }

// Fails tells whether a finding is a reason to fail.
func (l Lint) Fails(f Finding) bool {
	return f.Ignored == "" && !f.Known && !f.Unknown && f.Severity <= cmp.Or(l.FailOn, lint.Security)
}

// Failed counts the findings that are a reason to fail.
func (l Lint) Failed() int {
	n := 0
	for _, f := range l.Findings {
		if l.Fails(f) {
			n++
		}
	}
	return n
}

// counted are the findings that are not set aside.
func (l Lint) counted() []Finding {
	return slices.DeleteFunc(slices.Clone(l.Findings), func(f Finding) bool { return f.Ignored != "" || f.Known })
}

// Write writes the report in one format.
func (l Lint) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case Text:
		return l.text(w, s)
	case JSON:
		return l.json(w)
	case SARIF:
		return l.sarif(w)
	case Markdown:
		return l.markdown(w)
	}
	return write(w, f, "keyreeve lint", l.entries())
}

// entries are the findings, and the policies that have none.
func (l Lint) entries() []entry {
	found := map[[2]string]bool{}
	var all []entry
	for _, f := range l.Findings {
		found[[2]string{f.File, f.Policy}] = true
		e := entry{
			state: noted, suite: f.File, id: f.Rule, level: f.Severity.String(), name: f.where(), message: f.sentence(), detail: f.detail(),
			line: f.Span.Start.Line, column: f.Span.Start.Column, endLine: f.Span.End.Line, endColumn: f.Span.End.Column,
		}
		switch {
		case f.Ignored != "" || f.Known:
			e.state = ignored
		case f.Unknown && l.FailOnUnknown:
			e.state, e.level = undecided, "unknown"
		case f.Unknown:
			e.level = "unknown"
		case l.Fails(f):
			e.state = failed
		}
		all = append(all, e)
	}
	for _, p := range l.Policies {
		if !found[[2]string{p.File, p.Name}] {
			all = append(all, entry{state: passed, suite: p.File, name: strings.TrimSpace(p.Kind + " policy " + p.Name)})
		}
	}
	for _, p := range l.Problems {
		all = append(all, entry{state: undecided, suite: p.File, line: p.Line, column: p.Column, level: "cannot read", name: "the file", message: p.Message})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.suite, b.suite) })
	return all
}

// where names the policy and the JSON path in it.
func (f Finding) where() string { return strings.TrimSpace(f.Policy + " " + f.Span.Path) }

// sentence is the message, with what was probably meant and why it is set
// aside.
func (f Finding) sentence() string {
	text := f.Message
	if f.Suggestion != "" && !mentions(text, f.Suggestion) {
		text = strings.TrimSuffix(text, ".") + "; did you mean " + f.Suggestion + "?"
	}
	return text
}

// mentions tells whether a word, and not only the beginning or end of another,
// is in a text.
func mentions(text, word string) bool {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for rest := text; ; {
		before, after, found := strings.Cut(rest, word)
		if !found {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if !inWord(last) && !inWord(next) {
			return true
		}
		rest = after
	}
}

// aside says why a finding does not count.
func (f Finding) aside() string {
	switch {
	case f.Ignored != "":
		return "ignored: " + f.Ignored
	case f.Known:
		return "in the baseline"
	}
	return ""
}

// detail is what is more than one line: witnesses and fixes.
func (f Finding) detail() string {
	var lines []string
	for _, w := range f.Witness {
		lines = append(lines, witness(w))
	}
	for _, fix := range f.Fixes {
		lines = append(lines, "fix: "+fix.Title)
	}
	if aside := f.aside(); aside != "" {
		lines = append(lines, aside)
	}
	return strings.Join(lines, "\n")
}

// witness is the request that shows a finding, as a case line.
func witness(w lint.Witness) string {
	line := w.Case
	if w.Note != "" {
		line += "   # " + w.Note
	}
	return line
}

// jsonLint is the JSON form. Its version counts changes that break readers.
type jsonLint struct {
	Version  int            `json:"version"`
	Findings []jsonFinding  `json:"findings"`
	Policies []jsonPolicy   `json:"policies"`
	Problems []jsonProblem  `json:"problems"`
	Summary  map[string]int `json:"summary"`
}

type jsonFinding struct {
	lint.Finding
	Kind        string `json:"kind"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Ignored     string `json:"ignored,omitempty"`
	Known       bool   `json:"known,omitempty"`
}

type jsonPolicy struct {
	File string `json:"file"`
	Name string `json:"name,omitempty"`
	Kind string `json:"kind"`
}

type jsonProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

func problems(all policytests.Problems) []jsonProblem {
	list := []jsonProblem{}
	for _, p := range all {
		list = append(list, jsonProblem(p))
	}
	return list
}

func (l Lint) json(w io.Writer) error {
	out := jsonLint{Version: 1, Findings: []jsonFinding{}, Policies: []jsonPolicy{}, Problems: problems(l.Problems), Summary: l.summary()}
	for _, f := range l.Findings {
		kind := "grants"
		if f.Kind.Valid() {
			kind = f.Kind.String()
		}
		out.Findings = append(out.Findings, jsonFinding{f.Finding, kind, f.Fingerprint, f.Ignored, f.Known})
	}
	for _, p := range l.Policies {
		out.Policies = append(out.Policies, jsonPolicy(p))
	}
	return encode(w, out)
}

// summary counts policies, and findings by severity.
func (l Lint) summary() map[string]int {
	counts := map[string]int{"policies": len(l.Policies), "problems": len(l.Problems), "failed": l.Failed()}
	for _, f := range l.Findings {
		switch {
		case f.Ignored != "":
			counts["ignored"]++
		case f.Known:
			counts["known"]++
		case f.Unknown:
			counts["unknown"]++
		default:
			counts[f.Severity.String()]++
		}
	}
	return counts
}

// encode writes JSON for people to read too.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// plural is "1 policy" or "3 policies".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
