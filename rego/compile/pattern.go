package compile

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// text says in which ways subject can match one of values: the alternatives of
// a disjunction, none of which is costlier than pattern length times subject
// length. Constants of one shape share an alternative. With fold, letters of
// either case are equal.
func (sc *scope) text(subject *ast.Term, values []policy.Value, fold bool) []conj {
	if fold {
		subject = callTerm(ast.Lower, subject)
	}
	var exact, prefixes, suffixes []string
	var rest []pattern
	for _, v := range values {
		p := sc.pattern(v.Parts, fold)
		switch {
		case p.impossible:
		case p.everything():
			return []conj{nil}
		case p.constant() && p.exact():
			exact = append(exact, p.first.text())
		case p.constant() && p.prefix():
			prefixes = append(prefixes, p.first.text())
		case p.constant() && p.suffix():
			suffixes = append(suffixes, p.last.text())
		default:
			rest = append(rest, p)
		}
	}
	var all []conj
	if len(exact) > 0 {
		all = append(all, conj{oneOf(subject, sorted(exact))})
	}
	if len(prefixes) > 0 {
		all = append(all, conj{affix(ast.StartsWith, ast.AnyPrefixMatch, subject, sorted(prefixes))})
	}
	if len(suffixes) > 0 {
		all = append(all, conj{affix(ast.EndsWith, ast.AnySuffixMatch, subject, sorted(suffixes))})
	}
	return append(all, sc.wildcards(subject, rest)...)
}

func affix(one, many *ast.Builtin, subject *ast.Term, values []string) *ast.Expr {
	if len(values) == 1 {
		return call(one, subject, ast.StringTerm(values[0]))
	}
	return call(many, subject, stringArray(values))
}

// A run is what stands between two AnyText of a pattern.
type run struct {
	parts []policy.Part
	terms []*ast.Term
}

// text of a run of literals.
func (r run) text() string {
	var b strings.Builder
	for _, p := range r.parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

func (r run) empty() bool { return len(r.parts) == 0 }

// term is the text of a run, variables replaced.
func (r run) term() *ast.Term {
	if len(r.terms) == 1 {
		return r.terms[0]
	}
	return callTerm(ast.Concat, ast.StringTerm(""), ast.ArrayTerm(r.terms...))
}

// A pattern is a value made ready for matching: first*inner*…*last. Without
// any star, first is all of it.
type pattern struct {
	parts       []policy.Part
	first, last run
	inner       []run
	starred     bool
	// single: some AnyChar.
	single bool
	// fold: all of it is in lower case.
	fold bool
	// variables bind the variables; those of one statement differ.
	variables conj
	bound     map[policy.Part]*ast.Term
	// impossible: a variable that is never there; nothing matches.
	impossible bool
	// within holds the wildcards, by their index in parts, that stay within the
	// colons of an ARN's part.
	within map[int]bool
	// expressions is told of those that are made.
	expressions func() *Matching
}

func (sc *scope) pattern(parts []policy.Part, fold bool) pattern {
	p := pattern{fold: fold, bound: map[policy.Part]*ast.Term{}, expressions: sc.expressions}
	var r run
	for _, part := range parts {
		if fold && part.Kind == policy.Literal {
			part.Text = strings.ToLower(part.Text)
		}
		if part.Kind == policy.Variable && sc.absent(part.Text) {
			if !part.HasDefault {
				p.impossible = true
				return p
			}
			part = policy.Part{Kind: policy.Literal, Text: part.Default}
		}
		p.parts = append(p.parts, part)
		switch part.Kind {
		case policy.AnyText:
			p.star(r)
			r = run{}
			continue
		case policy.AnyChar:
			p.single = true
		case policy.Variable:
			r.terms = append(r.terms, sc.variable(&p, part, fold))
		default:
			r.terms = append(r.terms, ast.StringTerm(part.Text))
		}
		r.parts = append(r.parts, part)
	}
	if p.starred {
		p.last = r
	} else {
		p.first = r
	}
	return p
}

// star ends a run at an AnyText.
func (p *pattern) star(r run) {
	switch {
	case !p.starred:
		p.first, p.starred = r, true
	case !r.empty():
		p.inner = append(p.inner, r)
	}
}

// variable binds a policy variable: the one value of its key. A key with
// several values, or with none and no default, leaves it undefined, which is
// how nothing matches a null.
func (sc *scope) variable(p *pattern, part policy.Part, fold bool) *ast.Term {
	if t, ok := p.bound[part]; ok {
		return t
	}
	v := sc.fresh("variable")
	value := sc.reads("context", part.Text)
	if part.HasDefault {
		value = contextOr(part.Text, ast.StringTerm(part.Default))
	}
	p.variables = append(p.variables, call(ast.Assign, ast.ArrayTerm(v), value))
	if fold {
		v = callTerm(ast.Lower, v)
	}
	p.bound[part] = v
	return v
}

func (p *pattern) constant() bool { return len(p.variables) == 0 && !p.single }
func (p *pattern) exact() bool    { return !p.starred }
func (p *pattern) everything() bool {
	return p.starred && p.plainEnds() && p.first.empty() && p.last.empty()
}
func (p *pattern) prefix() bool    { return p.plainEnds() && p.starred && p.last.empty() }
func (p *pattern) suffix() bool    { return p.plainEnds() && p.starred && p.first.empty() }
func (p *pattern) plainEnds() bool { return len(p.inner) == 0 && !p.single }

// regular tells whether it takes a regular expression.
func (p *pattern) regular() bool { return p.single || len(p.inner) > 1 || len(p.within) > 0 }

// match says that subject matches: the ends with starts and ends, one stretch
// between them with contains, and anything else with a regular expression,
// which RE2 matches in pattern length times subject length (Matching).
func (p *pattern) match(subject *ast.Term) conj {
	c := append(conj{}, p.variables...)
	switch {
	case p.regular():
		return append(c, p.regex(subject)...)
	case p.exact():
		return append(c, call(ast.Equal, subject, orEmpty(p.first)))
	}
	middle := subject
	if !p.first.empty() {
		c = append(c, call(ast.StartsWith, middle, p.first.term()))
		middle = callTerm(ast.TrimPrefix, middle, p.first.term())
	}
	if !p.last.empty() {
		c = append(c, call(ast.EndsWith, middle, p.last.term()))
		middle = callTerm(ast.TrimSuffix, middle, p.last.term())
	}
	if len(p.inner) == 1 {
		c = append(c, call(ast.Contains, middle, p.inner[0].term()))
	}
	return c
}

func orEmpty(r run) *ast.Term {
	if r.empty() {
		return ast.StringTerm("")
	}
	return r.term()
}

// manyStars is how many wildcards a regular expression may have before the
// length of the subject is looked at first; with variables, it always is.
const manyStars = 8

// regex says that subject matches p as a regular expression. What is shorter
// than the pattern's text cannot match, so that the subject's length bounds that
// of the expression.
func (p *pattern) regex(subject *ast.Term) conj {
	escaped := map[policy.Part]*ast.Term{}
	for part, v := range p.bound {
		escaped[part] = escape(v)
	}
	e := p.expression(escaped)
	match := call(ast.RegexMatch, e.term, subject)
	if p.count(policy.AnyText) < manyStars && len(e.times) == 0 {
		return conj{match}
	}
	least := ast.IntNumberTerm(e.length)
	for _, v := range e.variables {
		least = callTerm(ast.Plus, least, callTerm(ast.Multiply, ast.IntNumberTerm(e.times[v]), callTerm(ast.Count, p.bound[v])))
	}
	return conj{call(ast.GreaterThanEq, callTerm(ast.Count, subject), least), match}
}

// escape is the text of a variable as it stands in a regular expression.
func escape(v *ast.Term) *ast.Term {
	return callTerm(ast.RegexReplace, v, ast.StringTerm(special), ast.StringTerm(`\$0`))
}

// A regularExpression is a pattern as RE2 takes it.
type regularExpression struct {
	term *ast.Term
	// length in characters of what matches, at least, and without variables.
	length int
	// variables in it, and how often each is there.
	variables []policy.Part
	times     map[policy.Part]int
}

// expression writes p with terms in place of its variables.
func (p *pattern) expression(terms map[policy.Part]*ast.Term) regularExpression {
	e := regularExpression{times: map[policy.Part]int{}}
	var b regexBuilder
	p.expressions().count(p.parts)
	b.literal("^(?s:")
	for i, part := range p.parts {
		wild := "."
		if p.within[i] {
			wild = "[^:]"
		}
		switch part.Kind {
		case policy.AnyText:
			b.literal(wild + "*")
		case policy.AnyChar:
			b.literal(wild)
			e.length++
		case policy.Variable:
			b.term(terms[part])
			if e.times[part] == 0 {
				e.variables = append(e.variables, part)
			}
			e.times[part]++
		default:
			b.literal(regexp.QuoteMeta(part.Text))
			e.length += utf8.RuneCountInString(part.Text)
		}
	}
	b.literal(")$")
	e.term = b.done()
	return e
}

// special finds the characters that mean something in a regular expression.
const special = `[\\.+*?()|\[\]{}^$]`

// regexBuilder joins literals and terms.
type regexBuilder struct {
	text  strings.Builder
	terms []*ast.Term
}

func (b *regexBuilder) literal(s string) { b.text.WriteString(s) }

func (b *regexBuilder) flush() {
	if b.text.Len() > 0 {
		b.terms = append(b.terms, ast.StringTerm(b.text.String()))
		b.text.Reset()
	}
}

func (b *regexBuilder) term(t *ast.Term) {
	if s, ok := t.Value.(ast.String); ok {
		b.literal(string(s))
		return
	}
	b.flush()
	b.terms = append(b.terms, t)
}

func (b *regexBuilder) done() *ast.Term {
	b.flush()
	return run{terms: b.terms}.term()
}
