package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryCommandTeachesAndIsScripted: help with examples, and a script that
// holds what the command prints and how it ends.
func TestEveryCommandTeachesAndIsScripted(t *testing.T) {
	var scripts strings.Builder
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	require.NoError(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		scripts.Write(text)
	}
	commands := newRoot().Commands()
	require.Greater(t, len(commands), 15)
	for _, c := range commands {
		assert.NotEmpty(t, c.Short, c.Name())
		assert.NotEmpty(t, c.Long, "%s: --help says what it does", c.Name())
		assert.Contains(t, c.Example, "keyreeve "+c.Name(), "%s: --help has examples", c.Name())
		assert.NotEmpty(t, c.GroupID, "%s: a place in the list of commands", c.Name())
		for _, code := range []string{"exits 0", "exits 2"} {
			assert.Contains(t, scripts.String(), code+" keyreeve "+c.Name(), "%s: a script", c.Name())
		}
	}
}
