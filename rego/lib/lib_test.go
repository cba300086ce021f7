package lib

import (
	"context"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesAreFormatted(t *testing.T) {
	for name, text := range texts(t) {
		formatted, err := format.SourceWithOpts(name, []byte(text), format.Opts{RegoVersion: ast.RegoV1})
		require.NoError(t, err)
		assert.Equal(t, text, string(formatted), "%s is not as `opa fmt` leaves it", name)
	}
}

func TestModulesCompileUnderStrictMode(t *testing.T) {
	c := ast.NewCompiler().WithStrict(true)
	c.Compile(modules(t))
	require.False(t, c.Failed(), "%v", c.Errors)
}

func TestRulesAreShortAndExportedOnesDocumented(t *testing.T) {
	library, err := Modules()
	require.NoError(t, err)
	for file, m := range library {
		documented := map[string]bool{}
		for _, a := range m.Annotations {
			documented[a.GetTargetPath().String()] = a.Title != "" && a.Description != ""
		}
		assert.True(t, documented[m.Package.Path.String()], "%s: package has no METADATA", file)
		for _, r := range m.Rules {
			lines := strings.Count(string(r.Location.Text), "\n") + 1
			assert.LessOrEqual(t, lines, 10, "%s:%d is long", file, r.Location.Row)
			if !strings.HasPrefix(r.Head.Name.String(), "_") {
				assert.True(t, documented[r.Ref().GroundPrefix().String()], "%s:%d has no METADATA", file, r.Location.Row)
			}
		}
	}
}

func TestRegoTestsPass(t *testing.T) {
	all := modules(t)
	results, err := run(t, all)
	require.NoError(t, err)
	require.Len(t, results, countTests(all))
	for _, r := range results {
		assert.NoError(t, r.Error, r.Name)
		assert.False(t, r.Fail, "%s:%d: %s fails", r.Location.File, r.Location.Row, r.Name)
	}
}

func countTests(modules map[string]*ast.Module) int {
	tests := 0
	for _, m := range modules {
		for _, r := range m.Rules {
			if strings.HasPrefix(r.Head.Name.String(), tester.TestPrefix) {
				tests++
			}
		}
	}
	return tests
}

// run runs every Rego test in modules with OPA's own tester, with errors of
// built-ins raised as the decision engine does.
func run(t *testing.T, modules map[string]*ast.Module) ([]*tester.Result, error) {
	t.Helper()
	ctx := context.Background()
	store := inmem.New()
	txn := storage.NewTransactionOrDie(ctx, store)
	defer store.Abort(ctx, txn)
	ch, err := tester.NewRunner().SetStore(store).SetModules(modules).SetParallel(1).
		RaiseBuiltinErrors(true).RunTests(ctx, txn)
	if err != nil {
		return nil, err
	}
	var results []*tester.Result
	for r := range ch {
		results = append(results, r)
	}
	return results, nil
}

// modules parses the library with its tests.
func modules(t *testing.T) map[string]*ast.Module {
	t.Helper()
	parsed := map[string]*ast.Module{}
	for name, text := range texts(t) {
		m, err := ast.ParseModuleWithOpts(name, text, ast.ParserOptions{ProcessAnnotation: true})
		require.NoError(t, err)
		parsed[name] = m
	}
	return parsed
}

func texts(t *testing.T) map[string]string {
	t.Helper()
	entries, err := files.ReadDir(".")
	require.NoError(t, err)
	read := map[string]string{}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		require.NoError(t, err)
		read[e.Name()] = string(text)
	}
	return read
}
