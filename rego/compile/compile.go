// Package compile turns a policy document into one self-contained Rego module that says which of its statements match a
// request.
package compile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Options of one compilation.
type Options struct {
	// Package of the module, identifiers joined by dots; "policy" if empty.
	Package string
	// ID gives the unique id under which input.principal shows a principal
	// that a document names by ARN; "" if there is none, and the entry matches
	// nobody. The ARN itself if nil.
	ID func(arn string) string
}

// A Module is what a document was compiled to. It is immutable and safe for
// concurrent use.
//
// Its entry rule is data.<Package>.verdict, an object of two sets that are
// always defined: "allow" and "deny", each of [statement index, via]. Via
// tells which form of principal matched: "everyone", "account", "user",
// "role", "session", "service", "provider", or "policy" in the kinds that name
// no principals.
type Module struct {
	// AST of the module; share it freely, an ast.Compiler works on a copy.
	// Locations are those of the statements in the document.
	AST *ast.Module
	// Package without "data.".
	Package string
	// Footprint lists the paths below input that the statements mention,
	// sorted: "action", "principal.role", "context.kms:viaservice". Requests
	// that agree on them get the same verdict.
	Footprint []string
	// Clock: the footprint holds a value that is another one in each second.
	Clock bool
	// Matching tells, by condition key and sorted, how long the regular
	// expressions are that its values are matched with.
	Matching []Matching

	pieces []piece
}

// A piece of the text: comments, and the rule that they stand above, if any.
type piece struct {
	comments []string
	rule     *ast.Rule
}

// Compile writes the module of doc. It is a pure function: documents of the
// same text, compiled with the same options, give the same module. The error,
// if the document holds what keyreeve does not support, is policy.Errors.
func Compile(doc *policy.Document, o Options) (*Module, error) {
	if !doc.Kind.Valid() {
		return nil, fmt.Errorf("compiling a policy of kind %d: no such kind", int(doc.Kind))
	}
	if o.Package == "" {
		o.Package = "policy"
	}
	path, err := packagePath(o.Package)
	if err != nil {
		return nil, err
	}
	if o.ID == nil {
		o.ID = func(arn string) string { return arn }
	}
	c := &compiler{kind: doc.Kind, id: o.ID, footprint: map[string]*ast.Term{}, matching: map[string]*Matching{},
		expanded: map[string][]string{}, actionSets: map[string]*ast.Term{}}
	for i := range doc.Statements {
		c.statement(&doc.Statements[i])
	}
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	c.finish(doc)
	return c.module(path, o.Package), nil
}

// packagePath is data.a.b of "a.b".
func packagePath(name string) (ast.Ref, error) {
	path := ast.Ref{ast.DefaultRootDocument}
	for part := range strings.SplitSeq(name, ".") {
		if !ast.IsVarCompatibleString(part) || ast.IsKeyword(part) {
			return nil, fmt.Errorf("compiling a policy into package %q: %w", name, errPackage)
		}
		path = append(path, ast.StringTerm(part))
	}
	return path, nil
}

var errPackage = errors.New("a package is identifiers joined by dots")

// A compiler gathers the rules of one document.
type compiler struct {
	kind   policy.Kind
	id     func(string) string
	pieces []piece
	// footprint holds the references to input by their path.
	footprint map[string]*ast.Term
	effects   [policy.Deny + 1]bool
	shared    [sharedFunctions]bool
	matching  map[string]*Matching
	errs      policy.Errors
	// expanded and actionSets remember the actions of patterns, and the terms
	// of sets of actions.
	expanded   map[string][]string
	actionSets map[string]*ast.Term
}

// refuse records that the document holds something unsupported.
func (c *compiler) refuse(at policy.Pos, format string, args ...any) {
	c.errs = append(c.errs, policy.Error{Code: CodeUnsupported, Message: fmt.Sprintf(format, args...), Pos: at})
}

// CodeUnsupported marks what the language allows and the compiler does not.
const CodeUnsupported policy.Code = "KR_UNSUPPORTED"

// finish puts the entry rule first and the shared functions last.
func (c *compiler) finish(doc *policy.Document) {
	set := func(e policy.Effect) *ast.Term {
		if !c.effects[e] {
			return ast.SetTerm()
		}
		return ruleRef(effectRules[e])
	}
	head := ast.NewHead("verdict", nil, ast.ObjectTerm(
		ast.Item(ast.StringTerm("allow"), set(policy.Allow)),
		ast.Item(ast.StringTerm("deny"), set(policy.Deny)),
	))
	head.Assign = true
	entry := &ast.Rule{Head: head, Body: ast.NewBody(ast.NewExpr(ast.BooleanTerm(true)))}
	locate(entry, policy.Pos{Path: "$", Line: 1, Column: 1})
	comments := metadata("The statements that match the request", [][2]string{{"kind", doc.Kind.String()}, {"version", doc.Version}})
	c.pieces = slices.Insert(c.pieces, 0, piece{comments: comments, rule: entry})
	for i, needed := range c.shared {
		if needed {
			c.pieces = append(c.pieces, sharedFunction(i).pieces()...)
		}
	}
}

// module joins what was gathered.
func (c *compiler) module(path ast.Ref, name string) *Module {
	at := ast.NewLocation(nil, "$", 1, 1)
	m := &Module{
		AST:     &ast.Module{Package: &ast.Package{Path: path, Location: at}},
		Package: name,
		pieces:  c.pieces,
	}
	m.AST.SetRegoVersion(ast.RegoV1) //nolint:staticcheck // a span of one version errs where this cannot
	for _, p := range c.pieces {
		if p.rule != nil {
			p.rule.Module = m.AST
			m.AST.Rules = append(m.AST.Rules, p.rule)
		}
	}
	for field := range c.footprint {
		m.Footprint = append(m.Footprint, field)
		m.Clock = m.Clock || slices.Contains(clockKeys, strings.TrimPrefix(field, "context."))
	}
	slices.Sort(m.Footprint)
	for _, key := range slices.Sorted(maps.Keys(c.matching)) {
		m.Matching = append(m.Matching, *c.matching[key])
	}
	return m
}

// clockKeys are the condition keys whose values grow by themselves.
var clockKeys = []string{"aws:currenttime", "aws:epochtime", "aws:multifactorauthage"}
