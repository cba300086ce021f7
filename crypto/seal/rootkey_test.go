package seal

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newRoot(t testing.TB, first byte) *RootKey {
	t.Helper()
	root, err := newRootKey(NewSecret(counting(first, SecretSize)), nil)
	require.NoError(t, err)
	return root
}

func TestRecordOpensOnlyWhereItBelongs(t *testing.T) {
	root := newRoot(t, 0)
	sealed, err := root.Seal("material", []byte("key 1"), []byte("plaintext"))
	require.NoError(t, err)

	opened, err := root.Open("material", []byte("key 1"), sealed)
	require.NoError(t, err)
	assert.Equal(t, "plaintext", string(opened.Expose()))

	tests := map[string]struct {
		root         *RootKey
		purpose, aad string
	}{
		"another root key":       {newRoot(t, 1), "material", "key 1"},
		"another purpose":        {root, "session", "key 1"},
		"a longer purpose":       {root, "material ", "key 1"},
		"another place":          {root, "material", "key 2"},
		"no place":               {root, "material", ""},
		"place moved to purpose": {root, "materialkey 1", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := tt.root.Open(tt.purpose, []byte(tt.aad), sealed)
			assert.ErrorIs(t, err, ErrOpen)
		})
	}
}

func TestRecordOfAnotherRootKeySaysSo(t *testing.T) {
	sealed, err := newRoot(t, 1).Seal("material", nil, []byte("plaintext"))
	require.NoError(t, err)
	_, err = newRoot(t, 0).Open("material", nil, sealed)
	require.ErrorIs(t, err, ErrOpen)
	assert.ErrorContains(t, err, "sealed under root key "+newRoot(t, 1).ID()+", not "+newRoot(t, 0).ID())
}

func TestDamagedRecordDoesNotOpen(t *testing.T) {
	root := newRoot(t, 0)
	sealed, err := root.Seal("material", []byte("key 1"), []byte("plaintext"))
	require.NoError(t, err)
	for how, all := range damaged(sealed) {
		for _, b := range all {
			opened, err := root.Open("material", []byte("key 1"), b)
			require.ErrorIs(t, err, ErrOpen, how)
			require.Nil(t, opened.Expose(), how)
		}
	}
}

func TestSealingNeedsAPurpose(t *testing.T) {
	root := newRoot(t, 0)
	_, err := root.Seal("", nil, []byte("plaintext"))
	require.Error(t, err)
	_, err = root.Open("", nil, []byte("sealed"))
	require.Error(t, err)
}

func FuzzOpen(f *testing.F) {
	root, err := newRootKey(NewSecret(counting(0, SecretSize)), bytes.NewReader(counting(0x80, 44)))
	require.NoError(f, err)
	sealed, err := root.Seal("fuzz", nil, []byte("plaintext"))
	require.NoError(f, err)
	f.Add(sealed)
	f.Add([]byte{recordVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		opened, err := root.Open("fuzz", nil, b)
		if string(b) == string(sealed) {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, ErrOpen)
		require.Nil(t, opened.Expose())
	})
}
