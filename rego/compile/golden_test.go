package compile_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// documents are the policies under testdata, by file name without its end;
// what stands before the first hyphen is the kind.
func documents(t testing.TB) map[string]*policy.Document {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]*policy.Document{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		word, _, _ := strings.Cut(name, "-")
		kind, ok := policy.KindOf(word)
		require.True(t, ok, f)
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all[name], err = policy.Parse(kind, text)
		require.NoError(t, err, f)
	}
	return all
}

func TestGolden(t *testing.T) {
	for name, doc := range documents(t) {
		m, err := compile.Compile(doc, compile.Options{Package: "keyreeve.example"})
		require.NoError(t, err)
		checkText(t, m)
		golden := filepath.Join("testdata", name+".rego")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(m.Text()), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), m.Text(), "%s: run the tests with -update if this is meant", golden)
	}
}

func TestSameDocumentGivesTheSameModule(t *testing.T) {
	for name, doc := range documents(t) {
		first, err := compile.Compile(doc, compile.Options{})
		require.NoError(t, err)
		text := first.Text()
		for range 5 {
			again, err := compile.Compile(doc, compile.Options{})
			require.NoError(t, err)
			require.Equal(t, text, again.Text(), name)
			require.True(t, first.AST.Equal(again.AST), name)
			require.Equal(t, first.Footprint, again.Footprint)
		}
	}
}

func TestModulesMayBeSharedBetweenGoroutines(t *testing.T) {
	for _, doc := range documents(t) {
		m, err := compile.Compile(doc, compile.Options{})
		require.NoError(t, err)
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				c := ast.NewCompiler()
				c.Compile(map[string]*ast.Module{"policy": m.AST})
				assert.Empty(t, c.Errors)
				assert.NotEmpty(t, m.Text())
			})
		}
		wait.Wait()
	}
}

func TestPackagesAreIdentifiers(t *testing.T) {
	doc := documents(t)["key-default"]
	for _, name := range []string{"a.b-c", "a..b", ".", "a.if", "1a", "a b"} {
		_, err := compile.Compile(doc, compile.Options{Package: name})
		assert.Error(t, err, name)
	}
	m, err := compile.Compile(doc, compile.Options{})
	require.NoError(t, err)
	assert.Equal(t, "policy", m.Package)
	assert.True(t, strings.HasPrefix(m.Text(), "package policy\n"))
}
