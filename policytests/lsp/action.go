package lsp

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// codeActions are the fixes of the findings in a range, and for each rule the
// setting aside of a finding.
func (v *view) codeActions(_ context.Context, m message) (any, error) {
	var p actionParams
	if err := decodeParams(m, &p); err != nil {
		return nil, err
	}
	all := []codeAction{}
	d := v.docs[p.Document.URI]
	v.mu.Lock()
	found := v.found[p.Document.URI]
	v.mu.Unlock()
	quick := len(p.Context.Only) == 0 || slices.ContainsFunc(p.Context.Only, func(k string) bool { return k == "quickfix" || k == "" })
	if d == nil || found.doc != d || !quick {
		return all, nil // places of an older text would be wrong
	}
	for _, f := range found.findings {
		if !touches(f.shown.Range, p.Range) {
			continue
		}
		for i, fix := range f.finding.Fixes {
			all = append(all, codeAction{Title: fix.Title, Kind: "quickfix", Diagnostics: []diagnostic{f.shown}, IsPreferred: i == 0, Edit: v.fix(d, fix)})
		}
	}
	for _, f := range found.findings {
		if !touches(f.shown.Range, p.Range) {
			continue
		}
		if edit, ok := v.setAside(d, f.finding); ok {
			all = append(all, codeAction{Title: "Set " + f.finding.Rule + " aside here, with a reason (" + check.ConfigName + ")", Kind: "quickfix",
				Diagnostics: []diagnostic{f.shown}, Edit: edit})
		}
	}
	return all, nil
}

// touches tells whether two ranges have a place in common.
func touches(a, b span) bool { return !before(a.End, b.Start) && !before(b.End, a.Start) }

func before(a, b position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Character < b.Character
}

func (v *view) fix(d *document, fix lint.Fix) workspaceEdit {
	edits := make([]textEdit, len(fix.Edits))
	for i, e := range fix.Edits {
		edits[i] = textEdit{d.text.span(e.Offset, e.Offset+e.Length), e.Text}
	}
	return workspaceEdit{Changes: map[string][]textEdit{d.uri: edits}}
}

// daysAside is for how long a finding is set aside unless the author says
// otherwise.
const daysAside = 90

// setAside adds an entry to the configuration of lint. Its reason is empty,
// which the configuration refuses: the editor then shows where to write one.
// It is false where there is nowhere to write, or no way that keeps the layout.
func (v *view) setAside(d *document, f check.Finding) (workspaceEdit, bool) {
	if !d.saved {
		return workspaceEdit{}, false
	}
	name, text, exists := v.configOf(d)
	if name == "" {
		return workspaceEdit{}, false
	}
	inside, err := filepath.Rel(filepath.Dir(name), d.path)
	if err != nil || strings.HasPrefix(inside, "..") {
		return workspaceEdit{}, false
	}
	var b strings.Builder
	item := func(indent, line, format string, args ...any) { fmt.Fprintf(&b, indent+line+format+"\n", args...) }
	entry := func(indent string) {
		item(indent, "- ", "rules: [%s]", f.Rule)
		item(indent, "  ", "files: %q", filepath.ToSlash(inside))
		item(indent, "  ", `reason: ""`)
		item(indent, "  ", "expires: %s", v.cfg.Now().AddDate(0, 0, daysAside).Format(time.DateOnly))
	}
	at, indent, ok := endOfIgnore(text)
	switch {
	case !exists:
		b.WriteString("version: 1\nignore:\n")
		entry("  ")
		return v.made(name, b.String())
	case !ok:
		return workspaceEdit{}, false
	case indent < 0:
		b.WriteString("ignore:\n")
		indent = 2
	}
	entry(strings.Repeat(" ", indent))
	t, with := newText(text), b.String()
	if at == len(text) && text != "" && !strings.HasSuffix(text, "\n") {
		with = "\n" + with
	}
	return workspaceEdit{Changes: map[string][]textEdit{v.uriOf(name): {{t.span(at, at), with}}}}, true
}

// made is an edit that makes a file, for clients that can; others are offered
// nothing.
func (v *view) made(name, text string) (workspaceEdit, bool) {
	uri := uriOf(name)
	edit := documentEdit{Edits: []textEdit{{NewText: text}}}
	edit.Document.URI = uri
	v.mu.Lock()
	defer v.mu.Unlock()
	return workspaceEdit{DocumentChanges: []any{createFile{"create", uri, createOptions{true}}, edit}}, v.files
}

// configOf is the configuration around a document, and whether there is one;
// otherwise where it would lie: at the top of the repository, or beside.
func (v *view) configOf(d *document) (name, text string, exists bool) {
	texts := v.texts()
	for dir := filepath.Dir(d.path); ; dir = filepath.Dir(dir) {
		name := filepath.Join(dir, check.ConfigName)
		if text, err := texts.Read(name); err == nil {
			return name, string(text), true
		}
		_, err := os.Stat(filepath.Join(dir, ".git"))
		switch {
		case err == nil:
			return name, "", false
		case filepath.Dir(dir) == dir:
			return filepath.Join(filepath.Dir(d.path), check.ConfigName), "", false
		}
	}
}

// uriOf is the URI that the client has for a path.
func (v *view) uriOf(name string) string {
	for uri, d := range v.docs {
		if d.saved && d.path == name {
			return uri
		}
	}
	return uriOf(name)
}

// endOfIgnore is the offset behind the last entry of ignore, and how far the
// entries are indented; -1 where the field is yet to be written. It is false
// for a text that cannot be added to line by line.
func endOfIgnore(text string) (offset, indent int, ok bool) {
	root, err := parseYAML(text)
	if err != nil || root == nil || root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return 0, 0, false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "ignore" {
			continue
		}
		list := root.Content[i+1]
		if list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 || len(list.Content) == 0 {
			return 0, 0, false
		}
		t := newText(text)
		line := root.Content[i].Line // of the key, from 1: the line after it
		for at := line; at < len(t.lines); at++ {
			if body := t.line(at); body != "" && body[0] != ' ' && body[0] != '-' && body[0] != '#' {
				break
			}
			if strings.TrimSpace(t.line(at)) != "" {
				line = at + 1
			}
		}
		if line >= len(t.lines) {
			return len(text), list.Column - 1, true
		}
		return t.lines[line], list.Column - 1, true
	}
	return len(text), -1, true
}

// parseYAML is the content of a YAML text.
func parseYAML(text string) (root *yaml.Node, err error) {
	defer func() { // the parser panics on some broken texts
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("not YAML: %v", p)
		}
	}()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) == 0 {
		return nil, err
	}
	return n.Content[0], nil
}
