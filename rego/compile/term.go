package compile

import (
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A conj is a conjunction of expressions; the empty one holds always.
type conj []*ast.Expr

// copy is for a second rule: an expression knows its index in its body.
func (c conj) copy() conj {
	d := make(conj, len(c))
	for i, e := range c {
		cpy := *e
		d[i] = &cpy
	}
	return d
}

// named are the arguments of a definition with body c: those that c does not
// mention are wildcards, for strict compilers refuse unused ones.
func (c conj) named(args []*ast.Term) []*ast.Term {
	used := ast.NewVarVisitor()
	for _, e := range c {
		used.Walk(e)
	}
	all := slices.Clone(args)
	for i, a := range all {
		if v, ok := a.Value.(ast.Var); ok && !used.Vars().Contains(v) {
			all[i] = ast.VarTerm(ast.WildcardPrefix + strconv.Itoa(i))
		}
	}
	return all
}

func inputRef(path ...string) *ast.Term {
	ref := ast.Ref{ast.InputRootDocument}
	for _, p := range path {
		ref = append(ref, ast.StringTerm(p))
	}
	return ast.NewTerm(ref)
}

// builtins are the terms that name built-ins. Expressions share them: an
// ast.Compiler and the formatter work on copies.
var builtins = func() map[*ast.Builtin]*ast.Term {
	m := map[*ast.Builtin]*ast.Term{}
	for _, b := range []*ast.Builtin{
		ast.AnyPrefixMatch, ast.AnySuffixMatch, ast.Assign, ast.Concat, ast.Contains, ast.Count, ast.EndsWith, ast.Equal,
		ast.GreaterThan, ast.GreaterThanEq, ast.LessThan, ast.LessThanEq, ast.Lower, ast.Member, ast.MemberWithKey, ast.Multiply, ast.NetCIDRContains,
		ast.NetCIDRIsValid, ast.NotEqual, ast.ObjectGet, ast.ParseRFC3339Nanos, ast.Plus, ast.RegexMatch, ast.RegexReplace, ast.ReplaceN, ast.Split, ast.StartsWith,
		ast.Substring, ast.Sum, ast.ToNumber, ast.TrimPrefix, ast.TrimSuffix,
	} {
		m[b] = ast.NewTerm(b.Ref())
	}
	return m
}()

// call is a call of a built-in as an expression, callTerm one as an operand.
func call(b *ast.Builtin, operands ...*ast.Term) *ast.Expr {
	return ast.NewExpr(append([]*ast.Term{builtins[b]}, operands...))
}

func callTerm(b *ast.Builtin, operands ...*ast.Term) *ast.Term {
	return ast.CallTerm(append([]*ast.Term{builtins[b]}, operands...)...)
}

func ruleRef(name string) *ast.Term { return ast.VarTerm(name) }

// callRule calls a function of the module.
func callRule(name *ast.Term, args ...*ast.Term) *ast.Expr {
	return ast.NewExpr(append([]*ast.Term{ast.RefTerm(name)}, args...))
}

func holds(t *ast.Term) *ast.Expr { return ast.NewExpr(t) }

// negate is for expressions whose operands are always defined: OPA hoists
// operands out of the negation, and an undefined one fails the whole body
// instead of making the negation true.
func negate(e *ast.Expr) *ast.Expr {
	if op := e.Operator(); op != nil && op.Equal(ast.Equal.Ref()) {
		return call(ast.NotEqual, e.Operand(0), e.Operand(1))
	}
	return e.Complement()
}

// oneOf says that subject is one of values, of which there is at least one.
func oneOf(subject *ast.Term, values []string) *ast.Expr {
	if len(values) == 1 {
		return call(ast.Equal, subject, stringTerm(values[0]))
	}
	return call(ast.Member, subject, stringSet(values))
}

func stringSet(values []string) *ast.Term {
	terms := make([]*ast.Term, len(values))
	for i, v := range values {
		terms[i] = stringTerm(v)
	}
	return ast.SetTerm(terms...)
}

// stringTerm is a constant; those of known actions are shared.
func stringTerm(s string) *ast.Term {
	if t, ok := actionTerms[s]; ok {
		return t
	}
	return ast.StringTerm(s)
}

var actionTerms = func() map[string]*ast.Term {
	m := map[string]*ast.Term{}
	for _, a := range policy.Actions {
		m[a.Name] = ast.StringTerm(a.Name)
	}
	return m
}()

// stringArray is the array of the sorted values.
func stringArray(values []string) *ast.Term {
	terms := make([]*ast.Term, 0, len(values))
	for _, v := range sorted(values) {
		terms = append(terms, ast.StringTerm(v))
	}
	return ast.ArrayTerm(terms...)
}

// sorted is values in order, each once.
func sorted(values []string) []string {
	s := slices.Clone(values)
	slices.Sort(s)
	return slices.Compact(s)
}

// someIn is `some v in domain`.
func someIn(v, domain *ast.Term) *ast.Expr {
	return ast.NewExpr(&ast.SomeDecl{Symbols: []*ast.Term{callTerm(ast.Member, v, domain)}})
}

// everyIn is `every v in domain { body }`.
func everyIn(v, domain *ast.Term, body conj) *ast.Expr {
	return ast.NewExpr(&ast.Every{Value: v, Domain: domain, Body: ast.NewBody(body...)})
}

// memberOf is `key contains element if body` of a partial set.
func memberOf(set string, element *ast.Term, body conj) *ast.Rule {
	return &ast.Rule{Head: ast.NewHead(ast.Var(set), element), Body: newBody(body)}
}

// holdsIf is `name if body`, or `name(args) if body`.
func holdsIf(name string, args []*ast.Term, body conj) *ast.Rule {
	head := ast.NewHead(ast.Var(name), nil, ast.BooleanTerm(true))
	head.Args = args
	return &ast.Rule{Head: head, Body: newBody(body)}
}

func newBody(c conj) ast.Body {
	if len(c) == 0 {
		return ast.NewBody(ast.NewExpr(ast.BooleanTerm(true)))
	}
	return ast.NewBody(c...)
}

// locate gives the rule and its expressions the place of the statement that
// they come from, so that traces and coverage point into the document.
func locate(r *ast.Rule, at policy.Pos) {
	loc := ast.NewLocation(nil, at.Path, at.Line, at.Column)
	r.Location, r.Head.Location = loc, loc
	for _, e := range r.Body {
		e.Location = loc
	}
}
