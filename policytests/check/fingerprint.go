package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// A printer makes fingerprints for the findings of one policy. They do not
// depend on lines, on layout, or on the order of statements that have a Sid.
type printer struct {
	policy *extract.Policy
	names  []string // of statements or grants, by index
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
	return &printer{p, names}
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
	return fingerprint(rule, p.policy.File, p.policy.Name, path, text)
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
