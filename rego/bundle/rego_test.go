package bundle

import (
	"os"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lib"
	"github.com/keyreeve/keyreeve/rego/lib/schema"
)

// modules are answer.rego, its tests and the library.
func modules(t *testing.T) map[string]*ast.Module {
	t.Helper()
	parsed, err := lib.Modules()
	require.NoError(t, err)
	for _, name := range []string{"answer.rego", "answer_test.rego"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		formatted, err := format.SourceWithOpts(name, text, format.Opts{RegoVersion: ast.RegoV1})
		require.NoError(t, err)
		assert.Equal(t, string(text), string(formatted), "%s is not as `opa fmt` leaves it", name)
		parsed[name], err = ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{ProcessAnnotation: true})
		require.NoError(t, err)
	}
	return parsed
}

func TestRegoCompilesUnderStrictModeAndItsSchema(t *testing.T) {
	schemas, err := schema.Set()
	require.NoError(t, err)
	c := ast.NewCompiler().WithStrict(true).WithSchemas(schemas).WithUseTypeCheckAnnotations(true)
	c.Compile(modules(t))
	require.False(t, c.Failed(), "%v", c.Errors)
}

func TestRulesAreShortAndExportedOnesDocumented(t *testing.T) {
	m := modules(t)["answer.rego"]
	documented := map[string]bool{}
	for _, a := range m.Annotations {
		documented[a.GetTargetPath().String()] = a.Title != "" && a.Description != ""
	}
	assert.True(t, documented[m.Package.Path.String()])
	for _, r := range m.Rules {
		assert.LessOrEqual(t, strings.Count(string(r.Location.Text), "\n")+1, 10, "%d is long", r.Location.Row)
		if !strings.HasPrefix(r.Head.Name.String(), "_") {
			assert.True(t, documented[r.Ref().GroundPrefix().String()], "%d has no METADATA", r.Location.Row)
		}
	}
}

func TestRegoTestsPass(t *testing.T) {
	store := inmem.New()
	txn := storage.NewTransactionOrDie(t.Context(), store)
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().SetStore(store).SetModules(modules(t)).SetParallel(1).RaiseBuiltinErrors(true).RunTests(t.Context(), txn)
	require.NoError(t, err)
	n := 0
	for r := range results {
		n++
		assert.NoError(t, r.Error, r.Name)
		assert.False(t, r.Fail, "%s:%d: %s fails", r.Location.File, r.Location.Row, r.Name)
	}
	assert.Equal(t, strings.Count(string(read(t, "answer_test.rego")), "\ntest_"), n)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return text
}
