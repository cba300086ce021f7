package compile

import (
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A shape is what patterns have in common that one function matches. A
// definition for each of the thousands that a policy can hold would keep OPA's
// compiler busy for a tenth of a second.
type shape int

const (
	substrings shape = iota // *a*
	pieces                  // a*b, a*b*c and the like
	expressions
	longExpressions // for which the subject's length is looked at first
	templates       // with variables
	foldedTemplates // with variables in lower case
	shapes
)

// groups say of each shape how a function of its patterns is named and told,
// what is listed of a pattern, and when the variables of an item match.
var groups = [shapes]struct {
	part, comment string
	variables     []*ast.Term
	item          func(p *pattern) *ast.Term
	match         func(text *ast.Term, v []*ast.Term) conj
}{
	substrings: {
		part: "contains", comment: "Whether a text has one of the others in it.", variables: variables("part"),
		item: func(p *pattern) *ast.Term { return p.inner[0].term() },
		match: func(text *ast.Term, v []*ast.Term) conj {
			return conj{call(ast.Contains, text, v[0])}
		},
	},
	pieces: {
		part: "begins", comment: "Whether a text begins, goes on and ends like this.", variables: variables("first", "inner", "last"),
		item: func(p *pattern) *ast.Term {
			inner := ast.StringTerm("")
			if len(p.inner) > 0 {
				inner = p.inner[0].term()
			}
			return ast.ArrayTerm(orEmpty(p.first), inner, orEmpty(p.last))
		},
		match: func(text *ast.Term, v []*ast.Term) conj {
			rest := ast.VarTerm("rest")
			return conj{
				call(ast.StartsWith, text, v[0]),
				call(ast.Assign, rest, callTerm(ast.TrimPrefix, text, v[0])),
				call(ast.EndsWith, rest, v[2]),
				call(ast.Contains, callTerm(ast.TrimSuffix, rest, v[2]), v[1]),
			}
		},
	},
	expressions: {
		part: "matches", comment: "Whether a text matches one of the patterns.", variables: variables("pattern"),
		item: func(p *pattern) *ast.Term { return p.expression(nil).term },
		match: func(text *ast.Term, v []*ast.Term) conj {
			return conj{call(ast.RegexMatch, v[0], text)}
		},
	},
	longExpressions: {
		part: "matches_long", comment: "Whether a text is long enough for one of the patterns, and matches it.", variables: variables("least", "pattern"),
		item: func(p *pattern) *ast.Term {
			e := p.expression(nil)
			return ast.ArrayTerm(ast.IntNumberTerm(e.length), e.term)
		},
		match: func(text *ast.Term, v []*ast.Term) conj {
			return conj{call(ast.GreaterThanEq, callTerm(ast.Count, text), v[0]), call(ast.RegexMatch, v[1], text)}
		},
	},
	templates: {
		part: "template", comment: "Whether a text matches one of the patterns, with the values of the variables in place of their marks.",
		variables: variables("least", "variables", "pattern"), item: (*pattern).template,
		match: func(text *ast.Term, v []*ast.Term) conj { return matchTemplate(text, v, ast.VarTerm("value")) },
	},
	foldedTemplates: {
		part: "template", comment: "Whether a text matches one of the patterns, with the values of the variables in place of their marks, in lower case.",
		variables: variables("least", "variables", "pattern"), item: (*pattern).template,
		match: func(text *ast.Term, v []*ast.Term) conj {
			return matchTemplate(text, v, callTerm(ast.Lower, ast.VarTerm("value")))
		},
	},
}

func variables(names ...string) []*ast.Term {
	all := make([]*ast.Term, len(names))
	for i, n := range names {
		all[i] = ast.VarTerm(n)
	}
	return all
}

// template lists a pattern with variables: its length without them; mark, key,
// values if the key is absent, and number of occurrences of each; the expression.
func (p *pattern) template() *ast.Term {
	marks := map[policy.Part]*ast.Term{}
	for _, part := range p.parts {
		if part.Kind == policy.Variable && marks[part] == nil {
			// Quoted text has no bare dollar sign but the last.
			marks[part] = ast.StringTerm("${" + strconv.Itoa(len(marks)) + "}")
		}
	}
	e := p.expression(marks)
	var list []*ast.Term
	for _, part := range e.variables {
		fallback := ast.ArrayTerm()
		if part.HasDefault {
			fallback = ast.ArrayTerm(ast.StringTerm(part.Default))
		}
		list = append(list, ast.ArrayTerm(marks[part], ast.StringTerm(part.Text), fallback, ast.IntNumberTerm(e.times[part])))
	}
	return ast.ArrayTerm(ast.IntNumberTerm(e.length), ast.ArrayTerm(list...), e.term)
}

// matchTemplate is what regex says of one pattern, with lists in place of
// constants; written is what is put in for the variable value.
func matchTemplate(text *ast.Term, v []*ast.Term, written *ast.Term) conj {
	least, list, expression := v[0], v[1], v[2]
	found, escaped := ast.VarTerm("found"), ast.VarTerm("escaped")
	mark, key, fallback, times, value := ast.VarTerm("mark"), ast.VarTerm("key"), ast.VarTerm("fallback"), ast.VarTerm("times"), ast.VarTerm("value")
	length, pair := ast.VarTerm("length"), ast.VarTerm("pair")
	first := ast.NewTerm(ast.Ref{pair, ast.IntNumberTerm(0)})
	lengths := ast.ArrayComprehensionTerm(length, ast.NewBody(
		someIn(ast.ArrayTerm(value, times), found),
		call(ast.Assign, length, callTerm(ast.Multiply, times, callTerm(ast.Count, value))),
	))
	return conj{
		call(ast.Assign, found, ast.ObjectComprehensionTerm(mark, ast.ArrayTerm(written, times), ast.NewBody(
			someIn(ast.ArrayTerm(mark, key, fallback, times), list),
			call(ast.Assign, ast.ArrayTerm(value), contextAt(key, fallback)),
		))),
		call(ast.Equal, callTerm(ast.Count, found), callTerm(ast.Count, list)),
		call(ast.GreaterThanEq, callTerm(ast.Count, text), callTerm(ast.Plus, least, callTerm(ast.Sum, lengths))),
		call(ast.Assign, escaped, ast.ObjectComprehensionTerm(mark, escape(first), ast.NewBody(
			ast.NewExpr(&ast.SomeDecl{Symbols: []*ast.Term{callTerm(ast.MemberWithKey, mark, pair, found)}}),
		))),
		call(ast.RegexMatch, callTerm(ast.ReplaceN, escaped, expression), text),
	}
}

// shape of a pattern that is neither exact nor a prefix nor a suffix.
func (p *pattern) shape() shape {
	switch {
	case len(p.variables) > 0 && p.fold:
		return foldedTemplates
	case len(p.variables) > 0:
		return templates
	case !p.regular() && len(p.inner) == 1 && p.first.empty() && p.last.empty():
		return substrings
	case !p.regular():
		return pieces
	case p.count(policy.AnyText) < manyStars:
		return expressions
	default:
		return longExpressions
	}
}

// count is how many parts of a kind the pattern has.
func (p *pattern) count(kind policy.PartKind) (n int) {
	for _, part := range p.parts {
		if part.Kind == kind {
			n++
		}
	}
	return n
}

// wildcards says in which ways subject can match one of the patterns: a few of
// a shape have a way each, many have one together.
func (sc *scope) wildcards(subject *ast.Term, patterns []pattern) []conj {
	var byShape [shapes][]*pattern
	var together [shapes]bool
	for i := range patterns {
		p := &patterns[i]
		s := p.shape()
		byShape[s] = append(byShape[s], p)
		together[s] = together[s] || len(byShape[s]) > few || p.count(policy.Variable) > manyStars
	}
	var all []conj
	for i := range patterns {
		if !together[patterns[i].shape()] {
			all = append(all, patterns[i].match(subject))
		}
	}
	for s := range shapes {
		if together[s] {
			all = append(all, sc.group(s, subject, byShape[s]))
		}
	}
	return all
}

// group says with a function that subject matches one of the patterns, all of
// one shape.
func (sc *scope) group(s shape, subject *ast.Term, patterns []*pattern) conj {
	g := &groups[s]
	items := make([]*ast.Term, len(patterns))
	for i, p := range patterns {
		items[i] = g.item(p)
	}
	item := g.variables[0]
	if len(g.variables) > 1 {
		item = ast.ArrayTerm(g.variables...)
	}
	text := ast.VarTerm("text")
	body := append(conj{someIn(item, ast.ArrayTerm(items...))}, g.match(text, g.variables)...)
	name := sc.fresh(g.part).Value.String()
	return conj{callRule(sc.rule(name, g.comment, []*ast.Term{text}, []conj{body}), subject)}
}

// ambiguous says, where a match is against the caller (of a Deny, or of what an
// Allow excludes), that a variable's key has several values: as encryption
// context names can that differ only in case. Elsewhere such a variable matches
// nothing. So who adds a name gains nothing by it.
func (sc *scope) ambiguous(values []policy.Value, negated bool) []conj {
	if (sc.s.Effect == policy.Deny) == negated {
		return nil
	}
	var names []string
	seen := map[string]bool{}
	for _, v := range values {
		for _, part := range v.Parts {
			if part.Kind == policy.Variable && !sc.absent(part.Text) && !seen[part.Text] {
				seen[part.Text] = true
				sc.reads("context", part.Text)
				names = append(names, part.Text)
			}
		}
	}
	several := func(key *ast.Term) *ast.Expr {
		return call(ast.GreaterThan, callTerm(ast.Count, contextAt(key, ast.ArrayTerm())), ast.IntNumberTerm(1))
	}
	if len(names) > few {
		key := ast.VarTerm("key")
		name := sc.fresh("ambiguous").Value.String()
		rule := sc.rule(name, "Whether a variable has several values.", nil, []conj{{someIn(key, stringArray(names)), several(key)}})
		return []conj{{holds(rule)}}
	}
	var all []conj
	for _, name := range names {
		all = append(all, conj{several(ast.StringTerm(name))})
	}
	return all
}
