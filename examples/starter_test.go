package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/examples"
)

func TestStarterIsAWorldWithoutLeftovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	names, err := examples.WriteStarter(dir, "")
	require.NoError(t, err)
	assert.Contains(t, names, ".github/workflows/policies.yaml")
	w, err := world.Load(dir, nil)
	require.NoError(t, err)
	assert.Empty(t, w.Unreferenced())
}

func TestStarterOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "README.md")
	require.NoError(t, os.WriteFile(mine, []byte("mine"), 0o600))
	_, err := examples.WriteStarter(dir, "")
	require.ErrorIs(t, err, fs.ErrExist)
	text, err := os.ReadFile(mine)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing was written beside it")
}

func TestStarterPutsTheWorkflowWhereTheRepositoryHasIt(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "kms", "policies")
	names, err := examples.WriteStarter(dir, root)
	require.NoError(t, err)
	assert.Contains(t, names, "../../.github/workflows/policies.yaml")
	text, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "policies.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(text), `working-directory: "kms/policies"`)
	assert.Contains(t, string(text), `sarif_file: "kms/policies/reports/lint.sarif"`)
	assert.NoDirExists(t, filepath.Join(dir, ".github"))

	_, err = examples.WriteStarter(filepath.Join(root, "other"), root)
	require.ErrorIs(t, err, fs.ErrExist, "the repository has a workflow of that name")
	assert.NoDirExists(t, filepath.Join(root, "other"))

	names, err = examples.WriteStarter(filepath.Join(root, "own"), filepath.Join(root, "own"))
	require.NoError(t, err)
	assert.Contains(t, names, ".github/workflows/policies.yaml")
}

func TestStarterNamesItsDirectoryFromTheRootWhereverItIsCalled(t *testing.T) {
	root := t.TempDir()
	for _, row := range []struct{ name, here, dir string }{
		{"from the root", ".", "infra/kms"},
		{"from a directory between", "infra", "kms"},
		{"in the directory itself", "infra/kms", "."},
		{"from another directory", "apps", "../infra/kms"},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := filepath.Join(root, row.name)
			here := filepath.Join(root, row.here)
			require.NoError(t, os.MkdirAll(here, 0o755))
			t.Chdir(here)
			names, err := examples.WriteStarter(row.dir, root)
			require.NoError(t, err)
			assert.Contains(t, names, "../../.github/workflows/policies.yaml")
			text, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "policies.yaml"))
			require.NoError(t, err)
			assert.Contains(t, string(text), `working-directory: "infra/kms"`)
			assert.Contains(t, string(text), `sarif_file: "infra/kms/reports/lint.sarif"`)
			assert.FileExists(t, filepath.Join(root, "infra", "kms", "world.yaml"))
		})
	}
}
