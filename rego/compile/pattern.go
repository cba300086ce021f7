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
	var rest []conj
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
			rest = append(rest, p.match(subject))
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
	return append(all, rest...)
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
	// variables bind the variables; those of one statement differ.
	variables conj
	bound     map[policy.Part]*ast.Term
	// impossible: a variable that is never there; nothing matches.
	impossible bool
	// expressions is told of those that are made.
	expressions func() *Matching
}

func (sc *scope) pattern(parts []policy.Part, fold bool) pattern {
	p := pattern{bound: map[policy.Part]*ast.Term{}, expressions: sc.expressions}
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

// ambiguous says, where a match is against the caller (of a Deny, or of what an
// Allow excludes), that a variable's key has several values: as encryption
// context names can that differ only in case. Elsewhere such a variable matches
// nothing. So who adds a name gains nothing by it.
func (sc *scope) ambiguous(values []policy.Value, negated bool) []conj {
	if (sc.s.Effect == policy.Deny) == negated {
		return nil
	}
	var all []conj
	seen := map[string]bool{}
	for _, v := range values {
		for _, part := range v.Parts {
			if part.Kind != policy.Variable || seen[part.Text] || sc.absent(part.Text) {
				continue
			}
			seen[part.Text] = true
			sc.reads("context", part.Text)
			all = append(all, conj{call(ast.GreaterThan, callTerm(ast.Count, contextOr(part.Text)), ast.IntNumberTerm(1))})
		}
	}
	return all
}

func (p *pattern) constant() bool { return len(p.variables) == 0 && !p.single }
func (p *pattern) exact() bool    { return !p.starred }
func (p *pattern) everything() bool {
	return p.starred && p.plainEnds() && p.first.empty() && p.last.empty()
}
func (p *pattern) prefix() bool    { return p.plainEnds() && p.starred && p.last.empty() }
func (p *pattern) suffix() bool    { return p.plainEnds() && p.starred && p.first.empty() }
func (p *pattern) plainEnds() bool { return len(p.inner) == 0 && !p.single }

// match says that subject matches: the ends with starts and ends, one stretch
// between them with contains, and anything else with a regular expression,
// which RE2 matches in pattern length times subject length (Matching).
func (p *pattern) match(subject *ast.Term) conj {
	c := append(conj{}, p.variables...)
	switch {
	case p.single || len(p.inner) > 1:
		return append(c, p.regex(subject, nil)...)
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

// regex says that subject matches p as a regular expression. Wildcards for
// which within (by their index in parts) is set stay within the colons of an
// ARN's part. What is shorter than the pattern's text cannot match, so that
// the subject's length bounds that of the expression.
func (p *pattern) regex(subject *ast.Term, within map[int]bool) conj {
	var b regexBuilder
	length, stars := 0, 0
	var variables []*ast.Term
	times := map[*ast.Term]int{}
	p.expressions().count(p.parts)
	b.literal("^(?s:")
	for i, part := range p.parts {
		wild := "."
		if within[i] {
			wild = "[^:]"
		}
		switch part.Kind {
		case policy.AnyText:
			b.literal(wild + "*")
			stars++
		case policy.AnyChar:
			b.literal(wild)
			length++
		case policy.Variable:
			v := p.bound[part]
			b.term(callTerm(ast.RegexReplace, v, ast.StringTerm(special), ast.StringTerm(`\$0`)))
			if times[v] == 0 {
				variables = append(variables, v)
			}
			times[v]++
		default:
			b.literal(regexp.QuoteMeta(part.Text))
			length += utf8.RuneCountInString(part.Text)
		}
	}
	b.literal(")$")
	match := call(ast.RegexMatch, b.done(), subject)
	if stars < manyStars && len(variables) == 0 {
		return conj{match}
	}
	least := ast.IntNumberTerm(length)
	for _, v := range variables {
		least = callTerm(ast.Plus, least, callTerm(ast.Multiply, ast.IntNumberTerm(times[v]), callTerm(ast.Count, v)))
	}
	return conj{call(ast.GreaterThanEq, callTerm(ast.Count, subject), least), match}
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
	b.flush()
	b.terms = append(b.terms, t)
}

func (b *regexBuilder) done() *ast.Term {
	b.flush()
	return run{terms: b.terms}.term()
}

// arn says in which ways subject can be one of the ARNs: compared part by
// part, so that a wildcard in the first five parts stays in its part.
// ArnEquals and ArnLike are the same.
func (sc *scope) arn(subject *ast.Term, values []policy.Value) []conj {
	var plain []policy.Value
	var all []conj
	for _, v := range values {
		within, colons := inFirstParts(v.Parts)
		if len(within) == 0 && colons >= 5 {
			plain = append(plain, v)
			continue
		}
		p := sc.pattern(v.Parts, false)
		if p.impossible {
			continue
		}
		var c conj
		if colons < 5 {
			sc.expressions().Length += len(sixParts)
			c = append(c, call(ast.RegexMatch, ast.StringTerm(sixParts), subject))
		}
		if len(within) > 0 {
			c = append(append(c, p.variables...), p.regex(subject, within)...)
		} else {
			c = append(c, p.match(subject)...)
		}
		all = append(all, c)
	}
	return append(sc.text(subject, plain, false), all...)
}

// sixParts matches what has the form of an ARN.
const sixParts = "^arn:(?:[^:]*:){4}"

// inFirstParts finds the wildcards that belong to one of the first five parts
// of an ARN, and counts the colons written in it. After a variable in an ARN
// that leaves colons to it, nobody can tell, and wildcards are free.
func inFirstParts(parts []policy.Part) (within map[int]bool, colons int) {
	for _, p := range parts {
		if p.Kind == policy.Literal {
			colons += strings.Count(p.Text, ":")
		}
	}
	before, variable := 0, false
	for i, p := range parts {
		switch p.Kind {
		case policy.Literal:
			before += strings.Count(p.Text, ":")
		case policy.Variable:
			variable = true
		default:
			if before < 5 && (colons >= 5 || !variable) {
				if within == nil {
					within = map[int]bool{}
				}
				within[i] = true
			}
		}
	}
	return within, colons
}
