package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/safetext"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// Tests are the results of case lines.
type Tests struct {
	policytests.Report
	// FailOnly leaves cases that came out as expected out of the text; what
	// programs read counts every case.
	FailOnly bool
	// Version of keyreeve.
	Version string
}

// Name of the files.
func (Tests) Name() string { return "test" }

// Write writes the report in one format.
func (t Tests) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case Text:
		return t.text(w, s)
	case JSON:
		return t.json(w)
	case SARIF:
		return t.sarif(w)
	case Markdown:
		return t.markdown(w)
	}
	return write(w, f, "keyreeve test", t.entries())
}

// entries are the cases, and what could not be decided.
func (t Tests) entries() []entry {
	var all []entry
	for _, r := range t.Results {
		e := entry{state: passed, suite: r.File, name: titled(r), line: r.Line, column: r.Column, seconds: r.Elapsed.Seconds()}
		if r.Failure != nil {
			e.state, e.message, e.detail = failed, e.name, r.Failure.String()
		}
		all = append(all, e)
	}
	for _, p := range t.Problems {
		all = append(all, entry{state: undecided, suite: p.File, line: p.Line, column: p.Column, level: "cannot decide", name: "the line", message: p.Message})
	}
	return all
}

// text writes a line for each case, and below one that failed what came out.
func (t Tests) text(w io.Writer, s Style) error {
	var b strings.Builder
	for _, r := range t.Results {
		switch {
		case r.Failure != nil:
			b.WriteString(s.Paint(Bad, "FAIL") + " " + line(r) + "\n" + indent(r.Failure.String()) + "\n")
		case !t.FailOnly:
			b.WriteString(s.Paint(Good, "ok  ") + " " + line(r) + "\n")
		}
	}
	for _, p := range t.Problems {
		b.WriteString(s.Paint(Doubt, "????") + " " + safetext.Text(p.String()) + "\n")
	}
	ink := Good
	if len(t.Failed()) > 0 || len(t.Problems) > 0 {
		ink = Bad
	}
	b.WriteString(s.Paint(ink, t.verdict()) + "\n")
	_, err := io.WriteString(w, s.Safe(b.String()))
	return err
}

// titled is a case with the title of its group.
func titled(r policytests.Result) string {
	if r.Title == "" {
		return r.Text
	}
	return r.Title + ": " + r.Text
}

// line is a case with its place.
func line(r policytests.Result) string {
	return fmt.Sprintf("%s:%d: %s", safetext.Text(r.File), r.Line, safetext.Text(titled(r)))
}

func indent(text string) string { return "     " + strings.ReplaceAll(text, "\n", "\n     ") }

// verdict is the summary on one line.
func (t Tests) verdict() string {
	text := plural(len(t.Results), "case", "cases")
	if n := len(t.Failed()); n > 0 {
		text += fmt.Sprintf(": %d failed", n)
	} else if len(t.Results) > 0 {
		text += ": all as expected"
	}
	if n := len(t.Problems); n > 0 {
		text += fmt.Sprintf(", %s", plural(n, "line or world not decided", "lines or worlds not decided"))
	}
	return text
}

// jsonTests is the JSON form. Its version counts changes that break readers.
type jsonTests struct {
	Version  int                   `json:"version"`
	Results  []jsonResult          `json:"results"`
	Problems []jsonProblem         `json:"problems"`
	Coverage *policytests.Coverage `json:"coverage,omitempty"`
	Summary  map[string]int        `json:"summary"`
}

type jsonResult struct {
	World   string       `json:"world"`
	File    string       `json:"file"`
	Line    int          `json:"line"`
	Column  int          `json:"column,omitempty"`
	Title   string       `json:"title,omitempty"`
	Text    string       `json:"text"`
	Kind    string       `json:"kind"`
	Tags    []string     `json:"tags,omitempty"`
	Passed  bool         `json:"passed"`
	Failure *jsonFailure `json:"failure,omitempty"`
}

type jsonFailure struct {
	Wanted    string             `json:"wanted"`
	Got       string             `json:"got"`
	Evidence  *decision.Evidence `json:"evidence,omitempty"`
	Witnesses []string           `json:"witnesses,omitempty"`
	More      int                `json:"more,omitempty"`
}

func (t Tests) json(w io.Writer) error {
	out := jsonTests{Version: 1, Results: []jsonResult{}, Problems: problems(t.Problems), Coverage: t.Coverage,
		Summary: map[string]int{"cases": len(t.Results), "failed": len(t.Failed()), "problems": len(t.Problems)}}
	for _, r := range t.Results {
		row := jsonResult{World: r.World, File: r.File, Line: r.Line, Column: r.Column, Title: r.Title, Text: r.Text, Kind: r.Kind.String(), Tags: r.Tags,
			Passed: r.Failure == nil}
		if f := r.Failure; f != nil {
			row.Failure = &jsonFailure{f.Wanted, f.Got, f.Evidence, f.Witnesses, f.More}
		}
		out.Results = append(out.Results, row)
	}
	return encode(w, out)
}

// markdown writes the failures, and how many cases there were.
func (t Tests) markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("## keyreeve test\n\n" + t.verdict() + "\n")
	for _, r := range t.Failed() {
		fmt.Fprintf(&b, "\n<details><summary>❌ <code>%s:%d</code> %s</summary>\n\n%s\n</details>\n", html(r.File), r.Line, html(r.Text), fence(r.Failure.String()))
	}
	b.WriteString(problemList(t.Problems))
	_, err := io.WriteString(w, safetext.Lines(b.String()))
	return err
}

// caseRule is the one rule that failed cases break.
var caseRule = sarifRule{ID: "case", Name: "Case", Short: sarifMessage{Text: "A request is not decided as a case line says."},
	HelpURI: home + "/blob/main/policytests/GRAMMAR.md", Default: sarifConfig{"error"}}

// sarif writes the failures.
func (t Tests) sarif(w io.Writer) error {
	results := []sarifResult{}
	for _, r := range t.Failed() {
		at := lint.Point{Line: r.Line, Column: r.Column}
		results = append(results, sarifResult{Rule: caseRule.ID, Kind: "fail", Level: "error", Message: sarifMessage{Text: r.Text + "\n" + r.Failure.String()},
			Locations: []sarifLocation{location(r.File, at, lint.Point{}, r.Title)}})
	}
	return encode(w, sarifOf(t.Version, []sarifRule{caseRule}, results, notifications(t.Problems)))
}

// notifications are what could not be read or decided.
func notifications(all policytests.Problems) []sarifNotification {
	var notes []sarifNotification
	for _, p := range all {
		notes = append(notes, sarifNotification{Level: "error", Message: sarifMessage{Text: p.Message},
			Locations: []sarifLocation{location(p.File, lint.Point{Line: p.Line, Column: p.Column}, lint.Point{}, "")}})
	}
	return notes
}
