package oracle_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/keyreeve/keyreeve/"

// imports calls visit for each import of each Go file below root.
func imports(t *testing.T, root string, visit func(file, path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, s := range parsed.Imports {
			path, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			visit(file, path)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestOnlyTestsImportTheOracle(t *testing.T) {
	users := 0
	imports(t, filepath.Join("..", ".."), func(file, path string) {
		if path != module+"policytests/oracle" {
			return
		}
		users++
		assert.True(t, strings.HasSuffix(file, "_test.go"), "%s imports the oracle", file)
	})
	assert.NotZero(t, users)
}

func TestTheOracleKnowsNeitherTheCompilerNorOPA(t *testing.T) {
	imports(t, ".", func(file, path string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, other := range []string{module + "rego/compile", module + "rego/lib", "github.com/open-policy-agent/"} {
			assert.False(t, strings.HasPrefix(path, other), "%s imports %s", file, path)
		}
	})
}
