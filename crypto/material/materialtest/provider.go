package materialtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

func testProvider(t *testing.T, s Subject) {
	t.Run("names itself in its references", func(t *testing.T) {
		p := s.New(t)
		require.NotEmpty(t, p.Name())
		assert.Equal(t, p.Name(), s.New(t).Name())
		ref := Generate(t, p, "materialtest names")
		assert.Equal(t, p.Name(), ref.Provider)
		assert.Equal(t, "materialtest names", ref.ID)
		assert.Equal(t, spec.SymmetricDefault, ref.Spec)
	})
	t.Run("makes the same material for the same id", func(t *testing.T) {
		p := s.New(t)
		first := Generate(t, p, "materialtest same")
		second := Generate(t, p, "materialtest same")
		assert.Equal(t, first, second)
		clear(second.Sealed)
		assert.Equal(t, first, Generate(t, p, "materialtest same"), "after the caller spoilt its copy")
	})
	t.Run("makes the same material for all who ask at once", func(t *testing.T) {
		p := s.New(t)
		refs := make([]material.Ref, 8)
		var wg sync.WaitGroup
		for i := range refs {
			wg.Go(func() { refs[i], _ = p.Generate(t.Context(), "materialtest race", spec.SymmetricDefault) })
		}
		wg.Wait()
		for _, ref := range refs {
			assert.Equal(t, refs[0], ref)
		}
		require.NotEmpty(t, refs[0].ID)
	})
	t.Run("makes other material for another id", func(t *testing.T) {
		p := s.New(t)
		a, b := Generate(t, p, "materialtest a"), Generate(t, p, "materialtest b")
		assert.NotEqual(t, a.Sealed, b.Sealed)
		ciphertext, err := Cipher(t, p, a).Encrypt(t.Context(), []byte("plaintext"), nil)
		require.NoError(t, err)
		_, err = Cipher(t, p, b).Decrypt(t.Context(), ciphertext, nil)
		assert.ErrorIs(t, err, material.ErrCiphertext)
	})
	t.Run("refuses what it cannot make", func(t *testing.T) {
		p := s.New(t)
		for _, unknown := range []spec.KeySpec{"", "NO_SUCH_SPEC"} {
			_, err := p.Generate(t.Context(), "materialtest unknown", unknown)
			assert.ErrorIs(t, err, material.ErrUnsupported, "spec %q", unknown)
		}
		_, err := p.Generate(t.Context(), "", spec.SymmetricDefault)
		assert.Error(t, err, "no id")
	})
	t.Run("stops when it is cancelled", func(t *testing.T) {
		p := s.New(t)
		ref := Generate(t, p, "materialtest cancel")
		c := Cipher(t, p, ref)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := p.Generate(ctx, "materialtest cancelled", spec.SymmetricDefault)
		assert.ErrorIs(t, err, context.Canceled)
		_, err = p.Open(ctx, ref)
		assert.ErrorIs(t, err, context.Canceled)
		_, err = c.Encrypt(ctx, nil, nil)
		assert.ErrorIs(t, err, context.Canceled)
		_, err = c.Decrypt(ctx, make([]byte, 100), nil)
		assert.ErrorIs(t, err, context.Canceled, "an outage is not a bad ciphertext")
	})
}

func testRefs(t *testing.T, s Subject) {
	p := s.New(t)
	ref := Generate(t, p, "materialtest ref")
	c := Cipher(t, p, ref)
	ciphertext, err := c.Encrypt(t.Context(), []byte("plaintext"), nil)
	require.NoError(t, err)

	t.Run("outlive the provider", func(t *testing.T) {
		opened, err := Cipher(t, s.New(t), ref).Decrypt(t.Context(), ciphertext, nil)
		require.NoError(t, err)
		assert.Equal(t, "plaintext", string(opened.Expose()))
	})
	t.Run("open again and again", func(t *testing.T) {
		opened, err := Cipher(t, p, ref).Decrypt(t.Context(), ciphertext, nil)
		require.NoError(t, err)
		assert.Equal(t, "plaintext", string(opened.Expose()))
	})
	t.Run("mean nothing to a stranger", func(t *testing.T) {
		_, err := s.Stranger(t).Open(t.Context(), ref)
		assert.ErrorIs(t, err, material.ErrRef)
	})
	t.Run("are refused when they are changed", func(t *testing.T) {
		other := Generate(t, p, "materialtest other ref")
		for name, changed := range map[string]material.Ref{
			"no provider":       {ID: ref.ID, Spec: ref.Spec, Sealed: ref.Sealed},
			"another provider":  {Provider: "no such", ID: ref.ID, Spec: ref.Spec, Sealed: ref.Sealed},
			"another id":        {Provider: ref.Provider, ID: other.ID, Spec: ref.Spec, Sealed: ref.Sealed},
			"another material":  {Provider: ref.Provider, ID: ref.ID, Spec: ref.Spec, Sealed: other.Sealed},
			"no sealed bytes":   {Provider: ref.Provider, ID: ref.ID, Spec: ref.Spec},
			"more sealed bytes": {Provider: ref.Provider, ID: ref.ID, Spec: ref.Spec, Sealed: append(bytes.Clone(ref.Sealed), 0)},
		} {
			_, err := p.Open(t.Context(), changed)
			assert.ErrorIs(t, err, material.ErrRef, name)
		}
		_, err := p.Open(t.Context(), material.Ref{Provider: ref.Provider, ID: ref.ID, Spec: "NO_SUCH_SPEC", Sealed: ref.Sealed})
		assert.ErrorIs(t, err, material.ErrUnsupported)
	})
	t.Run("are refused when a byte is changed or missing", func(t *testing.T) {
		for i := range ref.Sealed {
			changed := ref
			changed.Sealed = bytes.Clone(ref.Sealed)
			changed.Sealed[i] ^= 1
			_, err := p.Open(t.Context(), changed)
			require.ErrorIs(t, err, material.ErrRef, "byte %d", i)
			changed.Sealed = ref.Sealed[:i]
			_, err = p.Open(t.Context(), changed)
			require.ErrorIs(t, err, material.ErrRef, "first %d bytes", i)
		}
	})
}

// testSecrecy compares what is printed of two keys: the suite does not know the
// material, but a key that prints its own prints otherwise than its neighbour.
func testSecrecy(t *testing.T, s Subject) {
	p := s.New(t)
	a := Cipher(t, p, Generate(t, p, "materialtest print a"))
	b := Cipher(t, p, Generate(t, p, "materialtest print b"))
	for _, format := range []string{"%v", "%+v", "%s", "%q", "%x", "%X"} {
		assert.Equal(t, fmt.Sprintf(format, a), fmt.Sprintf(format, b), "an opened key under %s prints something of its own", format)
	}
}
