package wrap_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/crypto/testtool"
	"github.com/keyreeve/keyreeve/crypto/wrap"
)

// A shop is a directory in which openssl works.
type shop struct {
	t   testing.TB
	dir string
}

func (s shop) openssl(args ...string) []byte {
	s.t.Helper()
	testtool.Need(s.t, "openssl")
	cmd := exec.CommandContext(s.t.Context(), "openssl", args...)
	cmd.Dir = s.dir
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	require.NoError(s.t, err, "openssl %v: %s", args, faults.String())
	return out
}

func (s shop) read(name string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	require.NoError(s.t, err)
	return b
}

func (s shop) write(name string, b []byte) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, name), b, 0o600))
}

// material makes material of a spec, as the guide's steps do.
func (s shop) material(of spec.KeySpec) []byte {
	s.t.Helper()
	options := map[spec.KeySpec][]string{
		spec.RSA2048: {"-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"}, spec.RSA3072: {"-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:3072"},
		spec.RSA4096:     {"-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:4096"},
		spec.ECCNISTP256: {"-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, spec.ECCNISTP384: {"-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"},
		spec.ECCNISTP521: {"-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"}, spec.ECCSECGP256K1: {"-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"},
		spec.ECCNISTEdwards25519: {"-algorithm", "ed25519"}, spec.SM2: {"-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:SM2"},
	}
	if sizes := map[spec.KeySpec]string{spec.SymmetricDefault: "32", spec.HMAC224: "28", spec.HMAC256: "32", spec.HMAC384: "48", spec.HMAC512: "64"}; sizes[of] != "" {
		return s.openssl("rand", sizes[of])
	}
	if options[of] == nil {
		private, err := keypair.Generate(of) // this openssl may not know ML-DSA
		require.NoError(s.t, err)
		return private.Expose()
	}
	s.write("private.pem", s.openssl(append([]string{"genpkey"}, options[of]...)...))
	return s.openssl("pkcs8", "-topk8", "-outform", "der", "-nocrypt", "-in", "private.pem")
}

// wrapped wraps material for a public key, as the guide's steps do.
func (s shop) wrapped(a wrap.Algorithm, public, material []byte) []byte {
	s.t.Helper()
	hash := map[wrap.Algorithm]string{wrap.OAEPSHA1: "sha1", wrap.AESKeyWrapS1: "sha1", wrap.OAEPSHA256: "sha256", wrap.AESKeyWrapS2: "sha256"}[a]
	s.write("public.der", public)
	s.write("material", material)
	oaep := func(in, out string) {
		s.openssl("pkeyutl", "-encrypt", "-in", in, "-out", out, "-inkey", "public.der", "-keyform", "DER", "-pubin",
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+hash, "-pkeyopt", "rsa_mgf1_md:"+hash)
	}
	if a == wrap.OAEPSHA1 || a == wrap.OAEPSHA256 {
		oaep("material", "wrapped")
		return s.read("wrapped")
	}
	key := s.openssl("rand", "32")
	s.write("aes-key", key)
	s.openssl("enc", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(key), "-iv", "A65959A6", "-in", "material", "-out", "material-wrapped")
	oaep("aes-key", "aes-key-wrapped")
	return slices.Concat(s.read("aes-key-wrapped"), s.read("material-wrapped"))
}

var algorithms = []wrap.Algorithm{wrap.OAEPSHA1, wrap.OAEPSHA256, wrap.AESKeyWrapS1, wrap.AESKeyWrapS2}

// TestMatrixWithOpenSSL (IM-070): every kind of material under every wrapping
// key with every algorithm is unwrapped as openssl wrapped it, or does not fit.
func TestMatrixWithOpenSSL(t *testing.T) {
	s := shop{t, t.TempDir()}
	materials := map[spec.KeySpec][]byte{}
	for _, e := range spec.All() {
		materials[e.Spec] = s.material(e.Spec)
	}
	for _, wrapping := range []spec.KeySpec{spec.RSA2048, spec.RSA3072, spec.RSA4096} {
		t.Run(string(wrapping), func(t *testing.T) {
			t.Parallel()
			assert.Greater(t, shop{t, t.TempDir()}.unwrapsAll(wrapping, materials), 40)
		})
	}
}

// unwrapsAll counts the kinds of material and algorithms that it tried.
func (s shop) unwrapsAll(wrapping spec.KeySpec, materials map[spec.KeySpec][]byte) (tried int) {
	t := s.t
	private, public, err := wrap.NewKey(wrapping)
	require.NoError(t, err)
	for of, material := range materials {
		for _, a := range algorithms {
			if !wrap.Fits(of, a, wrapping) {
				continue
			}
			blob := s.wrapped(a, public, material)
			opened, err := wrap.Unwrap(t.Context(), a, private, blob)
			require.NoError(t, err, "%s %s %s", of, a, wrapping)
			assert.Equal(t, material, opened.Expose(), "%s %s %s", of, a, wrapping)
			_, err = wrap.Material(of, opened)
			require.NoError(t, err, "%s", of)
			blob[len(blob)-1] ^= 1
			_, err = wrap.Unwrap(t.Context(), a, private, blob)
			assert.ErrorIs(t, err, wrap.ErrUnwrap)
			tried++
		}
	}
	return tried
}

func TestWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		of       spec.KeySpec
		a        wrap.Algorithm
		wrapping spec.KeySpec
		fits     bool
	}{
		{spec.RSA2048, wrap.OAEPSHA256, spec.RSA4096, false},
		{spec.RSA2048, wrap.AESKeyWrapS2, spec.RSA2048, true},
		{spec.ECCNISTP521, wrap.OAEPSHA1, spec.RSA2048, false},
		{spec.ECCNISTP521, wrap.OAEPSHA1, spec.RSA3072, true},
		{spec.ECCNISTP521, wrap.AESKeyWrapS1, spec.RSA2048, true},
		{spec.SymmetricDefault, "RSAES_PKCS1_V1_5", spec.RSA2048, false},
		{spec.SymmetricDefault, wrap.OAEPSHA256, spec.ECCNISTP256, false},
		{spec.SymmetricDefault, wrap.OAEPSHA256, "NO_SUCH_SPEC", false},
		{spec.SM2, wrap.SM2Encryption, spec.SM2, true},
		{spec.SM2, wrap.SM2Encryption, spec.RSA2048, false},
		{spec.SM2, wrap.OAEPSHA256, spec.SM2, false},
	} {
		assert.Equal(t, c.fits, wrap.Fits(c.of, c.a, c.wrapping), "%s %s %s", c.of, c.a, c.wrapping)
	}
}

func TestUnwrapRefuses(t *testing.T) {
	s := shop{t, t.TempDir()}
	private, public, err := wrap.NewKey(spec.RSA2048)
	require.NoError(t, err)
	other, _, err := wrap.NewKey(spec.RSA2048)
	require.NoError(t, err)
	for _, a := range algorithms {
		blob := s.wrapped(a, public, bytes.Repeat([]byte{7}, 32))
		_, err := wrap.Unwrap(t.Context(), a, other, blob)
		assert.ErrorIs(t, err, wrap.ErrUnwrap, "another key")
		for _, b := range algorithms {
			if a != b {
				_, err := wrap.Unwrap(t.Context(), b, private, blob)
				assert.ErrorIs(t, err, wrap.ErrUnwrap, "%s as %s", a, b)
			}
		}
		for _, bad := range [][]byte{nil, {1}, blob[:len(blob)-1], append(bytes.Clone(blob), 0), make([]byte, 300)} {
			_, err := wrap.Unwrap(t.Context(), a, private, bad)
			assert.ErrorIs(t, err, wrap.ErrUnwrap, "%s of %d bytes", a, len(bad))
		}
	}
}

// TestMaterialOfOtherForms: what the guide allows beside the usual form, and
// what it refuses (IM-032, IM-033, IM-037).
func TestMaterialOfOtherForms(t *testing.T) {
	s := shop{t, t.TempDir()}
	der := func(args ...string) []byte {
		s.write("made.pem", s.openssl(append([]string{"genpkey"}, args...)...))
		return s.openssl("pkcs8", "-topk8", "-outform", "der", "-nocrypt", "-in", "made.pem")
	}
	usual := der("-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
	s.write("compressed.pem", s.openssl("ec", "-in", "made.pem", "-conv_form", "compressed"))
	compressed := s.openssl("pkcs8", "-topk8", "-outform", "der", "-nocrypt", "-in", "compressed.pem")
	// The header of the outer SEQUENCE: 30 81 87.
	indefinite := slices.Concat([]byte{0x30, 0x80}, usual[3:], []byte{0, 0})
	for name, c := range map[string]struct {
		of    spec.KeySpec
		given []byte
		fine  bool
	}{
		"as usual":                    {spec.ECCNISTP256, usual, true},
		"a compressed point":          {spec.ECCNISTP256, compressed, true},
		"BER of indefinite length":    {spec.ECCNISTP256, indefinite, true},
		"BER that does not end":       {spec.ECCNISTP256, indefinite[:len(indefinite)-2], false},
		"something after it":          {spec.ECCNISTP256, append(bytes.Clone(usual), 0), false},
		"another curve":               {spec.ECCNISTP384, usual, false},
		"PEM":                         {spec.ECCNISTP256, s.read("made.pem"), false},
		"explicit parameters":         {spec.ECCNISTP256, der("-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"), false},
		"three primes":                {spec.RSA2048, der("-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3"), false},
		"a modulus that is too long":  {spec.RSA2048, der("-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:3072"), false},
		"31 bytes of a symmetric key": {spec.SymmetricDefault, make([]byte, 31), false},
		"a symmetric key":             {spec.SymmetricDefault, make([]byte, 32), true},
		"an HMAC key of another spec": {spec.HMAC384, make([]byte, 64), false},
		"nothing":                     {spec.ECCNISTP256, nil, false},
		"nesting without end":         {spec.ECCNISTP256, bytes.Repeat([]byte{0x30, 0x80}, 3000), false},
	} {
		_, err := wrap.Material(c.of, seal.NewSecret(c.given))
		if c.fine {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorIs(t, err, wrap.ErrMaterial, name)
		}
	}
}

func FuzzMaterial(f *testing.F) {
	private, err := keypair.Generate(spec.ECCNISTP256)
	require.NoError(f, err)
	f.Add(private.Expose())
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, given []byte) {
		material, err := wrap.Material(spec.ECCNISTP256, seal.NewSecret(bytes.Clone(given)))
		if err != nil {
			assert.ErrorIs(t, err, wrap.ErrMaterial)
			return
		}
		again, err := wrap.Material(spec.ECCNISTP256, material)
		require.NoError(t, err)
		assert.Equal(t, material.Expose(), again.Expose(), "the form that is kept is its own")
	})
}
