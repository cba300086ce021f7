package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// follow runs the commands of a page in dir, and compares what they print with
// what the page says; with -update it writes that into the page.
func follow(t *testing.T, page, dir string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	all := samples(lines)
	require.NotEmpty(t, all)
	terminal := newShell(t, dir)
	got := make([]string, len(all))
	for i, s := range all {
		got[i] = terminal.run(s.Command)
		if !*update {
			assert.Equal(t, steady(s.Output), steady(got[i]), "%s: $ %s", page, s.Command)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(rewritten(lines, all, got)), 0o644))
	}
}

func TestTutorialCommandsPrintWhatItSays(t *testing.T) {
	follow(t, "../../examples/tutorial/README.md", t.TempDir())
}

func TestRecipesPrintWhatTheySay(t *testing.T) {
	recipes, dir := "../../examples/recipes", t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(recipes)))
	follow(t, filepath.Join(recipes, "README.md"), dir)
}

// TestRecipesLintWithoutAFinding: the policies that are recommended have
// nothing in them that lint warns of gravely.
func TestRecipesLintWithoutAFinding(t *testing.T) {
	files, err := filepath.Glob("../../examples/recipes/*.txtar")
	require.NoError(t, err)
	require.Greater(t, len(files), 8)
	for _, file := range files {
		if filepath.Base(file) == "documents.txtar" { // its point is a wrong policy
			continue
		}
		dir := t.TempDir()
		p := launch(t, dir, "keyreeve", "lint", mustAbs(t, file))
		assert.Zero(t, p.wait(), "%s: %s", file, p.Out.String())
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	require.NoError(t, err)
	return abs
}
