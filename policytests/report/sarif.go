package report

import (
	"encoding/base64"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/lint"
)

// The parts of SARIF 2.1.0 (OASIS Standard, errata 01) that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool            `json:"tool"`
		Invocations []sarifInvocation    `json:"invocations"`
		Bases       map[string]sarifBase `json:"originalUriBaseIds"`
		ColumnKind  string               `json:"columnKind"`
		Results     []sarifResult        `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID       string         `json:"id"`
		Name     string         `json:"name,omitempty"`
		Short    sarifMessage   `json:"shortDescription"`
		Help     *sarifMessage  `json:"help,omitempty"`
		HelpURI  string         `json:"helpUri,omitempty"`
		Default  sarifConfig    `json:"defaultConfiguration"`
		Property map[string]any `json:"properties,omitempty"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifBase struct {
		Description sarifMessage `json:"description"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		Rule         string             `json:"ruleId"`
		Index        int                `json:"ruleIndex"`
		Kind         string             `json:"kind"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Prints       map[string]string  `json:"partialFingerprints,omitempty"`
		Baseline     string             `json:"baselineState,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Fixes        []sarifFix         `json:"fixes,omitempty"`
		Property     map[string]any     `json:"properties,omitempty"`
	}
	sarifSuppression struct {
		Kind   string `json:"kind"`
		Reason string `json:"justification"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine,omitempty"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifBytes struct {
		Offset int `json:"byteOffset"`
		Length int `json:"byteLength"`
	}
	sarifFix struct {
		Description sarifMessage  `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifBytes    `json:"deletedRegion"`
		Inserted *sarifContent `json:"insertedContent,omitempty"`
	}
	sarifContent struct {
		Text   string `json:"text,omitempty"`
		Binary string `json:"binary,omitempty"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	home        = "https://github.com/keyreeve/keyreeve"
	sourceRoot  = "SRCROOT"
)

// levels of SARIF by severity.
var levels = map[lint.Severity]string{lint.Error: "error", lint.Security: "error", lint.Warning: "warning", lint.Suggestion: "note"}

// scores make code scanning sort security findings first: its scale goes to 10.
var scores = map[lint.Severity]string{lint.Error: "5.0", lint.Security: "8.0", lint.Warning: "4.0", lint.Suggestion: "1.0"}

// sarifOf is a log of one run.
func sarifOf(version string, rules []sarifRule, results []sarifResult, notes []sarifNotification) sarifLog {
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{Name: "keyreeve", Version: version, URI: home, Rules: rules}},
		Invocations: []sarifInvocation{{Successful: len(notes) == 0, Notifications: notes}},
		Bases:       map[string]sarifBase{sourceRoot: {sarifMessage{Text: "the directory in which keyreeve ran"}}},
		ColumnKind:  "unicodeCodePoints",
		Results:     results,
	}}}
}

// artifact is a file: relative to where keyreeve ran if its path is.
func artifact(file string) sarifArtifact {
	file = strings.ReplaceAll(file, `\`, "/")
	if path.IsAbs(file) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: file}).String()}
	}
	if file == "-" {
		file = "stdin"
	}
	return sarifArtifact{URI: (&url.URL{Path: path.Clean(file)}).EscapedPath(), Base: sourceRoot}
}

func location(file string, start, end lint.Point, name string) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{Artifact: artifact(file)}}
	if start.Line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: start.Line, StartColumn: start.Column, EndLine: end.Line, EndColumn: end.Column}
	}
	if name != "" {
		l.Logical = []sarifLogical{{name}}
	}
	return l
}

// sarif writes the findings with the rules that they are of.
func (l Lint) sarif(w io.Writer) error {
	var ids []string
	for _, f := range l.Findings {
		ids = append(ids, f.Rule)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	rules := []sarifRule{}
	for _, id := range ids {
		rules = append(rules, l.ruleOf(id))
	}
	results := []sarifResult{}
	for _, f := range l.Findings {
		index, _ := slices.BinarySearch(ids, f.Rule)
		results = append(results, f.sarif(index))
	}
	return encode(w, sarifOf(l.Version, rules, results, notifications(l.Problems)))
}

func (l Lint) ruleOf(id string) sarifRule {
	rule, known := lint.RuleNamed(id)
	page := rule.Page()
	if !known && l.Rule != nil {
		rule, page, known = l.Rule(id)
	}
	if !known {
		return sarifRule{ID: id, Short: sarifMessage{Text: id}, Default: sarifConfig{"warning"}}
	}
	tags := []string{"kms"}
	if rule.Severity == lint.Security {
		tags = append(tags, "security")
	}
	return sarifRule{ID: id, Name: camel(id), Short: sarifMessage{Text: rule.Title}, Help: &sarifMessage{Text: page, Markdown: page},
		Default:  sarifConfig{levels[rule.Severity]},
		Property: map[string]any{"tags": tags, "security-severity": scores[rule.Severity]}}
}

// camel is an id as the standard wants names of rules: InvalidAction.
func camel(id string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(strings.TrimPrefix(id, "KR_")), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func (f Finding) sarif(index int) sarifResult {
	level, kind := levels[f.Severity], "fail"
	if f.Unknown {
		level, kind = "none", "open"
	}
	text := f.sentence()
	if detail := f.detail(); detail != "" {
		text += "\n" + detail
	}
	r := sarifResult{Rule: f.Rule, Index: index, Kind: kind, Level: level, Message: sarifMessage{Text: text},
		Locations: []sarifLocation{location(f.File, f.Span.Start, f.Span.End, f.where())}}
	if f.Fingerprint != "" {
		r.Prints = map[string]string{"keyreeve/v1": f.Fingerprint}
	}
	if f.Known {
		r.Baseline = "unchanged"
	}
	if f.Ignored != "" {
		r.Suppressions = []sarifSuppression{{Kind: "external", Reason: f.Ignored}}
	}
	for _, fix := range f.Fixes {
		r.Fixes = append(r.Fixes, f.fixed(fix))
	}
	if len(f.Witness) > 0 {
		r.Property = map[string]any{"witness": f.Witness}
	}
	return r
}

func (f Finding) fixed(fix lint.Fix) sarifFix {
	change := sarifChange{Artifact: artifact(f.File)}
	for _, e := range fix.Edits {
		r := sarifReplacement{Deleted: sarifBytes{e.Offset, e.Length}}
		switch {
		case e.Text == "":
		case utf8.ValidString(e.Text):
			r.Inserted = &sarifContent{Text: e.Text}
		default:
			r.Inserted = &sarifContent{Binary: base64.StdEncoding.EncodeToString([]byte(e.Text))}
		}
		change.Replacements = append(change.Replacements, r)
	}
	return sarifFix{Description: sarifMessage{Text: fix.Title}, Changes: []sarifChange{change}}
}
