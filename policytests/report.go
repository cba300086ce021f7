package policytests

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Report is the outcome of a run, in the order of files and lines.
type Report struct {
	Results  []Result
	Problems Problems      // lines and worlds that could not be read or decided
	Coverage *Coverage     // nil unless Options.Coverage
	Elapsed  time.Duration // of the whole run
}

// Failed lists the results of cases that did not come out as expected.
func (r Report) Failed() []Result {
	var failed []Result
	for _, result := range r.Results {
		if result.Failure != nil {
			failed = append(failed, result)
		}
	}
	return failed
}

// A Result is the outcome of one case; a line that asks about several
// principals, actions or resources has several, and so has a table.
type Result struct {
	World  string // path of the world
	File   string // as found; for a part of an archive the archive
	Line   int
	Column int
	Kind   caseline.Kind
	Text   string // the line; where it asks about several, the one at hand
	Title  string // of its group; may be empty
	Tags   []string

	// Decision is the engine's; the zero value in cases that are not about one
	// request.
	Decision decision.Decision
	Asked    int           // requests that were decided for it
	Elapsed  time.Duration // that deciding took
	Failure  *Failure      // nil: as expected
}

// Name is what Options.Select is held against.
func (r Result) Name() string { return name(r.File, r.Line, r.Title, r.Text) }

func name(file string, line int, title, text string) string {
	return fmt.Sprintf("%s:%d: %s: %s", file, line, title, text)
}

// A Failure says what came out instead.
type Failure struct {
	Wanted, Got string
	Evidence    *decision.Evidence // of the decision; nil if there is not one
	// Witnesses are requests that contradict an assertion, as case lines that
	// hold now: copied into a file of cases they pass.
	Witnesses []string
	More      int // how many more requests contradict it

	grants []string // why grants to the caller do not fit, as sentences

	// where tells in which file and line a statement stands; nil: nobody knows.
	where func(decision.Statement) string
}

// A Problem is a line or a world that cannot be decided: neither a pass nor a
// failure.
type Problem struct {
	File         string
	Line, Column int // 0: the file as a whole
	Message      string
}

// String is "file:line:column: message".
func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.File + ": " + p.Message
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems are an error: what they say was not tested.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// String is the failure for people: what was wanted, what came out, what each
// layer said, and what would have been near.
func (f Failure) String() string {
	lines := []string{"wanted " + f.Wanted, "got    " + f.Got}
	for _, w := range f.Witnesses {
		lines = append(lines, "       "+strings.ReplaceAll(w, "\n", "\n       "))
	}
	if f.More > 0 {
		lines = append(lines, fmt.Sprintf("       and %d more", f.More))
	}
	if f.Evidence == nil {
		return strings.Join(lines, "\n")
	}
	e := f.Evidence
	lines = append(lines, fmt.Sprintf("asked  %s: %s on %s", e.Principal, e.Action, e.Resource))
	for _, l := range e.Layers {
		if l.Said != decision.SaidNotAttached {
			lines = append(lines, "       "+f.said(l))
		}
	}
	if e.Nearest != nil {
		lines = append(lines, "near   "+near(*e.Nearest, f.statement))
	}
	for _, g := range f.grants {
		lines = append(lines, "near   "+g)
	}
	return strings.Join(lines, "\n")
}

// said is what a layer said, on one line.
func (f Failure) said(l decision.LayerEvidence) string {
	name := string(l.Layer)
	if l.Layer == decision.LayerSCP || l.Layer == decision.LayerRCP {
		name = fmt.Sprintf("%s %d", l.Layer, l.Level)
	}
	line := fmt.Sprintf("%-8s %s", name, l.Said)
	for _, s := range l.Statements {
		line += fmt.Sprintf("; %s %s", s.Effect, f.statement(s))
	}
	if l.More > 0 {
		line += fmt.Sprintf("; and %d more", l.More)
	}
	return line
}

// Near says which statement would have allowed, and the condition that failed.
func Near(n decision.NearestMiss) string { return near(n, Failure{}.statement) }

func near(n decision.NearestMiss, name func(decision.Statement) string) string {
	actual := "absent"
	if len(n.Actual) > 0 {
		actual = quoteAll(n.Actual)
	}
	wanted := "wanted"
	set, operator, qualified := strings.Cut(n.Operator, ":")
	if !qualified {
		set, operator = "", n.Operator
	}
	op, _ := policy.OperatorNamed(strings.TrimSuffix(operator, "IfExists"))
	switch several := len(n.Actual) > 1 || n.MoreActual > 0; {
	case op.Negated:
		wanted = "wanted none of"
	case several && !strings.EqualFold(set, "ForAnyValue"):
		actual += ", and not every value is among those wanted"
	}
	return fmt.Sprintf("%s, but for %s %s: %s %s, was %s", name(n.Statement), n.Operator, n.Key, wanted, quoteAll(n.Wanted), actual)
}

// statement names a statement: policy, Sid and place.
func (f Failure) statement(s decision.Statement) string {
	if s.Layer == decision.LayerGuardrail {
		return strings.TrimSpace(s.Policy + " " + caseline.Quote(s.Reason))
	}
	name := s.Policy
	if s.Sid != "" {
		name += " " + caseline.Quote(s.Sid)
	}
	at := fmt.Sprintf("line %d", s.Line)
	if f.where != nil {
		if place := f.where(s); place != "" {
			at = place
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s (%s)", name, s.Path, at))
}

// sorted is the problems in the order of their places, each once.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(ps)
}
