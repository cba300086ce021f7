package lib

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mutation breaks one thing in a rule.
type mutation struct {
	file, what string
	apply      func(m *ast.Module)
}

// TestEveryRuleAndConditionIsNeeded breaks the library in one place after the
// other and wants the compiler or a Rego test to notice.
func TestEveryRuleAndConditionIsNeeded(t *testing.T) {
	sound := modules(t)
	passing := passingTests(t, sound)
	require.Equal(t, len(passing), countTests(sound), "all pass: %v", passing)
	for _, mutant := range mutations(t) {
		t.Run(mutant.file+" "+mutant.what, func(t *testing.T) {
			t.Parallel()
			broken := make(map[string]*ast.Module, len(sound))
			for file, m := range sound {
				broken[file] = m.Copy()
			}
			mutant.apply(broken[mutant.file])
			assert.NotEqual(t, passing, passingTests(t, broken), "no test notices")
		})
	}
}

// passingTests returns the names of the Rego tests that pass, or none if the
// modules do not compile or cannot be evaluated.
func passingTests(t *testing.T, modules map[string]*ast.Module) []string {
	t.Helper()
	c := ast.NewCompiler()
	if c.Compile(modules); c.Failed() {
		return nil
	}
	store := inmem.New()
	txn := storage.NewTransactionOrDie(t.Context(), store)
	defer store.Abort(t.Context(), txn)
	query := ast.MustParseBody("x = data.keyreeve.decide_test; y = data.keyreeve.grants_test")
	rs, err := topdown.NewQuery(query).WithCompiler(c).WithStore(store).WithTransaction(txn).WithStrictBuiltinErrors(true).
		Run(t.Context())
	if err != nil || len(rs) != 1 {
		return nil
	}
	var names []string
	for _, pkg := range rs[0] {
		pkg.Value.(ast.Object).Foreach(func(name, value *ast.Term) {
			if text := string(name.Value.(ast.String)); strings.HasPrefix(text, tester.TestPrefix) && value.Equal(ast.BooleanTerm(true)) {
				names = append(names, text)
			}
		})
	}
	slices.Sort(names)
	return names
}

// sparing are conditions, by rule, that no answer depends on: they save work.
var sparing = map[string]string{
	"decision": "_denied",
	"_denied":  "input.layers[_][_].deny[0]",
	"_missing": "_lacks[_]",
}

// mutations lists the removal of each rule, of each else and of each
// expression in a body.
func mutations(t *testing.T) []mutation {
	var all []mutation
	for file, m := range modules(t) {
		if strings.HasSuffix(file, "_test.rego") {
			continue
		}
		for i, rule := range m.Rules {
			all = append(all, mutation{file, fmt.Sprintf("without rule at line %d", rule.Location.Row), func(m *ast.Module) {
				m.Rules = append(m.Rules[:i:i], m.Rules[i+1:]...)
			}})
			for depth, part := 0, rule; part != nil; depth, part = depth+1, part.Else {
				all = append(all, weaken(file, i, depth, part)...)
			}
		}
	}
	return all
}

// weaken lists the mutations of one alternative of rule i: depth 0 is the rule
// itself, others are its elses.
func weaken(file string, i, depth int, part *ast.Rule) []mutation {
	var all []mutation
	at := func(m *ast.Module) *ast.Rule {
		r := m.Rules[i]
		for range depth {
			r = r.Else
		}
		return r
	}
	if part.Else != nil {
		all = append(all, mutation{file, fmt.Sprintf("without else at line %d", part.Else.Location.Row), func(m *ast.Module) {
			r := at(m)
			r.Else = r.Else.Else
		}})
	}
	for j, expr := range part.Body {
		if text := expr.String(); text == "true" || text == sparing[part.Head.Name.String()] {
			continue
		}
		all = append(all, mutation{file, fmt.Sprintf("line %d without %s", expr.Location.Row, expr), func(m *ast.Module) {
			at(m).Body[j] = ast.NewExpr(ast.BooleanTerm(true))
			at(m).Body[j].Index = j
		}})
	}
	return all
}
