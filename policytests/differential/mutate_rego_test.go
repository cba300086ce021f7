package differential

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lib"
)

const library = "rego/lib/"

// TestEachConstantOfTheLibraryIsTested breaks decide.rego and grants.rego in one
// place after the other: every rule, expression, negation and constant. One of
// their own Rego tests must notice, or this comparison.
func TestEachConstantOfTheLibraryIsTested(t *testing.T) {
	wanted(t, "rego")
	modules := libraryWithTests(t)
	sound := passing(t, modules)
	require.NotEmpty(t, sound)
	t.Logf("%d Rego tests", len(sound))
	mutants, left := 0, 0
	for _, file := range []string{library + "decide.rego", library + "grants.rego"} {
		for n := 0; ; n++ {
			m, what := mutateModule(modules[file], n)
			if m == nil {
				break
			}
			mutants++
			broken := make(map[string]*ast.Module, len(modules))
			for name, other := range modules {
				broken[name] = other.Copy()
			}
			broken[file] = m
			if !slices.Equal(sound, passing(t, broken)) {
				continue
			}
			left++
			found := noticedWith(t, file, m)
			if assert.True(t, found, "nobody notices: %s: %s", file, what) {
				t.Logf("only the comparison notices: %s: %s", file, what)
			}
		}
	}
	t.Logf("%d mutations; the Rego tests leave %d to the comparison", mutants, left)
}

// noticedWith tells whether the comparison notices another text of a file of
// the library.
func noticedWith(t *testing.T, file string, m *ast.Module) bool {
	t.Helper()
	_, err := ast.ParseModule(file, m.String())
	require.NoError(t, err)
	return compared(t, overlayOf(t, file, []byte(m.String())))
}

// libraryWithTests is the hand-written Rego with its tests.
func libraryWithTests(t *testing.T) map[string]*ast.Module {
	t.Helper()
	modules, err := lib.Modules()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join("..", "..", library, "*_test.rego"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		modules[file], err = ast.ParseModule(file, string(text))
		require.NoError(t, err)
	}
	return modules
}

// passing names the Rego tests that pass; none if the modules do not compile.
func passing(t *testing.T, modules map[string]*ast.Module) []string {
	t.Helper()
	c := ast.NewCompiler()
	if c.Compile(modules); c.Failed() {
		return nil
	}
	var query ast.Body
	for file, m := range modules {
		if strings.HasSuffix(file, "_test.rego") {
			found := ast.VarTerm("tests" + strconv.Itoa(len(query)))
			query.Append(ast.Equality.Expr(found, ast.NewTerm(m.Package.Path)))
		}
	}
	store := inmem.New()
	var names []string
	txn, err := store.NewTransaction(t.Context())
	require.NoError(t, err)
	defer store.Abort(t.Context(), txn)
	rs, err := topdown.NewQuery(query).WithCompiler(c).WithStore(store).WithTransaction(txn).WithStrictBuiltinErrors(true).Run(t.Context())
	if err != nil || len(rs) != 1 {
		return nil
	}
	for _, tests := range rs[0] {
		tests.Value.(ast.Object).Foreach(func(name, value *ast.Term) {
			if text := string(name.Value.(ast.String)); strings.HasPrefix(text, "test_") && value.Equal(ast.BooleanTerm(true)) {
				names = append(names, text)
			}
		})
	}
	slices.Sort(names)
	return names
}

// mutateModule is a copy of m with its n-th part broken, and what was done;
// nil if it has no such part.
func mutateModule(m *ast.Module, n int) (*ast.Module, string) {
	m = m.Copy()
	if n < len(m.Rules) {
		what := "without rule " + m.Rules[n].Head.String()
		m.Rules = slices.Delete(m.Rules, n, n+1)
		return m, what
	}
	b := breaker{left: n - len(m.Rules)}
	for _, r := range m.Rules {
		for ; r != nil; r = r.Else {
			b.rule(r)
		}
	}
	if b.what == "" {
		return nil, ""
	}
	return m, b.what
}

// sparing are expressions that no answer depends on: they save work.
var sparing = []string{
	"decision without _denied", "_denied without input.layers[_][_].deny[0]", "_missing without _lacks[_]",
}

// A breaker carries out one mutation: the one that comes after left others.
type breaker struct {
	left int
	what string
}

func (b *breaker) turn(what string) bool {
	if b.what != "" {
		return false
	}
	if b.left--; b.left >= 0 {
		return false
	}
	b.what = what
	return true
}

func (b *breaker) rule(r *ast.Rule) {
	name := r.Head.Name.String()
	where := name + " at line " + strconv.Itoa(r.Location.Row)
	if r.Else != nil && b.turn(where+" without else") {
		r.Else = r.Else.Else
	}
	for i, e := range r.Body {
		if e.String() == "true" || slices.Contains(sparing, name+" without "+e.String()) {
			continue
		}
		if b.turn(where + " without " + e.String()) {
			r.Body[i] = ast.NewExpr(ast.BooleanTerm(true))
			r.Body[i].Index = i
			return
		}
		if _, call := e.Terms.([]*ast.Term); call || e.Negated {
			if b.turn(where + " with the contrary of " + e.String()) {
				e.Negated = !e.Negated
				return
			}
		}
	}
	ast.WalkTerms(r, func(term *ast.Term) bool {
		b.constant(where, term)
		return b.what != ""
	})
}

// constant puts another constant in the place of term.
func (b *breaker) constant(where string, term *ast.Term) {
	switch v := term.Value.(type) {
	case ast.String:
		if builtinPart[string(v)] {
			return
		}
		if b.turn(where + " with another string than " + term.String()) {
			term.Value = v + "~"
		}
	case ast.Number:
		if b.turn(where + " with another number than " + term.String()) {
			term.Value = ast.Number("7919")
		}
	case ast.Boolean:
		if term.Location != nil && b.turn(where+" with the contrary of "+term.String()) {
			term.Value = !v
		}
	case ast.Ref:
		b.operator(where, term, v)
	}
}

// builtinPart are parts of the names of built-ins, which are no constants.
var builtinPart = map[string]bool{"internal": true, "member_2": true, "member_3": true}

// contraries are built-ins that could be mistaken for each other.
var contraries = map[string]*ast.Builtin{
	"eq": ast.NotEqual, "equal": ast.NotEqual, "neq": ast.Equal, "gt": ast.GreaterThanEq, "gte": ast.GreaterThan, "lt": ast.LessThanEq, "lte": ast.LessThan,
	"or": ast.And, "and": ast.Or,
}

func (b *breaker) operator(where string, term *ast.Term, ref ast.Ref) {
	if other, ok := contraries[ref.String()]; ok && b.turn(where+" with "+other.Name+" for "+ref.String()) {
		term.Value = other.Ref()
	}
}
