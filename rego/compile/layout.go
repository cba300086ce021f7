package compile

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// width is how long a line should be at most; single terms may be longer.
const width = 110

// layOut gives a copy of the rule the places that OPA's formatter keeps to: an
// expression a line, long collections over several.
func layOut(r *ast.Rule) *ast.Rule {
	r = r.Copy()
	const first = 1
	at(r.Head, first)
	r.Location = place(first, first)
	row := first + 1
	if len(r.Body) == 1 && len(r.Head.String())+len(r.Body[0].String()) <= width {
		row = first
	}
	for _, e := range r.Body {
		row = layOutExpr(e, row) + 1
	}
	return r
}

// layOutExpr places an expression from row on, and returns its last row.
func layOutExpr(e *ast.Expr, row int) int {
	at(e, row)
	last := row
	if every, ok := e.Terms.(*ast.Every); ok {
		for _, inner := range every.Body {
			last = layOutExpr(inner, last+1)
		}
		last++
		every.Location = place(row, last)
	} else if len(e.String()) > width {
		for _, t := range lists(e) {
			last = layOutList(t, last)
		}
	}
	e.Location = place(row, last)
	return last
}

// lists are the terms of an expression that may be long.
func lists(e *ast.Expr) []*ast.Term {
	some, ok := e.Terms.(*ast.SomeDecl)
	if !ok {
		return e.Operands()
	}
	if in, ok := some.Symbols[0].Value.(ast.Call); ok {
		return in[len(in)-1:]
	}
	return nil
}

// layOutList spreads a set or array over lines, and returns the row of its
// closing bracket.
func layOutList(t *ast.Term, row int) int {
	var elements []*ast.Term
	switch list := t.Value.(type) {
	case ast.Set:
		elements = list.Slice()
	case *ast.Array:
		list.Foreach(func(e *ast.Term) { elements = append(elements, e) })
	default:
		return row
	}
	first, used := row, width
	for _, e := range elements {
		size := len(e.String()) + len(", ")
		if used+size > width {
			row, used = row+1, 0
		}
		used += size
		at(e, row)
	}
	if row == first {
		return row
	}
	t.Location = place(first, row+1)
	return row + 1
}

// at places a node and all below it on one row.
func at(n ast.Node, row int) {
	loc := place(row, row)
	ast.WalkNodes(n, func(n ast.Node) bool {
		n.SetLoc(loc)
		if t, ok := n.(*ast.Term); ok {
			if s, ok := t.Value.(ast.String); ok {
				t.Location = ast.NewLocation(quoted(string(s)), loc.File, row, 1)
			}
		}
		return false
	})
}

// place is a location over the rows from first to last. The formatter counts
// the line feeds of its text, and looks at its first byte.
func place(first, last int) *ast.Location {
	text := append([]byte(" "), bytes.Repeat([]byte("\n"), last-first)...)
	return ast.NewLocation(text, "policy", first, 1)
}

// quoted is a string as the formatter prints it: raw if that saves
// backslashes, else as in JSON.
func quoted(s string) []byte {
	var b bytes.Buffer
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r == '`' || r < ' ' || r == 0x7f })
	if plain && strings.Contains(s, `\`) {
		return []byte("`" + s + "`")
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return []byte(strconv.Quote(s))
	}
	return bytes.TrimSpace(b.Bytes())
}
