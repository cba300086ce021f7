package caseline

import (
	"errors"
	"slices"
	"strings"
)

// A heading is the row of a table that says what its columns are.
type heading struct {
	corner  token
	columns []token
	actions bool // the columns are actions, and the corner is the resource
}

// table reads a table as the cases of its cells. Each row is on a line of its
// own; what is wrong with one leaves the others.
func (s *statement) table() ([]Case, error) {
	rows := byLine(s.tokens)
	shared := rows[0][1:]
	if len(rows) == 1 {
		return nil, Error{Pos: s.end, Message: "rows are missing: first RESOURCE ACTION …, then PRINCIPAL allow …", Missing: "row"}
	}
	if i := slices.IndexFunc(shared, func(t token) bool { return t.bare("because") || t.bare("says") }); i >= 0 {
		return nil, shared[i].failf("an expectation stands in a row or a cell")
	}
	var cases []Case
	var errs []error
	var head *heading
	faulty := false // the heading at hand
	for _, row := range rows[1:] {
		row = slices.DeleteFunc(slices.Clone(row), func(t token) bool { return t.bare("|") })
		var err error
		switch {
		case len(row) == 0:
			continue
		case len(row) == 1:
			err = Error{Pos: endOf(row), Message: "cells are missing", Missing: "cell"}
		case !isCell(row[1]) && (head == nil || isAction(row[1]) || isResource(row[1])):
			head, err = readHeading(row)
			faulty = err != nil
		case faulty:
		case head == nil:
			err = row[1].failf("the first row says what the columns are: RESOURCE ACTION …, or ACTION RESOURCE …")
		default:
			var read []Case
			read, err = head.row(row, shared, s.standing)
			cases = append(cases, read...)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return cases, errors.Join(errs...)
}

// byLine groups tokens by the line on which they begin.
func byLine(tokens []token) [][]token {
	var rows [][]token
	for i, t := range tokens {
		if i == 0 || t.pos.Line != tokens[i-1].pos.Line {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], t)
	}
	return rows
}

func endOf(row []token) Pos {
	last := row[len(row)-1]
	return Pos{last.pos.Line, last.pos.Column + len(last.raw)}
}

// verdict takes a cell apart: what it expects, and why.
func verdict(t token) (kind string, why string) {
	kind, why, _ = strings.Cut(t.word.Text, ":")
	return kind, why
}

// isCell tells whether a token is the cell of a table: allow, deny or -.
func isCell(t token) bool {
	kind, _ := verdict(t)
	return !t.list && !t.pair && (kind == "allow" || kind == "deny" || kind == "-")
}

// isAction and isResource tell by form: kms:Decrypt, and key/x or *.
func isAction(t token) bool {
	return all(t, func(text string) bool {
		return strings.Contains(text, ":") && !strings.ContainsAny(text, "/")
	})
}

func isResource(t token) bool {
	return all(t, func(text string) bool {
		kind, _, _ := strings.Cut(text, "/")
		return text == "*" || strings.HasPrefix(text, "arn:") || slices.Contains([]string{"key", "alias", "role"}, kind) && kind != text
	})
}

// all tells whether a token is a word, or a list of words, of a form.
func all(t token, form func(string) bool) bool {
	switch {
	case t.pair:
		return false
	case t.list:
		return len(t.values) > 0 && !slices.ContainsFunc(t.values, func(w Word) bool { return !form(w.Text) })
	}
	return form(t.word.Text)
}

func readHeading(row []token) (*heading, error) {
	h := &heading{corner: row[0], columns: row[1:], actions: isResource(row[0])}
	fits, what := isAction, "an action"
	if !h.actions {
		fits, what = isResource, "a resource"
	}
	if !h.actions && !isAction(row[0]) {
		return nil, row[0].failf("the corner of a table is a resource or an action")
	}
	for _, t := range h.columns {
		if !fits(t) {
			return nil, t.failf("here stands %s, as the heading of a column", what)
		}
	}
	return h, nil
}

// row reads the cells of one row, and the clauses after them.
func (h *heading) row(row, shared []token, standing Standing) ([]Case, error) {
	principals, cells := row[0], row[1:]
	var own []token
	if i := slices.IndexFunc(cells, func(t token) bool { return !isCell(t) }); i >= 0 {
		cells, own = cells[:i], cells[i:]
	}
	if len(cells) != len(h.columns) {
		if len(cells) < len(h.columns) && len(own) > 0 && !own[0].pair && !isClause(own[0]) {
			return nil, own[0].failf("a cell is allow, deny or -, with :REASON if need be")
		}
		return nil, principals.failf("the row has %d cells, and the table %d columns", len(cells), len(h.columns))
	}
	var cases []Case
	for i, cell := range cells {
		kind, why := verdict(cell)
		if kind == "-" {
			continue
		}
		action, resource := h.corner, h.columns[i]
		if h.actions {
			action, resource = h.columns[i], h.corner
		}
		tokens := []token{cell.as(kind), principals, action, resource}
		tokens = append(append(tokens, shared...), own...)
		if why != "" {
			if !slices.ContainsFunc(own, func(t token) bool { return t.bare("because") }) {
				tokens = append(tokens, cell.as("because"))
			}
			tokens = append(tokens, cell.as(why))
		}
		var c Case
		s := newStatement(tokens, standing)
		if err := s.parse(&c); err != nil {
			return cases, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func isClause(t token) bool {
	return !t.list && (strings.HasPrefix(t.raw, "!") || slices.Contains(clauses, t.word.Text))
}

// as is another word in the place of the token.
func (t token) as(word string) token {
	return token{pos: t.pos, raw: word, word: Word{Text: word, Pos: t.pos}}
}
