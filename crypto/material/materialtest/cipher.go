package materialtest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
)

func testCipher(t *testing.T, s Subject) {
	p := s.New(t)
	c := Cipher(t, p, Generate(t, p, "materialtest cipher"))

	t.Run("decrypts what it encrypted", func(t *testing.T) {
		for _, n := range []int{0, 1, 16, 32, 1024, 4096} {
			plaintext := bytes.Repeat([]byte{7}, n)
			ciphertext, err := c.Encrypt(t.Context(), plaintext, []byte("aad"))
			require.NoError(t, err)
			assert.LessOrEqual(t, len(ciphertext), n+material.MaxOverhead)
			opened, err := c.Decrypt(t.Context(), ciphertext, []byte("aad"))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(plaintext, opened.Expose()), "%d bytes", n)
		}
	})
	t.Run("leaves its arguments alone", func(t *testing.T) {
		plaintext, aad := []byte("plaintext"), []byte("aad")
		ciphertext, err := c.Encrypt(t.Context(), plaintext, aad)
		require.NoError(t, err)
		before := bytes.Clone(ciphertext)
		_, err = c.Decrypt(t.Context(), ciphertext, aad)
		require.NoError(t, err)
		assert.Equal(t, "plaintext", string(plaintext))
		assert.Equal(t, "aad", string(aad))
		assert.Equal(t, before, ciphertext)
	})
	t.Run("never gives the same ciphertext twice", func(t *testing.T) {
		seen := map[string]bool{}
		for range 100 {
			ciphertext, err := c.Encrypt(t.Context(), []byte("plaintext"), nil)
			require.NoError(t, err)
			require.NotContains(t, string(ciphertext), "plaintext")
			require.False(t, seen[string(ciphertext)])
			seen[string(ciphertext)] = true
		}
	})
	t.Run("refuses other associated data", func(t *testing.T) {
		ciphertext, err := c.Encrypt(t.Context(), []byte("plaintext"), []byte("aad"))
		require.NoError(t, err)
		for _, aad := range []string{"", "aa", "aaD", "aad\x00", "aadaad"} {
			_, err := c.Decrypt(t.Context(), ciphertext, []byte(aad))
			assert.ErrorIs(t, err, material.ErrCiphertext, "associated data %q", aad)
		}
	})
	t.Run("refuses a changed, cut or longer ciphertext", func(t *testing.T) { testTampering(t, c) })
	t.Run("is safe for concurrent use", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				plaintext := bytes.Repeat([]byte{byte(i)}, 100)
				for range 50 {
					ciphertext, err := c.Encrypt(t.Context(), plaintext, plaintext)
					assert.NoError(t, err)
					opened, err := c.Decrypt(t.Context(), ciphertext, plaintext)
					assert.NoError(t, err)
					assert.True(t, bytes.Equal(plaintext, opened.Expose()))
				}
			})
		}
		wg.Wait()
	})
}

func testTampering(t *testing.T, c material.Cipher) {
	ciphertext, err := c.Encrypt(t.Context(), []byte("plaintext"), nil)
	require.NoError(t, err)
	refused := func(b []byte, what string, n int) {
		opened, err := c.Decrypt(t.Context(), b, nil)
		require.ErrorIs(t, err, material.ErrCiphertext, "%s %d", what, n)
		require.Empty(t, opened.Expose())
	}
	for i := range ciphertext {
		changed := bytes.Clone(ciphertext)
		changed[i] ^= 1
		refused(changed, "changed byte", i)
		refused(ciphertext[:i], "cut to", i)
		refused(ciphertext[i+1:], "without the first", i+1)
	}
	refused(append(bytes.Clone(ciphertext), 0), "longer by", 1)
	refused(append([]byte{0}, ciphertext...), "longer at the start by", 1)
	refused(append(bytes.Clone(ciphertext), ciphertext...), "twice", 2)
}
