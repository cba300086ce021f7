package schema_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lib"
	"github.com/keyreeve/keyreeve/rego/lib/schema"
)

// checked compiles the library as `opa check --schema` does, with a text in
// the place of another.
func checked(t *testing.T, old, with string) ast.Errors {
	t.Helper()
	files, err := lib.Files()
	require.NoError(t, err)
	set, err := schema.Set()
	require.NoError(t, err)
	modules := map[string]*ast.Module{}
	for name, text := range files {
		modules[name], err = ast.ParseModuleWithOpts(name, strings.ReplaceAll(text, old, with), ast.ParserOptions{ProcessAnnotation: true})
		require.NoError(t, err)
	}
	c := ast.NewCompiler().WithSchemas(set).WithUseTypeCheckAnnotations(true).WithStrict(true)
	c.Compile(modules)
	return c.Errors
}

func TestTheLibraryReadsWhatItsSchemaHas(t *testing.T) {
	assert.Empty(t, checked(t, "", ""))
}

func TestWhatTheSchemaLacksIsFound(t *testing.T) {
	for old, with := range map[string]string{
		"input.principal.account":  "input.principal.acount",
		"input.layers.scp":         "input.layers.scps",
		"input.encryption_context": "input.encryptioncontext",
		"grant.operations":         "grant.operation",
		"grant.grantee":            "grant.grante",
	} {
		assert.NotEmpty(t, checked(t, old, with), with)
	}
}

func TestSchemasArePublishedOneAFile(t *testing.T) {
	files, err := os.ReadDir("json")
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	assert.Equal(t, schema.Names(), names)
	for _, name := range schema.Names() {
		text, err := schema.Text(name)
		require.NoError(t, err)
		assert.True(t, json.Valid(text), name)
	}
	_, err = schema.Text("other")
	assert.ErrorContains(t, err, "there are answer, decide, document")
}
