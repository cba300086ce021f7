package instance_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/instance"
)

func TestDataDirectoryIsTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir := t.TempDir()
	require.NoError(t, open(t, dir, worldOf("ann")).Close())
	data := filepath.Join(dir, "data")
	for mode, want := range map[os.FileMode]struct{ refused, warned bool }{
		0o700: {}, 0o750: {warned: true}, 0o701: {warned: true}, 0o755: {warned: true},
		0o770: {refused: true}, 0o702: {refused: true}, 0o777: {refused: true},
	} {
		require.NoError(t, os.Chmod(data, mode))
		var log bytes.Buffer
		i, err := instance.Open(instance.Config{Dir: data, World: filepath.Join(dir, "world.txtar"), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if want.refused {
			assert.ErrorContains(t, err, "others than its owner could replace root key and store; chmod 700 "+data, "%#o", mode)
			continue
		}
		require.NoError(t, err, "%#o", mode)
		require.NoError(t, i.Close())
		assert.Equal(t, want.warned, bytes.Contains(log.Bytes(), []byte("can look into the data directory")), "%#o", mode)
	}
	require.NoError(t, os.Chmod(data, 0o700))
	shared := filepath.Join(dir, "shared")
	require.NoError(t, os.Mkdir(shared, 0o700))
	require.NoError(t, os.Chmod(shared, 0o777))
	_, err := instance.Create(shared)
	assert.ErrorContains(t, err, "chmod 700 "+shared)
	assert.NoFileExists(t, filepath.Join(shared, "root.key"))
}
