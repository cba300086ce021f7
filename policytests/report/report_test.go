package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

const text = "{\n\t\"Version\": \"2012-10-17\",\n\t\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"kms:Decript\"}\n}\n"

// span of a word in text.
func span(word, path string) lint.Span {
	at := strings.Index(text, word)
	line := 1 + strings.Count(text[:at], "\n")
	column := at - strings.LastIndex(text[:at], "\n")
	return lint.Span{Path: path, Start: lint.Point{Line: line, Column: column, Offset: at},
		End: lint.Point{Line: line, Column: column + len(word), Offset: at + len(word)}}
}

func found() report.Lint {
	at := strings.Index(text, `"kms:Decript"`)
	return report.Lint{
		Version: "v1.2.3",
		Findings: []report.Finding{
			{Fingerprint: "f00d", Finding: lint.Finding{Rule: "INVALID_ACTION", Severity: lint.Error, Message: "There is no action kms:Decript.", File: "policies/a b.key.json",
				Kind: policy.Key, Span: span(`"kms:Decript"`, "$.Statement.Action"), Suggestion: "kms:Decrypt",
				Fixes: []lint.Fix{{Title: `Write "kms:Decrypt"`, Edits: []lint.Edit{{Offset: at, Length: 13, Text: `"kms:Decrypt"`}}}}}},
			{Finding: lint.Finding{Rule: "KR_PUBLIC_KEY", Severity: lint.Security, Message: "Everybody may decrypt, 100% of them.", File: "policies/a b.key.json",
				Kind: policy.Key, Span: span(`"Allow"`, "$.Statement.Effect"),
				Witness: []lint.Witness{{Case: "allow anonymous kms:Decrypt key/payroll", Allowed: true, Note: "nobody signed it"}}}},
			{Finding: lint.Finding{Rule: "MISSING_VERSION", Severity: lint.Warning, Message: "No version | none.", File: "world.yaml", Policy: "role/x use", Kind: policy.Identity,
				Span: lint.Span{Start: lint.Point{Line: 4, Column: 2}, End: lint.Point{Line: 5, Column: 3}, Path: "$"}}},
			{Finding: lint.Finding{Rule: "KR_DENY_WITHOUT_EFFECT", Severity: lint.Warning, Message: "Too many conditions to tell.", File: "world.yaml", Policy: "role/x use",
				Kind: policy.Identity, Span: lint.Span{Start: lint.Point{Line: 6, Column: 2}, End: lint.Point{Line: 6, Column: 3}, Path: "$.Statement[1]"}, Unknown: true}},
			{Ignored: "the auditors asked for it (until 2027-01-01)", Finding: lint.Finding{Rule: "KR_GRANT_WIDE", Severity: lint.Security, Message: "A grant to a whole account.",
				File: "x.grants.json", Span: lint.Span{Start: lint.Point{Line: 1, Column: 1}, End: lint.Point{Line: 1, Column: 2}, Path: "$.Grants[0]"}}},
		},
		Policies: []report.Policy{{"policies/a b.key.json", "", "key"}, {"policies/b.key.json", "", "key"}, {"world.yaml", "role/x use", "identity"}, {"x.grants.json", "", "grants"}},
		Problems: policytests.Problems{{File: "broken.json", Line: 3, Column: 7, Message: "not JSON"}},
		Source: func(file string) []byte {
			if strings.HasSuffix(file, "key.json") {
				return []byte(text)
			}
			return nil
		},
	}
}

func tested() report.Tests {
	return report.Tests{Version: "v1.2.3", Report: policytests.Report{
		Results: []policytests.Result{
			{World: "w", File: "w/a.cases", Line: 3, Kind: caseline.Allow, Title: "Payroll", Text: "allow role/payroll kms:Decrypt key/payroll", Elapsed: time.Millisecond},
			{World: "w", File: "w/a.cases", Line: 4, Kind: caseline.Deny, Text: "deny user/bob kms:Decrypt key/payroll # <tag>",
				Failure: &policytests.Failure{Wanted: "deny", Got: "allow because key"}},
		},
		Problems: policytests.Problems{{File: "w/a.cases", Line: 9, Message: "there is no user/bop"}},
	}}
}

func write(t *testing.T, r report.Report, f report.Format) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Write(&b, f, report.Style{Width: 100}))
	return b.String()
}

// withoutPages puts a short text in the place of the pages of rules, which
// have tests of their own.
func withoutPages(t *testing.T, text string) string {
	t.Helper()
	for _, rule := range lint.Rules {
		var page bytes.Buffer
		e := json.NewEncoder(&page)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(rule.Page()))
		text = strings.ReplaceAll(text, strings.TrimSpace(page.String()), `"page of `+rule.ID+`"`)
	}
	return text
}

func TestEachFormatIsWrittenAsExpected(t *testing.T) {
	for _, r := range []report.Report{found(), tested()} {
		for _, f := range report.Formats {
			t.Run(r.Name()+" "+string(f), func(t *testing.T) {
				got := withoutPages(t, write(t, r, f))
				golden := filepath.Join("testdata", r.Name()+"."+string(f)+".golden")
				if *update {
					require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				assert.Equal(t, string(want), got)
				assert.True(t, strings.HasSuffix(got, "\n"), "ends in a line feed")
			})
		}
	}
}

// schemaErrors are what the official schema says against a SARIF log.
func schemaErrors(t *testing.T, log string) []any {
	t.Helper()
	schema, err := os.ReadFile(filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	require.NoError(t, err)
	var input struct {
		Log    any            `json:"log"`
		Schema map[string]any `json:"schema"`
	}
	require.NoError(t, json.Unmarshal([]byte(log), &input.Log))
	require.NoError(t, json.Unmarshal(schema, &input.Schema))
	delete(input.Schema, "id") // otherwise references are looked up on the network
	result, err := rego.New(rego.Query("x := json.match_schema(input.log, input.schema)"), rego.Input(input), rego.StrictBuiltinErrors(true)).Eval(t.Context())
	require.NoError(t, err)
	require.Len(t, result, 1)
	x := result[0].Bindings["x"].([]any)
	errors := x[1].([]any)
	require.Equal(t, x[0], len(errors) == 0)
	return errors
}

func TestSARIFFollowsTheOfficialSchema(t *testing.T) {
	logs := map[string]string{
		"findings":     write(t, found(), report.SARIF),
		"nothing":      write(t, report.Lint{}, report.SARIF),
		"test results": write(t, tested(), report.SARIF),
		"no cases":     write(t, report.Tests{}, report.SARIF),
	}
	for name, log := range logs {
		assert.Empty(t, schemaErrors(t, log), name)
	}
	broken := strings.Replace(logs["findings"], `"level": "error"`, `"level": "fatal"`, 1)
	assert.NotEmpty(t, schemaErrors(t, broken), "the schema is looked at")
}

func TestSARIFHasAPageForEachRule(t *testing.T) {
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID   string
						Help struct{ Text, Markdown string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(write(t, found(), report.SARIF)), &log))
	rules := log.Runs[0].Tool.Driver.Rules
	require.Len(t, rules, 5)
	for _, r := range rules {
		assert.Contains(t, r.Help.Markdown, r.ID)
	}
	for _, r := range log.Runs[0].Results {
		assert.Equal(t, r.RuleID, rules[r.RuleIndex].ID)
	}
	assert.Equal(t, "policies/a%20b.key.json", log.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI, "relative, and escaped")
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	for name, r := range map[string]report.Report{"findings": found(), "tests": tested()} {
		var counts struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
		}
		log := write(t, r, report.JUnit)
		require.NoError(t, xml.Unmarshal([]byte(log), &counts), name)
		assert.Equal(t, strings.Count(log, "<testcase"), counts.Tests, name)
		assert.Equal(t, strings.Count(log, "<failure"), counts.Failures, name)
		assert.Equal(t, strings.Count(log, "<error"), counts.Errors, name)
		assert.Equal(t, strings.Count(log, "<skipped"), counts.Skipped, name)
	}
}

func TestSeveralFormatsGoToADirectory(t *testing.T) {
	formats, err := report.ParseFormats("text, json,sarif,junit")
	require.NoError(t, err)
	var out bytes.Buffer
	_, err = report.Output{Formats: formats, Out: &out}.Write(found())
	require.ErrorIs(t, err, report.ErrSeveral)
	dir := filepath.Join(t.TempDir(), "new")
	files, err := report.Output{Formats: formats, Out: &out, Dir: dir}.Write(found())
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "lint.json"), filepath.Join(dir, "lint.sarif"), filepath.Join(dir, "lint.junit.xml")}, files)
	assert.Contains(t, out.String(), "INVALID_ACTION", "text goes to the terminal")
}

func TestWrongFormats(t *testing.T) {
	_, err := report.ParseFormats("json,yaml")
	require.EqualError(t, err, `there is no format "yaml"; there are text, json, sarif, junit, tap, github and markdown`)
	_, err = report.ParseFormats("json,JSON")
	require.EqualError(t, err, `the format json is asked for twice`)
}

func TestExcerptOfALongLineShowsThePlace(t *testing.T) {
	long := strings.Repeat("x", 5000) + `"kms:Decript"` + strings.Repeat("y", 5000) + "\x1b[31m"
	l := report.Lint{Source: func(string) []byte { return []byte(long) }, Findings: []report.Finding{{Finding: lint.Finding{Rule: "INVALID_ACTION", Severity: lint.Error,
		Span: lint.Span{Start: lint.Point{Line: 1, Column: 5001, Offset: 5000}, End: lint.Point{Line: 1, Column: 5014, Offset: 5013}}}}}}
	got := write(t, l, report.Text)
	assert.Contains(t, got, "    1 | …"+strings.Repeat("x", 40)+`"kms:Decript"`+strings.Repeat("y", 37)+"…\n      | "+strings.Repeat(" ", 41)+strings.Repeat("^", 13)+"\n")
}

func TestFilesCannotWriteToTheTerminal(t *testing.T) {
	l := report.Lint{Source: func(string) []byte { return []byte("a\x1b[31mb") }, Findings: []report.Finding{{Finding: lint.Finding{Rule: "X",
		Span: lint.Span{Start: lint.Point{Line: 1, Column: 1}, End: lint.Point{Line: 1, Column: 2, Offset: 1}}}}}}
	assert.NotContains(t, write(t, l, report.Text), "\x1b")
}

func TestSuggestionsAreSaidOnce(t *testing.T) {
	for message, want := range map[string]string{
		`A policy has no element "Statements".`:   `A policy has no element "Statements"; did you mean Statement?`,
		`A policy has no element "x": Statement.`: `A policy has no element "x": Statement.`,
	} {
		var b strings.Builder
		f := report.Finding{Finding: lint.Finding{Rule: "INVALID_POLICY_ELEMENT", Message: message, Suggestion: "Statement", File: "p.json"}}
		require.NoError(t, report.Lint{Findings: []report.Finding{f}}.Write(&b, report.Text, report.Style{}))
		assert.Contains(t, b.String(), want+"\n")
	}
}

func TestFailOnlyLeavesCasesOutOfTheTextAlone(t *testing.T) {
	all, failed := tested(), tested()
	failed.FailOnly = true
	for _, f := range report.Formats {
		if f == report.Text {
			assert.NotContains(t, write(t, failed, f), "ok  ")
			continue
		}
		assert.Equal(t, write(t, all, f), write(t, failed, f), string(f))
	}
}
