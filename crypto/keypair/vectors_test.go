package keypair

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha3"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/mldsa"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair/mu"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// A vector is a test of Wycheproof, of any of its schemas.
type vector struct {
	ID      int `json:"tcId"`
	Comment string
	Flags   []string
	Result  string

	Msg, Sig, Ct, Label, Ctx, Mu hexBytes
	Public, Private, Shared      hexBytes
}

// A group is what some vectors have in common.
type group struct {
	PublicKeyDer    hexBytes
	PrivateKeyPkcs8 hexBytes
	PrivateSeed     hexBytes
	PublicKey       json.RawMessage // an object, or for ML-DSA hexadecimal
	Tests           []vector
}

func groups(t *testing.T, name string) []group {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "wycheproof", name+".json.gz"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var file struct {
		NumberOfTests int
		TestGroups    []group
	}
	require.NoError(t, json.NewDecoder(z).Decode(&file))
	seen := 0
	for _, g := range file.TestGroups {
		seen += len(g.Tests)
	}
	require.Equal(t, file.NumberOfTests, seen)
	require.NotZero(t, seen)
	return file.TestGroups
}

// verifier makes what verifies with a public key alone.
func verifier(t *testing.T, s spec.KeySpec, der []byte) material.Signer {
	t.Helper()
	if s == spec.ECCSECGP256K1 {
		key, err := secp256k1.ParsePubKey(der[len(der)-65:])
		require.NoError(t, err)
		return &koblitzKey{point: key}
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	require.NoError(t, err)
	switch key := parsed.(type) {
	case *rsa.PublicKey:
		return &rsaKey{key: &rsa.PrivateKey{PublicKey: *key}}
	case *ecdsa.PublicKey:
		return &nistKey{key: &ecdsa.PrivateKey{PublicKey: *key}, algorithm: nistCurves[s].algorithm}
	case ed25519.PublicKey:
		return &edwardsKey{key: append(make([]byte, 32), key...)}
	default:
		require.Failf(t, "unknown key", "%T", parsed)
		return nil
	}
}

func TestWycheproofSignatures(t *testing.T) {
	for _, c := range []struct {
		file string
		spec spec.KeySpec
		a    spec.Algorithm
	}{
		{"ecdsa_secp256r1_sha256", spec.ECCNISTP256, spec.ECDSASHA256},
		{"ecdsa_secp384r1_sha384", spec.ECCNISTP384, spec.ECDSASHA384},
		{"ecdsa_secp521r1_sha512", spec.ECCNISTP521, spec.ECDSASHA512},
		{"ecdsa_secp256k1_sha256", spec.ECCSECGP256K1, spec.ECDSASHA256},
		{"ed25519", spec.ECCNISTEdwards25519, spec.ED25519SHA512},
		{"rsa_pss_2048_sha256_mgf1_32", spec.RSA2048, spec.RSASSAPSSSHA256},
		{"rsa_pss_2048_sha384_mgf1_48", spec.RSA2048, spec.RSASSAPSSSHA384},
		{"rsa_pss_3072_sha256_mgf1_32", spec.RSA3072, spec.RSASSAPSSSHA256},
		{"rsa_pss_4096_sha512_mgf1_64", spec.RSA4096, spec.RSASSAPSSSHA512},
		{"rsa_signature_2048_sha256", spec.RSA2048, spec.RSASSAPKCS1SHA256},
		{"rsa_signature_2048_sha384", spec.RSA2048, spec.RSASSAPKCS1SHA384},
		{"rsa_signature_3072_sha512", spec.RSA3072, spec.RSASSAPKCS1SHA512},
		{"rsa_signature_4096_sha256", spec.RSA4096, spec.RSASSAPKCS1SHA256},
	} {
		for _, g := range groups(t, c.file) {
			key := verifier(t, c.spec, g.PublicKeyDer)
			for _, v := range g.Tests {
				err := key.Verify(t.Context(), c.a, material.Message{Type: material.Raw, Bytes: v.Msg}, v.Sig)
				if v.Result == "acceptable" { // PKCS #1 v1.5 without the NULL of its parameters
					continue
				}
				assert.Equal(t, v.Result == "valid", err == nil, "%s %d: %s", c.file, v.ID, v.Comment)
			}
		}
	}
}

func TestWycheproofOAEP(t *testing.T) {
	for file, c := range map[string]struct {
		spec spec.KeySpec
		a    spec.Algorithm
	}{
		"rsa_oaep_2048_sha1_mgf1sha1":     {spec.RSA2048, spec.RSAESOAEPSHA1},
		"rsa_oaep_2048_sha256_mgf1sha256": {spec.RSA2048, spec.RSAESOAEPSHA256},
		"rsa_oaep_3072_sha256_mgf1sha256": {spec.RSA3072, spec.RSAESOAEPSHA256},
		"rsa_oaep_4096_sha256_mgf1sha256": {spec.RSA4096, spec.RSAESOAEPSHA256},
	} {
		for _, g := range groups(t, file) {
			pair, err := Open(c.spec, seal.NewSecret(g.PrivateKeyPkcs8))
			require.NoError(t, err)
			for _, v := range g.Tests {
				plaintext, err := pair.(material.PublicCipher).DecryptPrivate(t.Context(), c.a, v.Ct)
				valid := v.Result == "valid" && len(v.Label) == 0 // the API has no label
				assert.Equal(t, valid, err == nil, "%s %d: %s", file, v.ID, v.Comment)
				if valid {
					assert.Equal(t, []byte(v.Msg), append([]byte{}, plaintext.Expose()...), "%s %d", file, v.ID)
				} else {
					assert.ErrorIs(t, err, material.ErrCiphertext, "%s %d", file, v.ID)
				}
			}
		}
	}
}

func TestWycheproofECDH(t *testing.T) {
	for file, c := range map[string]struct {
		spec  spec.KeySpec
		curve ecdh.Curve
		form  elliptic.Curve
	}{
		"ecdh_secp256r1": {spec.ECCNISTP256, ecdh.P256(), elliptic.P256()},
		"ecdh_secp384r1": {spec.ECCNISTP384, ecdh.P384(), elliptic.P384()},
		"ecdh_secp521r1": {spec.ECCNISTP521, ecdh.P521(), elliptic.P521()},
	} {
		size := (c.form.Params().BitSize + 7) / 8
		for _, g := range groups(t, file) {
			for _, v := range g.Tests {
				scalar := append(make([]byte, size), v.Private...)
				private, err := c.curve.NewPrivateKey(scalar[len(scalar)-size:])
				require.NoError(t, err)
				key := &nistKey{key: &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: c.form}}, agreement: private}
				shared, err := key.Derive(t.Context(), v.Public)
				if v.Result == "acceptable" && err != nil { // compressed points, curves without a name
					continue
				}
				require.Equal(t, v.Result != "invalid", err == nil, "%s %d: %s: %v", file, v.ID, v.Comment, err)
				if err == nil {
					assert.Equal(t, []byte(v.Shared), shared.Expose(), "%s %d", file, v.ID)
				}
			}
		}
	}
}

// representative is μ of a message under the empty context (FIPS 204,
// algorithms 2 and 7).
func representative(public, context, message []byte) []byte {
	tr := sha3.SumSHAKE256(public, 64)
	h := sha3.NewSHAKE256()
	for _, part := range [][]byte{tr, {0, byte(len(context))}, context, message} {
		_, _ = h.Write(part)
	}
	m := make([]byte, mu.Size)
	_, _ = h.Read(m)
	return m
}

var latticeFiles = map[string]spec.KeySpec{"mldsa_44": spec.MLDSA44, "mldsa_65": spec.MLDSA65, "mldsa_87": spec.MLDSA87}

// TestWycheproofMLDSAVerify: the message is verified by circl, and its
// representative by package mu; both must say what the vector says.
func TestWycheproofMLDSAVerify(t *testing.T) {
	for file, s := range latticeFiles {
		l := lattices[s]
		for _, g := range groups(t, file+"_verify") {
			var encoded hexBytes
			require.NoError(t, json.Unmarshal(g.PublicKey, &encoded))
			public, err := l.scheme.UnmarshalBinaryPublicKey(encoded)
			for _, v := range g.Tests {
				valid := v.Result == "valid"
				if len(v.Ctx) > 255 { // no representative has such a context
					require.False(t, valid)
					continue
				}
				assert.Equal(t, valid, mu.Verify(l.mu, encoded, representative(encoded, v.Ctx, v.Msg), v.Sig), "%s %d: %s", file, v.ID, v.Comment)
				if err != nil {
					require.False(t, valid, "%s %d: %s", file, v.ID, v.Comment)
					continue
				}
				if len(v.Ctx) == 0 {
					assert.Equal(t, valid, l.scheme.Verify(public, v.Msg, v.Sig, nil), "%s %d: %s", file, v.ID, v.Comment)
				}
			}
		}
	}
}

// TestWycheproofMLDSASign: circl and filippo.io/mldsa sign alike, when neither
// adds randomness, and as the vectors say.
func TestWycheproofMLDSASign(t *testing.T) {
	for file, s := range latticeFiles {
		l := lattices[s]
		signed := 0
		for _, g := range groups(t, file+"_sign_seed") {
			if len(g.PrivateSeed) != mldsa.PrivateKeySize {
				continue
			}
			_, private := l.scheme.DeriveKey(g.PrivateSeed)
			external, err := mldsa.NewPrivateKey(l.parameters, g.PrivateSeed)
			require.NoError(t, err)
			for _, v := range g.Tests {
				if v.Result != "valid" {
					continue
				}
				random := v.Comment == "randomized valid signature"
				if len(v.Ctx) == 0 && len(v.Msg) > 0 && !random {
					assert.True(t, bytes.Equal(v.Sig, l.scheme.Sign(private, v.Msg, nil)), "%s %d: %s", file, v.ID, v.Comment)
				}
				if len(v.Mu) == mu.Size {
					signature, err := external.SignDeterministic(v.Mu, externalMu{})
					require.NoError(t, err)
					assert.Equal(t, !random, bytes.Equal(v.Sig, signature), "%s %d: %s", file, v.ID, v.Comment)
					assert.True(t, mu.Verify(l.mu, external.PublicKey().Bytes(), v.Mu, v.Sig), "%s %d", file, v.ID)
					signed++
				}
			}
		}
		assert.NotZero(t, signed, file)
	}
}
