package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// hostile is text that clears a screen, turns its direction and begins a
// workflow command.
const hostile = "::a\x1b[2J\r\n::error ::owned\u202e\u009b\n##[error]b"

func hostileReports() []report.Report {
	f := report.Finding{Finding: lint.Finding{Rule: "KR_X", Severity: lint.Security, Message: hostile, File: hostile, Policy: hostile, Suggestion: hostile,
		Span:    lint.Span{Start: lint.Point{Line: 1, Column: 1}, End: lint.Point{Line: 1, Column: 2}, Path: "$." + hostile},
		Witness: []lint.Witness{{Case: hostile, Note: hostile}}, Fixes: []lint.Fix{{Title: hostile}}}}
	aside := f
	aside.Ignored = hostile
	problem := policytests.Problems{{File: hostile, Line: 1, Message: hostile}, {File: hostile, Message: hostile}}
	return []report.Report{
		report.Lint{Findings: []report.Finding{f, aside}, Policies: []report.Policy{{File: hostile + "2", Name: hostile, Kind: "key"}}, Problems: problem,
			Source: func(string) []byte { return []byte(hostile) }},
		report.Tests{Report: policytests.Report{Problems: problem, Results: []policytests.Result{
			{File: hostile, Line: 1, Text: hostile, Title: hostile},
			{File: hostile, Line: 2, Text: hostile, Failure: &policytests.Failure{Wanted: hostile, Got: hostile, Witnesses: []string{hostile}}},
		}}},
	}
}

func TestForeignTextDoesNothingToWhoReadsIt(t *testing.T) {
	for _, r := range hostileReports() {
		for _, format := range []report.Format{report.Text, report.TAP, report.Markdown, report.GitHub} {
			var b bytes.Buffer
			require.NoError(t, r.Write(&b, format, report.Style{}))
			for i, line := range strings.Split(b.String(), "\n") {
				assert.Equal(t, safetext.Text(line), line, "%s %s", r.Name(), format)
				if format == report.GitHub {
					assert.Regexp(t, `^(::(error|warning|notice) file=%3A%3Aa\\x1b\[2J%0D%0A|$)`, line, "line %d", i)
					continue
				}
				assert.False(t, strings.HasPrefix(strings.TrimSpace(line), "::"), "%s %s: %s", r.Name(), format, line)
				assert.NotContains(t, line, "##[", "%s %s", r.Name(), format)
			}
		}
	}
}

func TestForeignColoursAreQuotedBesideOurOwn(t *testing.T) {
	s := report.Style{Colour: true}
	assert.Equal(t, "\x1b[1ma\\x1b[2Jb\x1b[0m", s.Paint(report.Strong, "a\x1b[2Jb"))
	assert.Equal(t, "\x1b[1ma\x1b[0m \\x1b[2J\n", s.Safe(s.Paint(report.Strong, "a")+" \x1b[2J\n"))
	for _, r := range hostileReports() {
		var b bytes.Buffer
		require.NoError(t, r.Write(&b, report.Text, s))
		assert.NotContains(t, b.String(), "\x1b[2J")
		assert.NotContains(t, b.String(), "\n::")
	}
}

func TestJUnitIsXMLWhateverIsInIt(t *testing.T) {
	for _, r := range hostileReports() {
		var b bytes.Buffer
		require.NoError(t, r.Write(&b, report.JUnit, report.Style{}))
		for d := xml.NewDecoder(&b); ; {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
		assert.NotContains(t, b.String(), "\x1b")
	}
}

func TestABacktickEndsNoCodeOfMarkdown(t *testing.T) {
	f := report.Finding{Finding: lint.Finding{Rule: "R", Message: "a `b` [c](d)", File: "x`<img>``_y|.json", Span: lint.Span{Start: lint.Point{Line: 1, Column: 2}}}}
	var b bytes.Buffer
	require.NoError(t, report.Lint{Findings: []report.Finding{f}}.Write(&b, report.Markdown, report.Style{}))
	assert.Contains(t, b.String(), "| ``` x`<img>``_y\\|.json:1:2 ``` | a \\`b\\` \\[c](d) |\n")
}
