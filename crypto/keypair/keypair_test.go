package keypair_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/crypto/testtool"
)

// made keeps one pair of each spec: RSA keys take long to make.
var made = map[spec.KeySpec]seal.Secret{}

func open(t testing.TB, s spec.KeySpec) (material.Pair, seal.Secret) {
	t.Helper()
	private, ok := made[s]
	if !ok {
		private = generate(t, s)
		made[s] = private
	}
	pair, err := keypair.Open(s, private)
	require.NoError(t, err)
	require.Equal(t, s, pair.Spec())
	return pair, private
}

func generate(t testing.TB, s spec.KeySpec) seal.Secret {
	t.Helper()
	private, err := keypair.Generate(s)
	require.NoError(t, err)
	return private
}

func pairs() []spec.Entry {
	return slices.DeleteFunc(spec.All(), func(e spec.Entry) bool { return !keypair.Known(e.Spec) })
}

// TestEveryPairOfTheVocabulary: whatever the table permits a pair to do, it does.
func TestEveryPairOfTheVocabulary(t *testing.T) {
	known := 0
	for _, e := range spec.All() {
		for _, u := range e.Usages() {
			asymmetric := u == spec.SignVerify || u == spec.KeyAgreement || u == spec.EncryptDecrypt && e.Spec != spec.SymmetricDefault
			assert.Equal(t, asymmetric, keypair.Known(e.Spec), "%s %s", e.Spec, u)
		}
	}
	for _, e := range pairs() {
		pair, _ := open(t, e.Spec)
		for _, u := range e.Usages() {
			for _, a := range e.Algorithms(u) {
				known++
				switch u {
				case spec.SignVerify:
					testSigner(t, pair.(material.Signer), a)
				case spec.EncryptDecrypt:
					testCipher(t, e, pair.(material.PublicCipher), a)
				case spec.KeyAgreement:
					testAgreement(t, pair.(material.Agreement))
				default:
					assert.Fail(t, "no test of usage", u)
				}
			}
		}
	}
	assert.Greater(t, known, 30)
}

// messages are those that go with an algorithm, and wrong those that do not.
func messages(a spec.Algorithm) (right, wrong []material.Message) {
	raw := material.Message{Type: material.Raw, Bytes: []byte("message")}
	mu := material.Message{Type: material.ExternalMu, Bytes: bytes.Repeat([]byte{1}, 64)}
	short := material.Message{Type: material.ExternalMu, Bytes: bytes.Repeat([]byte{1}, 63)}
	size := spec.DigestSize(a)
	digest := material.Message{Type: material.Digest, Bytes: bytes.Repeat([]byte{1}, max(size, 32))}
	long := material.Message{Type: material.Digest, Bytes: bytes.Repeat([]byte{1}, size+1)}
	none := material.Message{Bytes: []byte("message")}
	switch a {
	case spec.MLDSASHAKE256:
		return []material.Message{raw, mu}, []material.Message{short, digest, long, none}
	case spec.ED25519SHA512:
		return []material.Message{raw}, []material.Message{digest, long, mu, none}
	case spec.ED25519PHSHA512:
		return []material.Message{digest}, []material.Message{raw, long, mu, none}
	default:
		return []material.Message{raw, digest}, []material.Message{long, mu, none}
	}
}

func testSigner(t *testing.T, s material.Signer, a spec.Algorithm) {
	t.Helper()
	right, wrong := messages(a)
	for _, m := range right {
		signature, err := s.Sign(t.Context(), a, m)
		require.NoError(t, err, "%s %s", s.Spec(), a)
		require.NoError(t, s.Verify(t.Context(), a, m, signature), "%s %s", s.Spec(), a)
		for _, bad := range [][]byte{nil, signature[:len(signature)-1], slices.Concat(signature, []byte{0}), flipped(signature)} {
			assert.ErrorIs(t, s.Verify(t.Context(), a, m, bad), material.ErrSignature, "%s %s", s.Spec(), a)
		}
		other := material.Message{Type: m.Type, Bytes: flipped(m.Bytes)}
		assert.ErrorIs(t, s.Verify(t.Context(), a, other, signature), material.ErrSignature, "%s %s", s.Spec(), a)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = s.Sign(ctx, a, m)
		assert.ErrorIs(t, err, context.Canceled)
		_, err = s.Sign(t.Context(), spec.HMACSHA256, m)
		assert.ErrorIs(t, err, material.ErrUnsupported)
	}
	for _, m := range wrong {
		_, err := s.Sign(t.Context(), a, m)
		assert.ErrorIs(t, err, material.ErrMessage, "%s %s %v", s.Spec(), a, m.Type)
		assert.ErrorIs(t, s.Verify(t.Context(), a, m, []byte{1}), material.ErrMessage, "%s %s %v", s.Spec(), a, m.Type)
	}
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 1
	return b
}

func testCipher(t *testing.T, e spec.Entry, c material.PublicCipher, a spec.Algorithm) {
	t.Helper()
	most, ok := e.MaxPlaintext(a)
	require.True(t, ok)
	for _, n := range []int{1, most} {
		plaintext := bytes.Repeat([]byte{7}, n)
		ciphertext, err := c.EncryptPublic(t.Context(), a, plaintext)
		require.NoError(t, err, "%s %s %d", e.Spec, a, n)
		opened, err := c.DecryptPrivate(t.Context(), a, ciphertext)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(plaintext, opened.Expose()))
		for _, bad := range [][]byte{nil, {1}, flipped(ciphertext), ciphertext[1:]} {
			_, err = c.DecryptPrivate(t.Context(), a, bad)
			assert.ErrorIs(t, err, material.ErrCiphertext, "%s %s", e.Spec, a)
		}
	}
	_, err := c.EncryptPublic(t.Context(), spec.EncryptSymmetricDefault, []byte{1})
	assert.ErrorIs(t, err, material.ErrUnsupported)
	_, err = c.DecryptPrivate(t.Context(), spec.EncryptSymmetricDefault, []byte{1})
	assert.ErrorIs(t, err, material.ErrUnsupported)
}

func testAgreement(t *testing.T, a material.Agreement) {
	t.Helper()
	peer, err := keypair.Open(a.Spec(), generate(t, a.Spec()))
	require.NoError(t, err)
	own, err := a.Derive(t.Context(), peer.Public())
	require.NoError(t, err)
	theirs, err := peer.(material.Agreement).Derive(t.Context(), a.Public())
	require.NoError(t, err)
	assert.True(t, own.Equal(theirs))
	for _, s := range []spec.KeySpec{spec.ECCNISTP256, spec.ECCNISTP384, spec.SM2, spec.ECCSECGP256K1, spec.ECCNISTEdwards25519} {
		if s == a.Spec() {
			continue
		}
		stranger, _ := open(t, s)
		_, err = a.Derive(t.Context(), stranger.Public())
		assert.ErrorIs(t, err, material.ErrPeer, "%s with %s", a.Spec(), s)
	}
	longer := decode[spkiKey](t, peer.Public())
	longer.More = null
	parameters := decode[spkiKey](t, peer.Public())
	parameters.Algorithm.More = null
	for _, bad := range [][]byte{nil, {0x30, 0}, flipped(peer.Public()), peer.Public()[:40], append(peer.Public(), 5, 0), encode(t, longer), encode(t, parameters)} {
		_, err = a.Derive(t.Context(), bad)
		assert.ErrorIs(t, err, material.ErrPeer)
	}
}

func TestOpenRefusesWhatIsNotAKeyOfTheSpec(t *testing.T) {
	all := map[spec.KeySpec]seal.Secret{}
	for _, e := range pairs() {
		_, all[e.Spec] = open(t, e.Spec)
	}
	for s, private := range all {
		for other := range all {
			if other == s {
				continue
			}
			_, err := keypair.Open(other, private)
			assert.ErrorIs(t, err, keypair.ErrForm, "%s as %s", s, other)
		}
		der := private.Expose()
		for _, bad := range [][]byte{nil, der[:len(der)/2], slices.Concat(der, []byte{0})} {
			_, err := keypair.Open(s, seal.NewSecret(bytes.Clone(bad)))
			assert.ErrorIs(t, err, keypair.ErrForm, "%s of %d bytes", s, len(bad))
		}
	}
	_, err := keypair.Open(spec.SymmetricDefault, seal.Secret{})
	assert.ErrorIs(t, err, material.ErrUnsupported)
	_, err = keypair.Generate(spec.HMAC256)
	assert.ErrorIs(t, err, material.ErrUnsupported)
}

func TestPairsPrintAsTheirSpec(t *testing.T) {
	for _, e := range pairs() {
		pair, _ := open(t, e.Spec)
		want := string(e.Spec) + " pair"
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			assert.Equal(t, want, fmt.Sprintf(verb, pair), "%s under %s", e.Spec, verb)
		}
		text, err := json.Marshal(pair)
		require.NoError(t, err)
		assert.JSONEq(t, `"`+want+`"`, string(text))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "pair", pair)
		assert.Contains(t, log.String(), want)
	}
}

// openssl runs the second implementation, and returns what it printed.
func openssl(t *testing.T, dir string, args ...string) string {
	t.Helper()
	testtool.Need(t, "openssl")
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "openssl %v: %s", args, out)
	return string(out)
}

func write(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
}

// TestOpenSSLVerifies: public keys are read, and signatures verified, by
// another implementation, as far as it knows the algorithms.
func TestOpenSSLVerifies(t *testing.T) {
	for _, c := range []struct {
		spec    spec.KeySpec
		a       spec.Algorithm
		options []string
	}{
		{spec.RSA2048, spec.RSASSAPKCS1SHA256, nil},
		{spec.RSA2048, spec.RSASSAPSSSHA256, []string{"-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"}},
		{spec.RSA3072, spec.RSASSAPSSSHA384, []string{"-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"}},
		{spec.RSA4096, spec.RSASSAPKCS1SHA512, nil},
		{spec.ECCNISTP256, spec.ECDSASHA256, nil},
		{spec.ECCNISTP384, spec.ECDSASHA384, nil},
		{spec.ECCNISTP521, spec.ECDSASHA512, nil},
		{spec.ECCSECGP256K1, spec.ECDSASHA256, nil},
	} {
		dir := t.TempDir()
		pair, private := open(t, c.spec)
		message := []byte("a message for two implementations")
		sum := map[int][]byte{32: sum256(message), 48: sum384(message), 64: sum512(message)}[spec.DigestSize(c.a)]
		signature, err := pair.(material.Signer).Sign(t.Context(), c.a, material.Message{Type: material.Raw, Bytes: message})
		require.NoError(t, err)
		write(t, dir, "public.der", pair.Public())
		write(t, dir, "private.der", private.Expose())
		write(t, dir, "digest", sum)
		write(t, dir, "signature", signature)
		hash := map[int]string{32: "sha256", 48: "sha384", 64: "sha512"}[len(sum)]
		options := append([]string{"-in", "digest", "-pkeyopt", "digest:" + hash}, c.options...)
		verify := append([]string{"pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-sigfile", "signature"}, options...)
		assert.Contains(t, openssl(t, dir, verify...), "Signature Verified Successfully", "%s %s", c.spec, c.a)

		sign := append([]string{"pkeyutl", "-sign", "-keyform", "DER", "-inkey", "private.der", "-out", "theirs"}, options...)
		openssl(t, dir, sign...)
		theirs, err := os.ReadFile(filepath.Join(dir, "theirs"))
		require.NoError(t, err)
		digest := material.Message{Type: material.Digest, Bytes: sum}
		assert.NoError(t, pair.(material.Signer).Verify(t.Context(), c.a, digest, theirs), "%s %s", c.spec, c.a)
	}
}

func TestOpenSSLEncrypts(t *testing.T) {
	for a, hash := range map[spec.Algorithm]string{spec.RSAESOAEPSHA1: "sha1", spec.RSAESOAEPSHA256: "sha256"} {
		dir := t.TempDir()
		pair, _ := open(t, spec.RSA2048)
		write(t, dir, "public.der", pair.Public())
		write(t, dir, "plaintext", []byte("plaintext"))
		openssl(t, dir, "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-in", "plaintext", "-out", "ciphertext",
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+hash, "-pkeyopt", "rsa_mgf1_md:"+hash)
		ciphertext, err := os.ReadFile(filepath.Join(dir, "ciphertext"))
		require.NoError(t, err)
		opened, err := pair.(material.PublicCipher).DecryptPrivate(t.Context(), a, ciphertext)
		require.NoError(t, err)
		assert.Equal(t, "plaintext", string(opened.Expose()))
	}
}

func TestDigestAndMessageAreOneSignature(t *testing.T) {
	pair, _ := open(t, spec.ECCNISTP384)
	s := pair.(material.Signer)
	message := []byte("message")
	signature, err := s.Sign(t.Context(), spec.ECDSASHA384, material.Message{Type: material.Raw, Bytes: message})
	require.NoError(t, err)
	assert.NoError(t, s.Verify(t.Context(), spec.ECDSASHA384, material.Message{Type: material.Digest, Bytes: sum384(message)}, signature))
}

func TestDigestSizesAreThoseOfTheHashes(t *testing.T) {
	for a, h := range map[spec.Algorithm]crypto.Hash{
		spec.RSASSAPKCS1SHA256: crypto.SHA256, spec.RSASSAPSSSHA384: crypto.SHA384, spec.ECDSASHA512: crypto.SHA512, spec.ED25519PHSHA512: crypto.SHA512,
	} {
		assert.Equal(t, h.Size(), spec.DigestSize(a), a)
	}
	assert.Equal(t, 32, spec.DigestSize(spec.SM2DSA))
	assert.Zero(t, spec.DigestSize(spec.MLDSASHAKE256))
	assert.Zero(t, spec.DigestSize(spec.ED25519SHA512))
}

func sum256(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
func sum384(b []byte) []byte { s := sha512.Sum384(b); return s[:] }
func sum512(b []byte) []byte { s := sha512.Sum512(b); return s[:] }

// FuzzOpen: bytes from outside are a key or an error, and never shown.
func FuzzOpen(f *testing.F) {
	specs := pairs()
	for i, e := range specs {
		if e.Bits > 3000 && e.Spec != spec.RSA3072 { // slow to make
			continue
		}
		private, err := keypair.Generate(e.Spec)
		require.NoError(f, err)
		f.Add(byte(i), private.Expose())
	}
	f.Fuzz(func(t *testing.T, i byte, der []byte) {
		e := specs[int(i)%len(specs)]
		pair, err := keypair.Open(e.Spec, seal.NewSecret(der))
		if err != nil {
			assert.ErrorIs(t, err, keypair.ErrForm)
			return
		}
		assert.NotEmpty(t, pair.Public())
		one, err := keypair.Canonical(e.Spec, seal.NewSecret(der))
		if err != nil {
			assert.ErrorIs(t, err, keypair.ErrForm)
			return
		}
		again, err := keypair.Canonical(e.Spec, one)
		require.NoError(t, err)
		assert.Equal(t, one.Expose(), again.Expose())
	})
}

func BenchmarkSign(b *testing.B) {
	for _, c := range []struct {
		spec spec.KeySpec
		a    spec.Algorithm
	}{
		{spec.RSA2048, spec.RSASSAPSSSHA256}, {spec.RSA4096, spec.RSASSAPSSSHA512}, {spec.ECCNISTP256, spec.ECDSASHA256},
		{spec.ECCNISTEdwards25519, spec.ED25519SHA512}, {spec.ECCSECGP256K1, spec.ECDSASHA256}, {spec.SM2, spec.SM2DSA},
		{spec.MLDSA44, spec.MLDSASHAKE256}, {spec.MLDSA65, spec.MLDSASHAKE256}, {spec.MLDSA87, spec.MLDSASHAKE256},
	} {
		pair, _ := open(b, c.spec)
		s := pair.(material.Signer)
		m := material.Message{Type: material.Raw, Bytes: make([]byte, 1024)}
		b.Run(string(c.spec), func(b *testing.B) {
			for b.Loop() {
				_, err := s.Sign(b.Context(), c.a, m)
				require.NoError(b, err)
			}
		})
	}
}
