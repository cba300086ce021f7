// Package report writes findings and test results in the formats that people, pipelines and other tools read.
package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Format is a way to write a report.
type Format string

// The formats.
const (
	Text     Format = "text"
	JSON     Format = "json"
	SARIF    Format = "sarif"
	JUnit    Format = "junit"
	TAP      Format = "tap"
	GitHub   Format = "github"
	Markdown Format = "markdown"
)

// Formats lists all formats, for messages and completion.
var Formats = []Format{Text, JSON, SARIF, JUnit, TAP, GitHub, Markdown}

// suffixes of the files that formats are written to.
var suffixes = map[Format]string{Text: ".txt", JSON: ".json", SARIF: ".sarif", JUnit: ".junit.xml", TAP: ".tap", GitHub: ".github.txt", Markdown: ".md"}

// ParseFormats reads names of formats with commas between them.
func ParseFormats(list string) ([]Format, error) {
	var all []Format
	for name := range strings.SplitSeq(list, ",") {
		f := Format(strings.ToLower(strings.TrimSpace(name)))
		switch {
		case suffixes[f] == "":
			return nil, fmt.Errorf("there is no format %q; there are %s", name, names())
		case slices.Contains(all, f):
			return nil, fmt.Errorf("the format %s is asked for twice", f)
		}
		all = append(all, f)
	}
	return all, nil
}

func names() string {
	all := make([]string, len(Formats))
	for i, f := range Formats {
		all[i] = string(f)
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// A Report is what can be written in each format: Lint and Tests.
type Report interface {
	// Write writes the report in one format; the style is for Text.
	Write(w io.Writer, f Format, s Style) error
	// Name of the files that it is written to, without suffix.
	Name() string
}

// Output says where reports go.
type Output struct {
	Formats []Format
	// Dir has a file for each format, such as lint.sarif; text and GitHub's
	// annotations still go to Out, as they are for whoever reads the log. Empty:
	// everything goes to Out, which takes one format.
	Dir string
	Out io.Writer
	// Style of text.
	Style Style
}

// ErrSeveral is what Write answers to several formats without a directory.
var ErrSeveral = errors.New("several formats need a directory to be written to: -o DIR")

// Write writes a report in each format and answers with the files written.
func (o Output) Write(r Report) (files []string, err error) {
	if o.Dir == "" && len(o.Formats) > 1 {
		return nil, ErrSeveral
	}
	for _, f := range o.Formats {
		if o.Dir == "" || f == Text || f == GitHub {
			if err := r.Write(o.Out, f, o.Style); err != nil {
				return files, err
			}
			continue
		}
		var b bytes.Buffer
		if err := r.Write(&b, f, Style{}); err != nil {
			return files, err
		}
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return files, err
		}
		file := filepath.Join(o.Dir, r.Name()+suffixes[f])
		if err := WriteFile(file, b.Bytes(), 0o644); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}

// state of an entry.
type state int

const (
	passed state = iota + 1
	noted        // told, and not a reason to fail
	failed
	undecided // neither a pass nor a failure
	ignored   // found, and set aside with a reason
)

// An entry is one line of a report: a finding, a policy without findings, a
// case. The formats that know no more of policies than this share it.
type entry struct {
	state state
	// suite groups entries: the file.
	suite string
	// id of the rule, empty for cases.
	id string
	// level is what people call how bad it is.
	level string
	name  string // what was looked at
	// message in one sentence, detail in lines of its own.
	message, detail                  string
	line, column, endLine, endColumn int
	seconds                          float64
}

// place is "file:line:column".
func (e entry) place() string {
	switch {
	case e.line == 0:
		return e.suite
	case e.column == 0:
		return fmt.Sprintf("%s:%d", e.suite, e.line)
	}
	return fmt.Sprintf("%s:%d:%d", e.suite, e.line, e.column)
}

// title is the entry on one line.
func (e entry) title() string {
	var parts []string
	for _, part := range []string{e.level, e.id} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := e.message
	if text == "" {
		text = e.name
	}
	if len(parts) == 0 {
		return text
	}
	return strings.Join(parts, " ") + ": " + text
}

// write writes entries in one of the formats that need nothing else.
func write(w io.Writer, f Format, suite string, all []entry) error {
	switch f {
	case JUnit:
		return junit(w, suite, all)
	case TAP:
		return tap(w, all)
	case GitHub:
		return github(w, all)
	}
	return fmt.Errorf("there is no format %q", f)
}
