package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// called finds the commands in files for pipelines.
var called = regexp.MustCompile(`(?m)(?:^|[\s"])keyreeve ((?:fmt|lint|test|init|repl)(?: [^\n|&#]*)?)`)

func TestFilesForPipelinesCallCommandsAsTheyAre(t *testing.T) {
	seen := 0
	for _, pattern := range []string{"ci/*", "ci/.pre*", "starter/.github/workflows/*", "starter/README.md"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "examples", filepath.FromSlash(pattern)))
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if strings.HasSuffix(file, "yaml") || strings.HasSuffix(file, "yml") {
				require.NoError(t, yaml.Unmarshal(text, new(any)), file)
			}
			for _, m := range called.FindAllStringSubmatch(string(text), -1) {
				words := strings.Fields(strings.ReplaceAll(m[1], `"`, ""))
				c, rest, err := newRoot().Find(words)
				require.NoError(t, err, "%s: %s", file, m[1])
				assert.Equal(t, words[0], c.Name(), file)
				assert.NoError(t, c.ParseFlags(rest), "%s: %s", file, m[1])
				seen++
			}
		}
	}
	assert.Greater(t, seen, 10)
}
