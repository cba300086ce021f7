package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// A printer makes fingerprints for the findings of one policy. They do not
// depend on lines, on layout, or on the order of statements that have a Sid;
// those of findings by meaning depend on what the statement says.
type printer struct {
	policy *extract.Policy
	names  []string // of statements or grants, by index
	// contents are those of statements or grants, without names and layout.
	contents []string
}

func newPrinter(p *extract.Policy) *printer {
	var document struct{ Statement, Grants json.RawMessage }
	_ = json.Unmarshal(p.Text, &document) // a faulty text has no names
	list := document.Statement
	if p.Grants {
		list = document.Grants
	}
	var items []struct{ Sid, Name, GrantID string }
	if json.Unmarshal(list, &items) != nil {
		items = nil
	}
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = item.Sid + item.Name + item.GrantID
	}
	return &printer{p, names, contents(list)}
}

// contents are the elements of a list, or the one that stands without a list.
func contents(list json.RawMessage) []string {
	var items []map[string]any
	if json.Unmarshal(list, &items) != nil {
		items = make([]map[string]any, 1)
		if json.Unmarshal(list, &items[0]) != nil {
			return nil
		}
	}
	all := make([]string, len(items))
	for i, item := range items {
		for _, name := range []string{"Sid", "Name", "GrantId", "CreationDate"} {
			delete(item, name)
		}
		text, _ := json.Marshal(item) // it was read from JSON
		all[i] = string(text)
	}
	return all
}

var (
	element = regexp.MustCompile(`^\$\.(?:Statement|Grants)\[(\d+)\]`)
	index   = regexp.MustCompile(`\[\d+\]`)
)

// longest is how much of an offending text counts: of a whole statement each
// change would be another finding.
const longest = 200

func (p *printer) of(rule string, at lint.Span) string {
	path := at.Path
	if name := p.nameOf(path); name != "" {
		path = "$.Statement." + name + index.ReplaceAllString(path[len(element.FindString(path)):], "[]")
	}
	text := ""
	if from, to := at.Start.Offset, at.End.Offset; from < to && to <= len(p.policy.Text) && to-from <= longest {
		text = string(p.policy.Text[from:to])
	}
	parts := []string{rule, p.policy.File, p.policy.Name, path, text}
	if r, _, ok := Rule(rule); ok && (r.ByMeaning || p.policy.Grants) {
		parts = append(parts, p.content(at.Path))
	}
	return fingerprint(parts...)
}

// content is that of the statement or grant that a path leads into: what a
// finding by meaning says of it may be worse with each change. Of a finding
// about the whole policy it is all of them.
func (p *printer) content(path string) string {
	m := element.FindStringSubmatch(path)
	if m != nil {
		if i, err := strconv.Atoi(m[1]); err == nil && i < len(p.contents) {
			return p.contents[i]
		}
	}
	return strings.Join(slices.Sorted(slices.Values(p.contents)), "\n")
}

// nameOf is the Sid of the statement, or the name of the grant, that a path
// leads into; empty without one.
func (p *printer) nameOf(path string) string {
	m := element.FindStringSubmatch(path)
	if m == nil {
		return ""
	}
	i, err := strconv.Atoi(m[1])
	if err != nil || i >= len(p.names) {
		return ""
	}
	return p.names[i]
}

// fingerprint is the fingerprint of parts: half a SHA-256, in hexadecimal.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// number tells findings with one fingerprint apart, in their order.
func number(all []Finding) {
	seen := map[string]int{}
	for i := range all {
		f := &all[i]
		if f.Fingerprint == "" {
			f.Fingerprint = fingerprint(f.Rule, f.File, f.Policy, f.Span.Path, strings.TrimSpace(f.Message))
		}
		base := f.Fingerprint
		if seen[base]++; seen[base] > 1 {
			f.Fingerprint += "-" + strconv.Itoa(seen[base])
		}
	}
}
