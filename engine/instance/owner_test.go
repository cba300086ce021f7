package instance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	own, other := os.Geteuid(), os.Geteuid()+1
	require.NoError(t, checkOwner(dir, own))
	require.ErrorIs(t, checkOwner(dir, other), ErrOwner, "a directory that was never served")
	require.NoError(t, os.Mkdir(filepath.Join(dir, storeDir), 0o700))
	require.NoError(t, checkOwner(dir, own))
	require.ErrorIs(t, checkOwner(dir, other), ErrOwner, "one with a store")
	assert.NoError(t, checkOwner(filepath.Join(dir, "none"), other), "what is not there is nobody's")
}
