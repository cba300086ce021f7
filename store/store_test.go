package store

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
)

var testTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func rootKey(t testing.TB) *seal.RootKey {
	t.Helper()
	k, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	require.NoError(t, err)
	return k
}

// open opens a store that is checked and closed with the test.
func open(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() {
		err := s.Check()
		if errors.Is(err, ErrClosed) {
			return // by the test
		}
		require.NoError(t, err)
		require.NoError(t, s.Close())
	})
	return s
}

func testConfig(t testing.TB) Config {
	return Config{Dir: t.TempDir(), Root: rootKey(t), Now: func() time.Time { return testTime }}
}

func addr(id string) KeyAddr { return KeyAddr{Account: "111122223333", Region: "us-east-1", ID: id} }

func testKey(id string) Key {
	return Key{Addr: addr(id), Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS",
		Manager: "CUSTOMER", State: "Enabled", Created: testTime, Policy: Policy{Text: "{}"}}
}

func update(t testing.TB, s *Store, fn func(*Tx) error) {
	t.Helper()
	require.NoError(t, s.Update(fn))
}

func view(t testing.TB, s *Store, fn func(*Tx)) {
	t.Helper()
	require.NoError(t, s.View(func(tx *Tx) error { fn(tx); return nil }))
}

// put makes or replaces a key.
func put(s *Store, id, description string) error {
	return s.Update(func(tx *Tx) error {
		k := testKey(id)
		k.Description = description
		return tx.PutKey(k)
	})
}

// read tells whether there is a key.
func read(s *Store, id string) error {
	return s.View(func(tx *Tx) error { _, err := tx.Key(addr(id)); return err })
}

func TestReopenedStoreHasItsRecords(t *testing.T) {
	c := testConfig(t)
	s := open(t, c)
	update(t, s, func(tx *Tx) error { return tx.PutKey(testKey("k1")) })
	require.NoError(t, s.Append([]byte("called")))
	require.NoError(t, s.Close())
	s = open(t, c)
	require.NoError(t, s.View(func(tx *Tx) error {
		k, err := tx.Key(addr("k1"))
		require.NoError(t, err)
		assert.Equal(t, testKey("k1").Policy, k.Policy)
		return nil
	}))
	events, err := s.Events(0, 10)
	require.NoError(t, err)
	assert.Len(t, events, 1)
}
