package seal

import (
	"bytes"
	crand "crypto/rand"
	"errors"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newKey(t testing.TB, first byte, label string) *Key {
	t.Helper()
	key, err := NewKey(NewSecret(counting(first, SecretSize)), label, crand.Reader)
	require.NoError(t, err)
	return key
}

// damaged returns b with each byte changed in turn, cut at each length, and
// made longer at either end.
func damaged(b []byte) map[string][][]byte {
	out := map[string][][]byte{}
	for i := range b {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			c := bytes.Clone(b)
			c[i] ^= mask
			out["changed"] = append(out["changed"], c)
		}
		out["cut at the end"] = append(out["cut at the end"], b[:i])
		out["cut at the start"] = append(out["cut at the start"], b[i+1:])
	}
	for _, more := range [][]byte{{0}, {1}, bytes.Repeat([]byte{0}, 16)} {
		out["longer at the end"] = append(out["longer at the end"], append(bytes.Clone(b), more...))
		out["longer at the start"] = append(out["longer at the start"], append(bytes.Clone(more), b...))
	}
	out["twice"] = append(out["twice"], append(bytes.Clone(b), b...))
	return out
}

func TestKeyOpensWhatItSealed(t *testing.T) {
	key := newKey(t, 0, "label")
	for _, n := range []int{0, 1, 15, 16, 17, 32, 4096, 100_000} {
		plaintext := counting(7, n)
		sealed, err := key.Seal(nil, plaintext, []byte("aad"))
		require.NoError(t, err)
		assert.Len(t, sealed, n+Overhead)
		opened, err := key.Open(sealed, []byte("aad"))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(plaintext, opened.Expose()))
	}
}

func TestDamagedSealedBytesDoNotOpen(t *testing.T) {
	key := newKey(t, 0, "label")
	sealed, err := key.Seal(nil, []byte("plaintext"), []byte("aad"))
	require.NoError(t, err)
	for how, all := range damaged(sealed) {
		for _, b := range all {
			opened, err := key.Open(b, []byte("aad"))
			require.Equal(t, ErrOpen, err, how)
			require.Nil(t, opened.Expose(), how)
		}
	}
}

func TestSealedBytesOpenOnlyWithTheirKeyLabelAndAssociatedData(t *testing.T) {
	sealed, err := newKey(t, 0, "label").Seal(nil, []byte("plaintext"), []byte("aad"))
	require.NoError(t, err)
	tests := map[string]struct {
		key *Key
		aad string
	}{
		"another secret":          {newKey(t, 1, "label"), "aad"},
		"another label":           {newKey(t, 0, "Label"), "aad"},
		"a longer label":          {newKey(t, 0, "label\x00"), "aad"},
		"other associated data":   {newKey(t, 0, "label"), "aaD"},
		"longer associated data":  {newKey(t, 0, "label"), "aad\x00"},
		"shorter associated data": {newKey(t, 0, "label"), "aa"},
		"no associated data":      {newKey(t, 0, "label"), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := tt.key.Open(sealed, []byte(tt.aad))
			assert.Equal(t, ErrOpen, err)
		})
	}
}

func TestKeyRefusesToBeIncomplete(t *testing.T) {
	secret := NewSecret(counting(0, SecretSize))
	for name, make := range map[string]func() (*Key, error){
		"no secret":     func() (*Key, error) { return NewKey(Secret{}, "label", crand.Reader) },
		"short secret":  func() (*Key, error) { return NewKey(NewSecret(counting(0, 16)), "label", crand.Reader) },
		"long secret":   func() (*Key, error) { return NewKey(NewSecret(counting(0, 33)), "label", crand.Reader) },
		"no label":      func() (*Key, error) { return NewKey(secret, "", crand.Reader) },
		"no randomness": func() (*Key, error) { return NewKey(secret, "label", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := make()
			assert.Error(t, err)
		})
	}
}

func TestSealFailsWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	key, err := NewKey(NewSecret(counting(0, SecretSize)), "label", iotest.ErrReader(broken))
	require.NoError(t, err)
	sealed, err := key.Seal(nil, []byte("plaintext"), nil)
	require.ErrorIs(t, err, broken)
	assert.Nil(t, sealed)

	key, err = NewKey(NewSecret(counting(0, SecretSize)), "label", bytes.NewReader(counting(0, 43)))
	require.NoError(t, err)
	sealed, err = key.Seal(nil, []byte("plaintext"), nil)
	require.Error(t, err, "one byte of randomness is missing")
	assert.Nil(t, sealed)
}

// TestSaltAndNonceNeverRepeat seals as many messages as fit in a second or so.
// The argument for all the others is in the comment of Key.
func TestSaltAndNonceNeverRepeat(t *testing.T) {
	const workers = 2
	each := 500_000
	if testing.Short() {
		each = 50_000
	}
	key := newKey(t, 0, "label")
	seen := make([]map[[saltSize + nonceSize]byte]struct{}, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			seen[w] = make(map[[saltSize + nonceSize]byte]struct{}, each)
			var sealed []byte
			for range each {
				sealed, _ = key.Seal(sealed[:0], nil, nil)
				seen[w][[saltSize + nonceSize]byte(sealed)] = struct{}{}
			}
		})
	}
	wg.Wait()
	salts := make(map[[saltSize]byte]struct{}, workers*each)
	for _, pairs := range seen {
		assert.Len(t, pairs, each, "a pair of salt and nonce came twice")
		for pair := range pairs {
			salts[[saltSize]byte(pair[:])] = struct{}{}
		}
	}
	assert.Len(t, salts, workers*each, "a salt came twice")
}

func BenchmarkKey(b *testing.B) {
	key := newKey(b, 0, "label")
	plaintext := make([]byte, 32)
	sealed, err := key.Seal(nil, plaintext, nil)
	require.NoError(b, err)
	b.Run("seal 32 bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = key.Seal(nil, plaintext, nil)
		}
	})
	b.Run("open 32 bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = key.Open(sealed, nil)
		}
	})
}
