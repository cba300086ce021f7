package caseline

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParseStructured reads cases from YAML or JSON: groups with the lines of a file
// of cases, and tables as mappings. GRAMMAR.md describes it. What is wrong comes
// back as Errors, beside the cases that are right.
func ParseStructured(name string, text []byte) (File, error) {
	p := &structured{reader{file: File{Name: name}}}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		p.report(Error{Pos: Pos{1, 1}, Message: strings.TrimPrefix(err.Error(), "yaml: ")})
		return p.file, p.errors
	}
	for _, n := range document.Content {
		p.groups(n)
	}
	p.file.scopes()
	if len(p.errors) > 0 {
		return p.file, p.errors
	}
	return p.file, nil
}

// A structured goes through the groups of a document, and has each line read as
// that of a file of cases.
type structured struct{ reader }

func (p *structured) failf(n *yaml.Node, format string, args ...any) {
	p.report(Error{Pos: Pos{max(1, n.Line), max(1, n.Column)}, Message: fmt.Sprintf(format, args...)})
}

// groups reads one group, or a list of them.
func (p *structured) groups(n *yaml.Node) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, one := range n.Content {
			p.oneGroup(one)
		}
	default:
		p.oneGroup(n)
	}
}

// fields of a group, in the order in which they are read.
var fields = []string{"title", "account", "region", "at", "given", "cases", "clauses", "table", "else"}

// oneGroup reads a group. What it is given holds for it alone.
func (p *structured) oneGroup(n *yaml.Node) {
	found, ok := p.mapping(n, fields)
	if !ok {
		return
	}
	before := p.standing
	p.group++
	p.title, p.tags, p.cases = "", nil, false
	if title := found["title"]; title != nil {
		p.title = title.Value
		p.tags = leadingIDs(title.Value)
	}
	for _, word := range []string{"account", "region", "at"} {
		if v := found[word]; v != nil {
			p.put(v, word+" ", v.Value)
		}
	}
	p.lines(found["given"], "given ")
	p.lines(found["cases"], "")
	p.table(found["table"], found["clauses"])
	if v := found["else"]; v != nil {
		p.put(v, "else ", v.Value)
	}
	p.standing = before
}

// mapping lists the values of a mapping whose keys are known.
func (p *structured) mapping(n *yaml.Node, known []string) (map[string]*yaml.Node, bool) {
	if n.Kind != yaml.MappingNode {
		p.failf(n, "here stands a group: a mapping with %s", oneOf(known))
		return nil, false
	}
	found := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !contains(known, key.Value):
			p.failf(key, "unknown field %q; known here are %s", key.Value, strings.Join(known, ", "))
		case found[key.Value] != nil:
			p.failf(key, "%s is given twice", key.Value)
		default:
			found[key.Value] = value
		}
	}
	return found, true
}

func contains(all []string, one string) bool {
	for _, text := range all {
		if text == one {
			return true
		}
	}
	return false
}

// lines reads one line, a list of lines, or a block of text with many.
func (p *structured) lines(n *yaml.Node, before string) {
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for _, line := range n.Content {
			p.lines(line, before)
		}
	case n.Kind != yaml.ScalarNode:
		p.failf(n, "here stands a line, or a list of lines")
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for i, line := range strings.Split(n.Value, "\n") {
			p.line(line, n.Line+1+i)
		}
		p.flush()
	default:
		p.put(n, before, n.Value)
	}
}

// put reads a line that stands at a node.
func (p *structured) put(n *yaml.Node, before, text string) {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(text) == "" {
		p.failf(n, "here stands a text")
		return
	}
	column := n.Column - 1 - len(before)
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		column++
	}
	p.open, p.begin = []string{strings.Repeat(" ", max(0, column)) + before + strings.ReplaceAll(text, "\n", " ")}, n.Line
	p.flush()
}

// table reads resource, principal and action with what each cell expects.
func (p *structured) table(n, clauses *yaml.Node) {
	if n == nil {
		if clauses != nil {
			p.failf(clauses, "clauses are those of a table")
		}
		return
	}
	more := ""
	if clauses != nil {
		more = " " + clauses.Value
	}
	p.each(n, func(resource, rows *yaml.Node) {
		p.each(rows, func(principal, cells *yaml.Node) {
			p.each(cells, func(action, cell *yaml.Node) {
				if err := p.cell(resource, principal, action, cell, more); err != nil {
					p.report(err)
				}
			})
		})
	})
}

// each calls visit for the entries of a mapping.
func (p *structured) each(n *yaml.Node, visit func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.failf(n, "a table is a mapping of resources to principals to actions to allow, deny or -")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(n.Content[i], n.Content[i+1])
	}
}

func (p *structured) cell(resource, principal, action, cell *yaml.Node, clauses string) error {
	at := Pos{cell.Line, cell.Column}
	kind, why, _ := strings.Cut(cell.Value, ":")
	if cell.Kind != yaml.ScalarNode || kind != "allow" && kind != "deny" && kind != "-" {
		return Error{Pos: at, Message: "a cell is allow, deny or -, with :REASON if need be"}
	}
	if kind == "-" {
		return nil
	}
	for _, part := range []*yaml.Node{principal, action, resource} {
		if tokens, _, err := scan(part.Value, part.Line); err != nil || len(tokens) != 1 || tokens[0].pair {
			return Error{Pos: Pos{part.Line, part.Column}, Message: "here stands one name, or a list in brackets"}
		}
	}
	line := strings.Join([]string{kind, principal.Value, action.Value, resource.Value}, " ") + clauses
	if why != "" {
		line += " because " + Quote(why)
	}
	c, err := p.standing.ParseCase(line)
	if err != nil {
		var e Error
		if errors.As(err, &e) {
			return Error{Pos: at, Message: e.Message}
		}
		return err
	}
	c.Pos, c.Title, c.Tags, c.Group = at, p.title, p.tags, p.group
	p.cases = true
	p.file.Cases = append(p.file.Cases, c)
	return nil
}
