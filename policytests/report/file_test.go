package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/report"
)

func TestReportsFollowNoLinks(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("mine"), 0o600))
	out := filepath.Join(dir, "out")
	require.NoError(t, os.Mkdir(out, 0o755))
	for _, name := range []string{"lint.json", "lint.json.keyreeve-new"} {
		require.NoError(t, os.Symlink(victim, filepath.Join(out, name)))
	}
	var b bytes.Buffer
	files, err := report.Output{Formats: []report.Format{report.JSON}, Dir: out, Out: &b}.Write(report.Lint{})
	require.NoError(t, err)
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
	info, err := os.Lstat(files[0])
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
	left, err := os.ReadDir(out)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}
