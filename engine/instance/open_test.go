package instance_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/store"
)

func config(t *testing.T) instance.Config {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "world.txtar")
	require.NoError(t, os.WriteFile(path, []byte(worldOf("alice")), 0o600))
	return instance.Config{Dir: filepath.Join(dir, "data"), World: path, Create: true}
}

func TestOpenMakesADataDirectoryAndFindsItAgain(t *testing.T) {
	c := config(t)
	first, err := instance.Open(c)
	require.NoError(t, err)
	alice := idOf(t, first, "alice")
	require.NoError(t, first.Ready())
	info, err := os.Stat(filepath.Join(c.Dir, "root.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	_, err = instance.Open(c)
	require.ErrorIs(t, err, store.ErrLocked, "a second one is refused")
	require.NoError(t, first.Close())
	require.Error(t, first.Ready())

	c.Create = false
	second, err := instance.Open(c)
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Close()) }()
	assert.Equal(t, alice, idOf(t, second, "alice"), "principals keep their unique ids")
}

func TestOpenRefusesWhatCannotBeOpened(t *testing.T) {
	_, err := instance.Open(instance.Config{})
	require.EqualError(t, err, "instance.Config needs Dir")

	c := config(t)
	c.Create = false
	_, err = instance.Open(c)
	require.ErrorIs(t, err, instance.ErrAbsent)

	c.Create = true
	i, err := instance.Open(c)
	require.NoError(t, err)
	require.NoError(t, i.Close())
	require.NoError(t, os.Remove(filepath.Join(c.Dir, "root.key")))
	_, err = instance.Open(c)
	require.ErrorContains(t, err, "there is a store beside it that only this key opens", "a store is never given another root key")
	_, err = instance.Create(c.Dir)
	require.Error(t, err)

	c = config(t)
	require.NoError(t, os.WriteFile(c.World, []byte("-- world.yaml --\nacounts: {}\n"), 0o600))
	_, err = instance.Open(c)
	require.ErrorContains(t, err, "world.yaml:1")
}

func TestInstanceWhoseDirectoryIsRemovedIsNotReadyAndCloses(t *testing.T) {
	for name, lost := range map[string]string{"data directory": ".", "store": "store", "records": "store/records"} {
		t.Run(name, func(t *testing.T) {
			c := config(t)
			i, err := instance.Open(c)
			require.NoError(t, err)
			require.NoError(t, i.Ready())
			require.NoError(t, os.RemoveAll(filepath.Join(c.Dir, lost)))
			require.ErrorIs(t, i.Ready(), store.ErrGone)
			err = i.Store.Update(func(tx *store.Tx) error { return tx.PutUniqueID("arn:aws:iam::111122223333:user/ben", "AIDABEN") })
			require.ErrorIs(t, err, store.ErrGone)

			begun := time.Now()
			require.ErrorIs(t, i.Close(), store.ErrGone)
			assert.Less(t, time.Since(begun), 5*time.Second)
		})
	}
}
