// Package materialtest is the conformance suite that every provider of key
// material passes.
package materialtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A Subject is a provider under test.
type Subject struct {
	// New makes a provider. Each call stands for a restart: providers of one
	// test use each other's Refs, and remember nothing of each other. Required.
	New func(testing.TB) material.Provider
	// Stranger makes a provider that never heard of New's material: another
	// root key, another token. Required.
	Stranger func(testing.TB) material.Provider
	// Specs are what the provider makes beside SYMMETRIC_DEFAULT; the suite
	// tests that it makes them, and nothing else.
	Specs []spec.KeySpec
}

// Run tests what the interfaces of package material promise. It makes material
// with ids of its own, which begin with "materialtest".
func Run(t *testing.T, s Subject) {
	t.Helper()
	t.Run("provider", func(t *testing.T) { testProvider(t, s) })
	t.Run("references", func(t *testing.T) { testRefs(t, s) })
	t.Run("cipher", func(t *testing.T) { testCipher(t, s) })
	t.Run("keys", func(t *testing.T) { testKeys(t, s) })
	t.Run("secrecy", func(t *testing.T) { testSecrecy(t, s) })
}

// Generate makes symmetric material and fails the test if it cannot.
func Generate(t testing.TB, p material.Provider, id string) material.Ref {
	t.Helper()
	ref, err := p.Generate(t.Context(), id, spec.SymmetricDefault)
	require.NoError(t, err)
	return ref
}

// Cipher opens symmetric material and fails the test if it cannot.
func Cipher(t testing.TB, p material.Provider, ref material.Ref) material.Cipher {
	t.Helper()
	key, err := p.Open(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, spec.SymmetricDefault, key.Spec())
	c, ok := key.(material.Cipher)
	require.True(t, ok, "a %s key must be a material.Cipher", key.Spec())
	return c
}
