package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDamagedTableIsNotPassedOver(t *testing.T) {
	c := testConfig(t)
	s := open(t, c)
	require.NoError(t, put(s, "k", "here"))
	require.NoError(t, s.Close())
	tables, err := filepath.Glob(filepath.Join(c.Dir, "records", "1", "*.sst"))
	require.NoError(t, err)
	require.NotEmpty(t, tables)
	content, err := os.ReadFile(tables[0])
	require.NoError(t, err)
	content[10] ^= 1
	require.NoError(t, os.WriteFile(tables[0], content, 0o600))
	_, err = Open(c)
	require.ErrorIs(t, err, ErrCorrupt)
	content[10] ^= 1
	require.NoError(t, os.WriteFile(tables[0], content, 0o600))
	require.NoError(t, read(open(t, c), "k"))
}

func TestEmptyLogsOfAKilledProcessAreNoHindrance(t *testing.T) {
	c := testConfig(t)
	s := open(t, c)
	require.NoError(t, put(s, "k", ""))
	require.NoError(t, s.Close())
	for _, name := range []string{"00099.mem", "000099.vlog", "000099.sst"} {
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "records", "1", name), nil, 0o600))
	}
	s = open(t, c)
	require.NoError(t, read(s, "k"))
	require.NoError(t, put(s, "k2", ""))
}

func TestRecordsOfUnknownGenerationAreRefused(t *testing.T) {
	c := testConfig(t)
	require.NoError(t, open(t, c).Close())
	current := filepath.Join(c.Dir, "records", "current")
	for _, content := range []string{"", "0\n", "x", "-1"} {
		require.NoError(t, os.WriteFile(current, []byte(content), 0o600))
		_, err := Open(c)
		assert.ErrorIs(t, err, ErrCorrupt, "%q", content)
	}
	require.NoError(t, os.Remove(current))
	_, err := Open(c)
	assert.ErrorIs(t, err, ErrCorrupt)
}

func TestOtherSchemaIsRefused(t *testing.T) {
	for _, value := range []string{`{"version":1,"created":"2026-11-23T10:00:00Z"}`, `{"version":3,"created":"2026-11-23T10:00:00Z","news":true}`, `{}`, `x`} {
		c := testConfig(t)
		s := open(t, c)
		require.NoError(t, s.write(func(tx kvTx) error { return tx.set(schemaKey, []byte(value)) }))
		require.NoError(t, s.Close())
		_, err := Open(c)
		assert.ErrorIs(t, err, ErrSchema, value)
	}
	c := testConfig(t)
	s := open(t, c)
	require.NoError(t, s.write(func(tx kvTx) error { return tx.delete(schemaKey) }))
	require.NoError(t, s.Close())
	_, err := Open(c)
	assert.ErrorIs(t, err, ErrSchema)
}

func TestOtherRootKeyIsRefused(t *testing.T) {
	c := testConfig(t)
	s := open(t, c)
	require.NoError(t, put(s, "k", ""))
	require.NoError(t, s.Close())
	other := c
	other.Root = rootKey(t)
	_, err := Open(other)
	require.ErrorIs(t, err, ErrRootKey)
	require.NoError(t, read(open(t, c), "k"))
}

func TestClosedStoreDoesNothing(t *testing.T) {
	s := open(t, testConfig(t))
	require.NoError(t, s.Close())
	assert.ErrorIs(t, s.View(func(*Tx) error { return nil }), ErrClosed)
	assert.ErrorIs(t, s.Update(func(*Tx) error { return nil }), ErrClosed)
	assert.ErrorIs(t, s.Append([]byte("e")), ErrClosed)
	_, err := s.Events(0, 1)
	assert.ErrorIs(t, err, ErrClosed)
	assert.ErrorIs(t, s.Close(), ErrClosed)
}

func TestIncompleteConfigIsRefused(t *testing.T) {
	_, err := Open(Config{Root: rootKey(t)})
	assert.ErrorIs(t, err, ErrInvalid)
	_, err = Open(Config{Dir: t.TempDir()})
	assert.ErrorIs(t, err, ErrInvalid)
}
