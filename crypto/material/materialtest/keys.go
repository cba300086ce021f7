package materialtest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// testKeys makes material of every spec of the vocabulary, and does with it,
// before and after a restart, all that the table permits.
func testKeys(t *testing.T, s Subject) {
	before, after := s.New(t), s.New(t)
	for _, e := range spec.All() {
		ref, err := before.Generate(t.Context(), "materialtest "+string(e.Spec), e.Spec)
		if e.Spec != spec.SymmetricDefault && !slices.Contains(s.Specs, e.Spec) {
			assert.ErrorIs(t, err, material.ErrUnsupported, "%s", e.Spec)
			continue
		}
		require.NoError(t, err, "%s", e.Spec)
		a, err := before.Open(t.Context(), ref)
		require.NoError(t, err, "%s", e.Spec)
		b, err := after.Open(t.Context(), ref)
		require.NoError(t, err, "%s", e.Spec)
		assert.Equal(t, e.Spec, a.Spec())
		assert.Equal(t, fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b))
		for _, u := range e.Usages() {
			for _, algorithm := range e.Algorithms(u) {
				t.Run(string(e.Spec)+" "+string(algorithm), func(t *testing.T) { testUse(t, a, b, u, algorithm) })
			}
		}
	}
}

// testUse lets two openings of one material finish what the other began.
func testUse(t *testing.T, a, b material.Key, u spec.Usage, algorithm spec.Algorithm) {
	message := []byte("message")
	switch u {
	case spec.GenerateVerifyMAC:
		x, y := as[material.MAC](t, a), as[material.MAC](t, b)
		mac, err := x.Sum(t.Context(), message)
		require.NoError(t, err)
		require.NoError(t, y.Check(t.Context(), message, mac))
		require.ErrorIs(t, y.Check(t.Context(), []byte("other"), mac), material.ErrMAC)
		require.ErrorIs(t, y.Check(t.Context(), message, mac[1:]), material.ErrMAC)
	case spec.SignVerify:
		x, y := as[material.Signer](t, a), as[material.Signer](t, b)
		assert.Equal(t, x.Public(), y.Public())
		m := material.Message{Type: material.Raw, Bytes: message}
		if algorithm == spec.ED25519PHSHA512 {
			m = material.Message{Type: material.Digest, Bytes: bytes.Repeat([]byte{1}, spec.DigestSize(algorithm))}
		}
		signature, err := x.Sign(t.Context(), algorithm, m)
		require.NoError(t, err)
		require.NoError(t, y.Verify(t.Context(), algorithm, m, signature))
		require.ErrorIs(t, y.Verify(t.Context(), algorithm, m, signature[1:]), material.ErrSignature)
	case spec.KeyAgreement:
		x, y := as[material.Agreement](t, a), as[material.Agreement](t, b)
		shared, err := x.Derive(t.Context(), y.Public())
		require.NoError(t, err)
		again, err := y.Derive(t.Context(), x.Public())
		require.NoError(t, err)
		assert.True(t, shared.Equal(again))
		_, err = x.Derive(t.Context(), []byte("no key"))
		require.ErrorIs(t, err, material.ErrPeer)
	case spec.EncryptDecrypt:
		if algorithm == spec.EncryptSymmetricDefault {
			return // testCipher
		}
		x, y := as[material.PublicCipher](t, a), as[material.PublicCipher](t, b)
		ciphertext, err := x.EncryptPublic(t.Context(), algorithm, message)
		require.NoError(t, err)
		opened, err := y.DecryptPrivate(t.Context(), algorithm, ciphertext)
		require.NoError(t, err)
		assert.Equal(t, message, opened.Expose())
	default:
		require.Fail(t, "usage without a test", string(u))
	}
}

// as is the ability that a key must have.
func as[T any](t *testing.T, k material.Key) T {
	t.Helper()
	able, ok := k.(T)
	require.True(t, ok, "a %s key must be a %T", k.Spec(), (*T)(nil))
	return able
}
