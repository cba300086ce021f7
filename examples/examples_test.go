package examples_test

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/examples"
)

func TestEveryWorldLoads(t *testing.T) {
	dirs, err := fs.ReadDir(examples.Worlds, ".")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		files, err := fs.Sub(examples.Worlds, dir.Name())
		require.NoError(t, err)
		w, err := world.LoadFS(files, nil)
		require.NoError(t, err, dir.Name())
		assert.Empty(t, w.Unreferenced(), dir.Name())
	}
}

func TestWorldForOtherSuites(t *testing.T) {
	files, err := fs.Sub(examples.Worlds, "test-test")
	require.NoError(t, err)
	w, err := world.LoadFS(files, nil)
	require.NoError(t, err)
	key, ok := w.AccessKey("test")
	require.True(t, ok)
	assert.Equal(t, "test", string(key.Secret.Expose()))
	assert.Equal(t, "000000000000", key.Account)
	assert.True(t, key.Root)
}

func TestWriteDevMakesAWorldWithFreshAccessKeys(t *testing.T) {
	seen := make(map[string]bool)
	for _, dir := range []string{filepath.Join(t.TempDir(), "world"), filepath.Join(t.TempDir(), "world")} {
		require.NoError(t, examples.WriteDev(dir, rand.Reader))
		w, err := world.Load(dir, nil)
		require.NoError(t, err)
		account, ok := w.Account(examples.DevAccount)
		require.True(t, ok)
		keys := make(map[string]world.AccessKey)
		for _, u := range account.Users {
			require.Len(t, u.Keys, 1, u.Name)
			keys[u.Name] = u.Keys[0]
		}
		for _, name := range []string{examples.DevAdministrator, examples.DevUser} {
			key := keys[name]
			assert.Regexp(t, `^AKIA[A-Z2-7]{16}$`, key.ID)
			assert.Len(t, key.Secret.Expose(), 40)
			assert.False(t, seen[key.ID], "the same access key twice")
			seen[key.ID] = true
		}
		require.Len(t, w.Keys(), 1)
		assert.Equal(t, []string{"alias/payroll"}, w.Keys()[0].Aliases)
	}
}

func TestWriteDevKeepsOthersOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	require.NoError(t, examples.WriteDev(dir, rand.Reader))
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, name)
		return nil
	})
	require.NoError(t, err)
}

func TestWriteDevNeverReplacesAnything(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "world")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.ErrorIs(t, examples.WriteDev(dir, rand.Reader), fs.ErrExist)
	require.NoError(t, os.Remove(dir))

	require.Error(t, examples.WriteDev(dir, bytes.NewReader(nil)), "without randomness")
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is left behind")
}
