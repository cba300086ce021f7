package software_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/material/materialtest"
	"github.com/keyreeve/keyreeve/crypto/material/software"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

func newRoot(t testing.TB) *seal.RootKey {
	t.Helper()
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), crand.Reader)
	require.NoError(t, err)
	return root
}

func newProvider(t testing.TB, c software.Config) *software.Provider {
	t.Helper()
	if c.Root == nil {
		c.Root = newRoot(t)
	}
	p, err := software.New(c)
	require.NoError(t, err)
	return p
}

func everySpec() (specs []spec.KeySpec) {
	for _, e := range spec.All() {
		specs = append(specs, e.Spec)
	}
	return specs
}

func TestConformance(t *testing.T) {
	root, other := newRoot(t), newRoot(t)
	materialtest.Run(t, materialtest.Subject{
		New:      func(t testing.TB) material.Provider { return newProvider(t, software.Config{Root: root}) },
		Stranger: func(t testing.TB) material.Provider { return newProvider(t, software.Config{Root: other}) },
		Specs:    everySpec(),
	})
}

func TestConformanceWithTheSmallestCaches(t *testing.T) {
	root, other := newRoot(t), newRoot(t)
	config := software.Config{Opened: 1, Pending: 1}
	materialtest.Run(t, materialtest.Subject{
		New:      func(t testing.TB) material.Provider { config.Root = root; return newProvider(t, config) },
		Stranger: func(t testing.TB) material.Provider { config.Root = other; return newProvider(t, config) },
		Specs:    everySpec(),
	})
}

func TestConfigIsChecked(t *testing.T) {
	root := newRoot(t)
	for name, c := range map[string]software.Config{
		"no root key":      {},
		"negative opened":  {Root: root, Opened: -1},
		"negative pending": {Root: root, Pending: -1},
	} {
		_, err := software.New(c)
		assert.Error(t, err, name)
	}
}

// recorder keeps what is drawn from crypto/rand, so that a test knows the
// material.
type recorder struct {
	mu    sync.Mutex
	drawn [][]byte
}

func (r *recorder) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := crand.Read(b)
	r.drawn = append(r.drawn, bytes.Clone(b[:n]))
	return n, err
}

func TestMaterialNeverShows(t *testing.T) {
	rand := new(recorder)
	p := newProvider(t, software.Config{Rand: rand})
	ref := materialtest.Generate(t, p, "m")
	c := materialtest.Cipher(t, p, ref)
	require.Len(t, rand.drawn[0], seal.SecretSize)
	secret := rand.drawn[0]
	rand.drawn = nil

	shown := map[string]string{"the sealed material": string(ref.Sealed)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%U", "%c"} {
		shown["Ref under "+verb] = fmt.Sprintf(verb, ref)
		shown["Key under "+verb] = fmt.Sprintf(verb, c)
		shown["Provider under "+verb] = fmt.Sprintf(verb, p)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "ref", ref, "key", c, "provider", p)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "ref", ref, "key", c, "provider", p)
	shown["logs"] = log.String()
	text, err := json.Marshal([]any{ref, c, p})
	require.NoError(t, err)
	shown["json"] = string(text)
	ciphertext, err := c.Encrypt(t.Context(), []byte("plaintext"), nil)
	require.NoError(t, err)
	shown["a ciphertext"] = string(ciphertext)

	for where, text := range shown {
		for _, form := range []string{
			string(secret[:8]), fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%X", secret[:8]),
			fmt.Sprintf("%v", secret[:8])[1:20], fmt.Sprintf("%#v", secret[:8])[7:30],
		} {
			assert.NotContains(t, text, form, where)
		}
	}
}

func TestGenerateTriesAgainAfterAFailure(t *testing.T) {
	broken := errors.New("broken")
	rand := &switched{err: broken}
	p := newProvider(t, software.Config{Rand: rand})
	_, err := p.Generate(t.Context(), "m", spec.SymmetricDefault)
	require.ErrorIs(t, err, broken)
	rand.err = nil
	materialtest.Generate(t, p, "m")
}

// switched is crypto/rand, or an error.
type switched struct{ err error }

func (s *switched) Read(b []byte) (int, error) {
	if s.err != nil {
		return iotest.ErrReader(s.err).Read(b)
	}
	return crand.Read(b)
}

// TestRecentMaterialIsNotUnsealedAgain finds opened keys in the cache by their
// identity.
func TestRecentMaterialIsNotUnsealedAgain(t *testing.T) {
	p := newProvider(t, software.Config{Opened: 8 << 10})
	open := func(ref material.Ref) material.Key {
		key, err := p.Open(context.Background(), ref)
		require.NoError(t, err)
		return key
	}
	refs := make([]material.Ref, 24)
	for i := range refs {
		refs[i] = materialtest.Generate(t, p, fmt.Sprint(i))
		key := open(refs[i])
		assert.Same(t, key, open(refs[i]))
	}
	first := open(refs[0])
	for _, ref := range refs {
		open(ref)
		assert.Same(t, first, open(refs[0]), "what is in use stays")
	}
	o := p.Opened()
	assert.LessOrEqual(t, o.Bytes, 8<<10)
	assert.Less(t, o.Keys, len(refs))
	assert.Positive(t, o.Keys)
	assert.GreaterOrEqual(t, o.Hits, uint64(2*len(refs)))
	assert.GreaterOrEqual(t, o.Misses, uint64(len(refs)))
}

// TestOpenedKeysAreBoundedByTheirSize: of ML-DSA keys, which are two hundred
// times as large as others, fewer are kept.
func TestOpenedKeysAreBoundedByTheirSize(t *testing.T) {
	const most = 1 << 20
	kept := map[spec.KeySpec]int{}
	for _, s := range []spec.KeySpec{spec.MLDSA87, spec.HMAC256} {
		p := newProvider(t, software.Config{Opened: most})
		for i := range 16 {
			ref, err := p.Generate(t.Context(), fmt.Sprint(i), s)
			require.NoError(t, err)
			_, err = p.Open(t.Context(), ref)
			require.NoError(t, err)
		}
		kept[s] = p.Opened().Keys
		assert.LessOrEqual(t, p.Opened().Bytes, most)
	}
	assert.Equal(t, map[spec.KeySpec]int{spec.MLDSA87: 4, spec.HMAC256: 16}, kept)
}

// TestForgottenMaterialIsUnsealedAgain: nothing of deleted material stays in
// the provider's memory.
func TestForgottenMaterialIsUnsealedAgain(t *testing.T) {
	p := newProvider(t, software.Config{})
	gone, kept := materialtest.Generate(t, p, "gone"), materialtest.Generate(t, p, "kept")
	open := func(ref material.Ref) material.Key {
		key, err := p.Open(t.Context(), ref)
		require.NoError(t, err)
		return key
	}
	goneKey, keptKey := open(gone), open(kept)
	p.Forget(gone)
	assert.NotSame(t, goneKey, open(gone))
	assert.Same(t, keptKey, open(kept))
	again, err := p.Generate(t.Context(), "gone", gone.Spec)
	require.NoError(t, err)
	assert.NotEqual(t, gone.Sealed, again.Sealed, "a repeated Generate does not bring it back")
}

func BenchmarkOpen(b *testing.B) {
	p := newProvider(b, software.Config{})
	ref := materialtest.Generate(b, p, "m")
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = p.Open(b.Context(), ref)
		}
	})
	b.Run("not cached", func(b *testing.B) {
		small := newProvider(b, software.Config{Opened: 1})
		refs := make([]material.Ref, 100)
		for i := range refs {
			refs[i] = materialtest.Generate(b, small, fmt.Sprint(i))
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _ = small.Open(b.Context(), refs[i%len(refs)])
		}
	})
}
