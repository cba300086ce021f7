// Package spec is the vocabulary of keys: specs, usages, algorithms and which
// go together.
package spec

import "slices"

// A KeySpec is the type of a key's material, as the API writes it.
type KeySpec string

// The key specs of the current API (Guide, Key spec reference; the ML-DSA and
// Edwards curve specs are in the API model only).
const (
	SymmetricDefault    KeySpec = "SYMMETRIC_DEFAULT"
	RSA2048             KeySpec = "RSA_2048"
	RSA3072             KeySpec = "RSA_3072"
	RSA4096             KeySpec = "RSA_4096"
	ECCNISTP256         KeySpec = "ECC_NIST_P256"
	ECCNISTP384         KeySpec = "ECC_NIST_P384"
	ECCNISTP521         KeySpec = "ECC_NIST_P521"
	ECCNISTEdwards25519 KeySpec = "ECC_NIST_EDWARDS25519"
	ECCSECGP256K1       KeySpec = "ECC_SECG_P256K1"
	SM2                 KeySpec = "SM2"
	HMAC224             KeySpec = "HMAC_224"
	HMAC256             KeySpec = "HMAC_256"
	HMAC384             KeySpec = "HMAC_384"
	HMAC512             KeySpec = "HMAC_512"
	MLDSA44             KeySpec = "ML_DSA_44"
	MLDSA65             KeySpec = "ML_DSA_65"
	MLDSA87             KeySpec = "ML_DSA_87"
)

// A Usage is what a key may be used for. A key has exactly one.
type Usage string

// The usages of the current API.
const (
	EncryptDecrypt    Usage = "ENCRYPT_DECRYPT"
	SignVerify        Usage = "SIGN_VERIFY"
	GenerateVerifyMAC Usage = "GENERATE_VERIFY_MAC"
	KeyAgreement      Usage = "KEY_AGREEMENT"
)

// An Algorithm is what a request may ask of a key. It belongs to one Usage.
type Algorithm string

// The algorithms of the current API.
const (
	EncryptSymmetricDefault Algorithm = "SYMMETRIC_DEFAULT"
	RSAESOAEPSHA1           Algorithm = "RSAES_OAEP_SHA_1"
	RSAESOAEPSHA256         Algorithm = "RSAES_OAEP_SHA_256"
	SM2PKE                  Algorithm = "SM2PKE"

	RSASSAPKCS1SHA256 Algorithm = "RSASSA_PKCS1_V1_5_SHA_256"
	RSASSAPKCS1SHA384 Algorithm = "RSASSA_PKCS1_V1_5_SHA_384"
	RSASSAPKCS1SHA512 Algorithm = "RSASSA_PKCS1_V1_5_SHA_512"
	RSASSAPSSSHA256   Algorithm = "RSASSA_PSS_SHA_256"
	RSASSAPSSSHA384   Algorithm = "RSASSA_PSS_SHA_384"
	RSASSAPSSSHA512   Algorithm = "RSASSA_PSS_SHA_512"
	ECDSASHA256       Algorithm = "ECDSA_SHA_256"
	ECDSASHA384       Algorithm = "ECDSA_SHA_384"
	ECDSASHA512       Algorithm = "ECDSA_SHA_512"
	ED25519SHA512     Algorithm = "ED25519_SHA_512"
	ED25519PHSHA512   Algorithm = "ED25519_PH_SHA_512"
	SM2DSA            Algorithm = "SM2DSA"
	MLDSASHAKE256     Algorithm = "ML_DSA_SHAKE_256"

	HMACSHA224 Algorithm = "HMAC_SHA_224"
	HMACSHA256 Algorithm = "HMAC_SHA_256"
	HMACSHA384 Algorithm = "HMAC_SHA_384"
	HMACSHA512 Algorithm = "HMAC_SHA_512"

	ECDH Algorithm = "ECDH"
)

// An Origin is where a key's material comes from.
type Origin string

// The origins of the current API.
const (
	OriginKMS              Origin = "AWS_KMS"
	OriginExternal         Origin = "EXTERNAL"
	OriginCloudHSM         Origin = "AWS_CLOUDHSM"
	OriginExternalKeyStore Origin = "EXTERNAL_KEY_STORE"
)

// An Entry is one key spec and what goes with it. It is immutable.
type Entry struct {
	Spec KeySpec
	Bits int  // size of secret, modulus or curve; for ML-DSA the parameter set
	Pair bool // GenerateDataKeyPair knows it
	uses []use
}

type use struct {
	usage      Usage
	algorithms []Algorithm
}

// Lookup finds a key spec of the API.
func Lookup(s KeySpec) (Entry, bool) {
	i := slices.IndexFunc(table, func(e Entry) bool { return e.Spec == s })
	if i < 0 {
		return Entry{}, false
	}
	return table[i], true
}

// All returns every key spec of the API, also those not offered.
func All() []Entry { return slices.Clone(table) }

// UsageOf tells the usage that an algorithm belongs to.
func UsageOf(a Algorithm) (Usage, bool) {
	for _, e := range table {
		for _, u := range e.uses {
			if slices.Contains(u.algorithms, a) {
				return u.usage, true
			}
		}
	}
	return "", false
}

// Usages returns the usages among which CreateKey chooses.
func (e Entry) Usages() []Usage {
	usages := make([]Usage, len(e.uses))
	for i, u := range e.uses {
		usages[i] = u.usage
	}
	return usages
}

// DefaultUsage is the usage of a key created without one. Only
// SYMMETRIC_DEFAULT has it (Guide, Creating keys; CRK-10).
func (e Entry) DefaultUsage() (Usage, bool) {
	if e.Spec == SymmetricDefault {
		return EncryptDecrypt, true
	}
	return "", false
}

// Permits tells whether a key of this spec can be created for the usage.
func (e Entry) Permits(u Usage) bool {
	return slices.Contains(e.Usages(), u)
}

// Algorithms returns what a key of this spec and usage can be asked to do, in
// the order in which the API lists it (SPEC-10, SPEC-11); nil for a usage that
// the spec does not permit.
func (e Entry) Algorithms(u Usage) []Algorithm {
	for _, use := range e.uses {
		if use.usage == u {
			return slices.Clone(use.algorithms)
		}
	}
	return nil
}

// PermitsOrigin tells whether a key of this spec can have the origin. Key
// stores hold symmetric encryption keys only (CRK-14, CRK-15).
func (e Entry) PermitsOrigin(o Origin) bool {
	switch o {
	case OriginKMS, OriginExternal:
		return true
	case OriginCloudHSM, OriginExternalKeyStore:
		return e.Spec == SymmetricDefault
	default:
		return false
	}
}

// MaxPlaintext is the most bytes that a key of this spec encrypts at once with
// the algorithm (SYM-02, SPEC-03); false if the spec cannot encrypt with it.
func (e Entry) MaxPlaintext(a Algorithm) (int, bool) {
	if !slices.Contains(e.Algorithms(EncryptDecrypt), a) {
		return 0, false
	}
	switch a {
	case EncryptSymmetricDefault:
		return 4096, true
	case RSAESOAEPSHA1:
		return oaepMax(e.Bits, 160), true
	case RSAESOAEPSHA256:
		return oaepMax(e.Bits, 256), true
	case SM2PKE:
		return 1024, true
	default:
		return 0, false
	}
}

// oaepMax is RFC 8017 section 7.1.1, step 1b.
func oaepMax(keyBits, hashBits int) int { return keyBits/8 - 2*hashBits/8 - 2 }

// DigestSize is the length in bytes of the digest that can be signed in place
// of a message; zero for an algorithm that takes none (ASY-06, NEW-03).
func DigestSize(a Algorithm) int {
	switch a {
	case RSASSAPKCS1SHA256, RSASSAPSSSHA256, ECDSASHA256, SM2DSA:
		return 32
	case RSASSAPKCS1SHA384, RSASSAPSSSHA384, ECDSASHA384:
		return 48
	case RSASSAPKCS1SHA512, RSASSAPSSSHA512, ECDSASHA512, ED25519PHSHA512:
		return 64
	default:
		return 0
	}
}
