package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/spec"
)

func TestSpecsHaveTheUsagesAndAlgorithmsOfTheGuide(t *testing.T) {
	const (
		oaep  = "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256"
		rsa   = "RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512 RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512"
		ed    = "ED25519_SHA_512 ED25519_PH_SHA_512"
		mldsa = "ML_DSA_SHAKE_256"
	)
	type uses map[spec.Usage]string
	tests := map[spec.KeySpec]uses{
		"SYMMETRIC_DEFAULT":     {"ENCRYPT_DECRYPT": "SYMMETRIC_DEFAULT"},
		"RSA_2048":              {"ENCRYPT_DECRYPT": oaep, "SIGN_VERIFY": rsa},
		"RSA_3072":              {"ENCRYPT_DECRYPT": oaep, "SIGN_VERIFY": rsa},
		"RSA_4096":              {"ENCRYPT_DECRYPT": oaep, "SIGN_VERIFY": rsa},
		"ECC_NIST_P256":         {"SIGN_VERIFY": "ECDSA_SHA_256", "KEY_AGREEMENT": "ECDH"},
		"ECC_NIST_P384":         {"SIGN_VERIFY": "ECDSA_SHA_384", "KEY_AGREEMENT": "ECDH"},
		"ECC_NIST_P521":         {"SIGN_VERIFY": "ECDSA_SHA_512", "KEY_AGREEMENT": "ECDH"},
		"ECC_NIST_EDWARDS25519": {"SIGN_VERIFY": ed},
		"ECC_SECG_P256K1":       {"SIGN_VERIFY": "ECDSA_SHA_256"},
		"SM2":                   {"ENCRYPT_DECRYPT": "SM2PKE", "SIGN_VERIFY": "SM2DSA", "KEY_AGREEMENT": "ECDH"},
		"HMAC_224":              {"GENERATE_VERIFY_MAC": "HMAC_SHA_224"},
		"HMAC_256":              {"GENERATE_VERIFY_MAC": "HMAC_SHA_256"},
		"HMAC_384":              {"GENERATE_VERIFY_MAC": "HMAC_SHA_384"},
		"HMAC_512":              {"GENERATE_VERIFY_MAC": "HMAC_SHA_512"},
		"ML_DSA_44":             {"SIGN_VERIFY": mldsa},
		"ML_DSA_65":             {"SIGN_VERIFY": mldsa},
		"ML_DSA_87":             {"SIGN_VERIFY": mldsa},
	}
	assert.Len(t, spec.All(), len(tests))
	for _, e := range spec.All() {
		want, ok := tests[e.Spec]
		require.True(t, ok, "%s is not expected", e.Spec)
		assert.Len(t, e.Usages(), len(want), "%s", e.Spec)
		for usage, algorithms := range want {
			assert.True(t, e.Permits(usage), "%s permits %s", e.Spec, usage)
			assert.Equal(t, algorithms, join(e.Algorithms(usage)), "%s for %s, in the order of SPEC-11", e.Spec, usage)
		}
	}
}

func join(algorithms []spec.Algorithm) string {
	s := ""
	for i, a := range algorithms {
		if i > 0 {
			s += " "
		}
		s += string(a)
	}
	return s
}

func TestOnlySymmetricDefaultHasADefaultUsage(t *testing.T) { // CRK-10
	for _, e := range spec.All() {
		usage, ok := e.DefaultUsage()
		assert.Equal(t, e.Spec == spec.SymmetricDefault, ok, "%s", e.Spec)
		if ok {
			assert.Equal(t, spec.EncryptDecrypt, usage)
		}
	}
}

func TestAnUnknownNameIsNothing(t *testing.T) {
	for _, name := range []string{"", "symmetric_default", "RSA_1024", "SYMMETRIC_DEFAULT "} {
		_, ok := spec.Lookup(spec.KeySpec(name))
		assert.False(t, ok, "%q as key spec", name)
		_, ok = spec.UsageOf(spec.Algorithm(name))
		assert.False(t, ok, "%q as algorithm", name)
		_, ok = spec.DataKeySpec(name).Size()
		assert.False(t, ok, "%q as data key spec", name)
	}
	e := lookup(t, spec.RSA2048)
	assert.False(t, e.Permits(""))
	assert.Nil(t, e.Algorithms(""))
	assert.False(t, e.PermitsOrigin(""))
	assert.False(t, spec.Entry{}.Permits(spec.EncryptDecrypt), "the zero entry permits nothing")
}

func TestEachAlgorithmBelongsToOneUsage(t *testing.T) {
	for _, e := range spec.All() {
		for _, usage := range e.Usages() {
			for _, algorithm := range e.Algorithms(usage) {
				got, ok := spec.UsageOf(algorithm)
				require.True(t, ok)
				assert.Equal(t, usage, got, "%s of %s", algorithm, e.Spec)
			}
		}
	}
}

func TestKeyStoresHoldOnlySymmetricKeys(t *testing.T) { // CRK-14, CRK-15
	for _, e := range spec.All() {
		assert.True(t, e.PermitsOrigin(spec.OriginKMS), "%s", e.Spec)
		assert.True(t, e.PermitsOrigin(spec.OriginExternal), "%s", e.Spec)
		assert.Equal(t, e.Spec == spec.SymmetricDefault, e.PermitsOrigin(spec.OriginCloudHSM), "%s", e.Spec)
		assert.Equal(t, e.Spec == spec.SymmetricDefault, e.PermitsOrigin(spec.OriginExternalKeyStore), "%s", e.Spec)
	}
}

func TestPlaintextIsLimited(t *testing.T) { // SYM-02, SPEC-03
	tests := []struct {
		spec      spec.KeySpec
		algorithm spec.Algorithm
		want      int
	}{
		{spec.SymmetricDefault, spec.EncryptSymmetricDefault, 4096},
		{spec.RSA2048, spec.RSAESOAEPSHA1, 214},
		{spec.RSA2048, spec.RSAESOAEPSHA256, 190},
		{spec.RSA3072, spec.RSAESOAEPSHA1, 342},
		{spec.RSA3072, spec.RSAESOAEPSHA256, 318},
		{spec.RSA4096, spec.RSAESOAEPSHA1, 470},
		{spec.RSA4096, spec.RSAESOAEPSHA256, 446},
		{spec.SM2, spec.SM2PKE, 1024},
	}
	for _, tt := range tests {
		got, ok := lookup(t, tt.spec).MaxPlaintext(tt.algorithm)
		assert.True(t, ok)
		assert.Equal(t, tt.want, got, "%s with %s", tt.spec, tt.algorithm)
	}
	_, ok := lookup(t, spec.RSA2048).MaxPlaintext(spec.EncryptSymmetricDefault)
	assert.False(t, ok, "an RSA key does not encrypt with SYMMETRIC_DEFAULT")
	_, ok = lookup(t, spec.RSA2048).MaxPlaintext(spec.RSASSAPSSSHA256)
	assert.False(t, ok, "a signing algorithm does not encrypt")
}

func TestDataKeySpecsHaveSizes(t *testing.T) {
	for s, want := range map[spec.DataKeySpec]int{spec.AES128: 16, spec.AES256: 32} {
		got, ok := s.Size()
		assert.True(t, ok)
		assert.Equal(t, want, got, "%s", s)
	}
}

func TestDataKeyPairSpecs(t *testing.T) { // DK-06
	want := map[spec.KeySpec]bool{
		spec.RSA2048: true, spec.RSA3072: true, spec.RSA4096: true,
		spec.ECCNISTP256: true, spec.ECCNISTP384: true, spec.ECCNISTP521: true,
		spec.ECCNISTEdwards25519: true, spec.ECCSECGP256K1: true, spec.SM2: true,
	}
	for _, e := range spec.All() {
		assert.Equal(t, want[e.Spec], e.Pair, "%s", e.Spec)
	}
}

func TestTheTableCannotBeChanged(t *testing.T) {
	spec.All()[0].Pair = true
	e := lookup(t, spec.SymmetricDefault)
	e.Usages()[0] = spec.SignVerify
	e.Algorithms(spec.EncryptDecrypt)[0] = spec.ECDH
	again := lookup(t, spec.SymmetricDefault)
	assert.False(t, again.Pair)
	assert.Equal(t, []spec.Usage{spec.EncryptDecrypt}, again.Usages())
	assert.Equal(t, []spec.Algorithm{spec.EncryptSymmetricDefault}, again.Algorithms(spec.EncryptDecrypt))
}

func lookup(t *testing.T, s spec.KeySpec) spec.Entry {
	t.Helper()
	e, ok := spec.Lookup(s)
	require.True(t, ok, "%s", s)
	return e
}
