package lsp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/format"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// symbols are the statements of policies, by Sid, and the groups of cases.
func (v *view) symbols(_ context.Context, d *document) ([]documentSymbol, error) {
	all := []documentSymbol{}
	for _, p := range d.parts() {
		switch {
		case p.isJSON():
			all = append(all, statements(d, p)...)
		case p.isCases() && !p.isStructured():
			all = append(all, groups(d, p)...)
		}
	}
	return all, nil
}

func statements(d *document, p part) []documentSymbol {
	root, _ := policy.ReadJSON([]byte(d.textOf(p))) // of a broken text what could be read
	if root == nil {
		return nil
	}
	list, ok := root.Member("Statement")
	if !ok {
		return nil
	}
	var all []documentSymbol
	for i, s := range list.Value.Each() {
		at := d.text.span(p.begin+s.Pos.Offset, p.begin+s.End.Offset)
		symbol := documentSymbol{Name: fmt.Sprintf("Statement[%d]", i), Kind: symbolObject, Range: at, SelectionRange: span{at.Start, at.Start}}
		if m, ok := s.Member("Sid"); ok && m.Value.Text != "" {
			symbol.Name = m.Value.Text
			symbol.SelectionRange = d.text.span(p.begin+m.Value.Pos.Offset, p.begin+m.Value.End.Offset)
		}
		symbol.Detail = summary(&s)
		all = append(all, symbol)
	}
	return all
}

// summary is the effect of a statement and its first actions.
func summary(s *policy.Node) string {
	const shown = 3
	var words []string
	for _, name := range []string{"Effect", "Action", "NotAction"} {
		m, ok := s.Member(name)
		if !ok {
			continue
		}
		var texts []string
		for i, n := range m.Value.Each() {
			if i == shown {
				texts = append(texts, "…")
				break
			}
			texts = append(texts, n.Text)
		}
		text := strings.Join(texts, ", ")
		if name == "NotAction" {
			text = "all but " + text
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func groups(d *document, p part) []documentSymbol {
	first := strings.Count(d.text.body[:p.begin], "\n")
	file, _ := caseline.Parse(p.name, d.textOf(p), first) // of a broken file what could be read
	var all []documentSymbol
	group := -1
	for _, c := range file.Cases {
		at := d.text.lineSpan(c.Pos.Line - 1)
		if c.Group == group && len(all) > 0 {
			all[len(all)-1].Range.End = at.End
			continue
		}
		group = c.Group
		name := c.Title
		if name == "" {
			name = c.Text
		}
		all = append(all, documentSymbol{Name: name, Kind: symbolEvent, Range: at, SelectionRange: at})
	}
	return all
}

// format lays out a policy as keyreeve fmt does. What is no policy by itself
// stays as it is.
func (v *view) format(_ context.Context, d *document) ([]textEdit, error) {
	parts := d.parts()
	if len(parts) != 1 || !parts[0].isJSON() || !strings.Contains(d.text.body, `"Statement"`) {
		return nil, nil
	}
	before := []byte(d.text.body)
	after, err := format.Policy(before)
	var faults policy.Errors
	switch {
	case errors.As(err, &faults):
		return nil, nil // diagnostics say what is wrong
	case err != nil:
		return nil, err
	case bytes.Equal(before, after):
		return []textEdit{}, nil
	}
	for k := policy.Key; k.Valid(); k++ {
		if same, known := format.Same(k, before, after); known && !same {
			return nil, errors.New("laying out this policy would change its meaning, so it stays as it is: please report it")
		}
	}
	return []textEdit{{d.text.span(0, len(before)), string(after)}}, nil
}
