package repl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHistoryIsKeptForItsOwnerWithEntriesOfSeveralLinesAsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "keyreeve", "history")
	h, err := openHistory(path)
	require.NoError(t, err)
	for _, entry := range []string{"a", "a", "  ", "policy x {\n}\n", "b"} {
		_, err := h.Write(entry)
		require.NoError(t, err)
	}
	require.NoError(t, os.Chmod(path, 0o644))

	again, err := openHistory(path)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "policy x {\n}", "b"}, again.entries)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entry, err := again.GetLine(1)
	require.NoError(t, err)
	assert.Equal(t, "policy x {\n}", entry)
	_, err = again.GetLine(3)
	require.Error(t, err)
}

func TestLongHistoryLosesItsOldestEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var b strings.Builder
	b.WriteString("not JSON\n")
	for i := range maxHistory + 5 {
		b.WriteString(historyLine(fmt.Sprint("entry ", i)))
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	h, err := openHistory(path)
	require.NoError(t, err)
	assert.Equal(t, maxHistory, h.Len())
	assert.Equal(t, "entry 5", h.entries[0])
	again, err := openHistory(path)
	require.NoError(t, err)
	assert.Equal(t, h.entries, again.entries)
}

func TestHistoryThatCannotBeKeptIsNoReasonToStop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	h, err := openHistory(filepath.Join(file, "history"))
	require.Error(t, err)
	_, err = h.Write("a")
	require.NoError(t, err)
	assert.Equal(t, 1, h.Len())
}
