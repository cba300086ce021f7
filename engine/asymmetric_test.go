package engine_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// newKeyOf makes a key of a spec and usage as alice.
func (b bench) newKeyOf(s spec.KeySpec, u spec.Usage) *types.KeyMetadata {
	b.t.Helper()
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{KeySpec: types.KeySpec(s), KeyUsage: types.KeyUsageType(u)})
	require.NoError(b.t, err, "%s %s", s, u)
	return out.KeyMetadata
}

// TestEverySpecIsMadeAndUsed loops over the vocabulary: each spec with each
// usage and algorithm that it permits.
func TestEverySpecIsMadeAndUsed(t *testing.T) {
	b := newBench(t)
	used := 0
	for _, e := range spec.All() {
		for _, u := range e.Usages() {
			key := b.newKeyOf(e.Spec, u)
			assert.Equal(t, e.Spec == spec.SymmetricDefault, key.CurrentKeyMaterialId != nil, "only symmetric keys tell their material: %s", e.Spec)
			told := map[spec.Usage][]string{
				spec.EncryptDecrypt: names(key.EncryptionAlgorithms), spec.SignVerify: names(key.SigningAlgorithms),
				spec.GenerateVerifyMAC: names(key.MacAlgorithms), spec.KeyAgreement: names(key.KeyAgreementAlgorithms),
			}
			for other, list := range told {
				if other != u {
					assert.Empty(t, list, "%s %s (SPEC-10)", e.Spec, u)
				}
			}
			assert.Equal(t, names(e.Algorithms(u)), told[u], "%s %s", e.Spec, u)
			for _, a := range e.Algorithms(u) {
				used++
				uses[u](b, *key.Arn, a)
			}
			b.testPublicKey(key, e, u)
		}
	}
	assert.Greater(t, used, 40)
}

func names[T ~string](list []T) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

// uses has, for each usage, what can be done with a key of it.
var uses = map[spec.Usage]func(b bench, key string, a spec.Algorithm){
	spec.EncryptDecrypt:    bench.encryptAndDecrypt,
	spec.SignVerify:        bench.signAndVerify,
	spec.GenerateVerifyMAC: bench.generateAndVerifyMac,
	spec.KeyAgreement:      bench.deriveBothWays,
}

func (b bench) encryptAndDecrypt(key string, a spec.Algorithm) {
	b.t.Helper()
	c, algorithm := b.as(alice), types.EncryptionAlgorithmSpec(a)
	sealed, err := c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("plaintext"), EncryptionAlgorithm: algorithm})
	require.NoError(b.t, err, a)
	assert.Equal(b.t, algorithm, sealed.EncryptionAlgorithm)
	opened, err := c.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm: algorithm})
	require.NoError(b.t, err, a)
	assert.Equal(b.t, "plaintext", string(opened.Plaintext))
	assert.Equal(b.t, algorithm, opened.EncryptionAlgorithm)
	again, err := c.ReEncrypt(b.ctx, &kms.ReEncryptInput{
		SourceKeyId: &key, SourceEncryptionAlgorithm: algorithm, CiphertextBlob: sealed.CiphertextBlob, DestinationKeyId: &key, DestinationEncryptionAlgorithm: algorithm,
	})
	require.NoError(b.t, err, a)
	opened, err = c.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: again.CiphertextBlob, EncryptionAlgorithm: algorithm})
	require.NoError(b.t, err, a)
	assert.Equal(b.t, "plaintext", string(opened.Plaintext))
}

func (b bench) signAndVerify(key string, a spec.Algorithm) {
	b.t.Helper()
	c, algorithm := b.as(alice), types.SigningAlgorithmSpec(a)
	tried := 0
	for _, m := range []struct {
		of   types.MessageType
		text []byte
	}{{"", []byte("message")}, {types.MessageTypeRaw, make([]byte, 4096)}, {types.MessageTypeDigest, make([]byte, max(1, spec.DigestSize(a)))}, {types.MessageTypeExternalMu, make([]byte, 64)}} {
		signed, err := c.Sign(b.ctx, &kms.SignInput{KeyId: &key, Message: m.text, MessageType: m.of, SigningAlgorithm: algorithm})
		if err != nil {
			code, message := failure(b.t, err)
			assert.Equal(b.t, "ValidationException", code, "%s %s", a, m.of)
			assert.Contains(b.t, message, string(a))
			continue
		}
		tried++
		assert.Equal(b.t, key, *signed.KeyId)
		verified, err := c.Verify(b.ctx, &kms.VerifyInput{KeyId: &key, Message: m.text, MessageType: m.of, Signature: signed.Signature, SigningAlgorithm: algorithm})
		require.NoError(b.t, err, "%s %s", a, m.of)
		assert.True(b.t, verified.SignatureValid)
		_, err = c.Verify(b.ctx, &kms.VerifyInput{KeyId: &key, Message: m.text, MessageType: m.of, Signature: signed.Signature[1:], SigningAlgorithm: algorithm})
		code, message := failure(b.t, err)
		assert.Equal(b.t, "KMSInvalidSignatureException", code, "%s %s", a, m.of)
		assert.Empty(b.t, message)
	}
	assert.Positive(b.t, tried, a)
}

func (b bench) generateAndVerifyMac(key string, a spec.Algorithm) {
	b.t.Helper()
	c, algorithm := b.as(alice), types.MacAlgorithmSpec(a)
	made, err := c.GenerateMac(b.ctx, &kms.GenerateMacInput{KeyId: &key, Message: []byte("message"), MacAlgorithm: algorithm})
	require.NoError(b.t, err, a)
	verified, err := c.VerifyMac(b.ctx, &kms.VerifyMacInput{KeyId: &key, Message: []byte("message"), Mac: made.Mac, MacAlgorithm: algorithm})
	require.NoError(b.t, err, a)
	assert.True(b.t, verified.MacValid)
	_, err = c.VerifyMac(b.ctx, &kms.VerifyMacInput{KeyId: &key, Message: []byte("other"), Mac: made.Mac, MacAlgorithm: algorithm})
	code, message := failure(b.t, err)
	assert.Equal(b.t, "KMSInvalidMacException", code, a)
	assert.Empty(b.t, message)
}

func (b bench) deriveBothWays(key string, a spec.Algorithm) {
	b.t.Helper()
	c, algorithm := b.as(alice), types.KeyAgreementAlgorithmSpec(a)
	public, err := c.GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: &key})
	require.NoError(b.t, err)
	peer := b.newKeyOf(spec.KeySpec(public.KeySpec), spec.KeyAgreement)
	theirs, err := c.GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: peer.Arn})
	require.NoError(b.t, err)
	one, err := c.DeriveSharedSecret(b.ctx, &kms.DeriveSharedSecretInput{KeyId: &key, PublicKey: theirs.PublicKey, KeyAgreementAlgorithm: algorithm})
	require.NoError(b.t, err)
	two, err := c.DeriveSharedSecret(b.ctx, &kms.DeriveSharedSecretInput{KeyId: peer.Arn, PublicKey: public.PublicKey, KeyAgreementAlgorithm: algorithm})
	require.NoError(b.t, err)
	assert.Equal(b.t, one.SharedSecret, two.SharedSecret)
	assert.Equal(b.t, types.OriginTypeAwsKms, one.KeyOrigin)
}

// testPublicKey: pairs tell their public key, and others say that they have none.
func (b bench) testPublicKey(key *types.KeyMetadata, e spec.Entry, u spec.Usage) {
	b.t.Helper()
	out, err := b.as(alice).GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: key.Arn})
	if !keypair.Known(e.Spec) {
		code, _ := failure(b.t, err)
		assert.Equal(b.t, "UnsupportedOperationException", code, "%s (KTO-04)", e.Spec)
		return
	}
	require.NoError(b.t, err, "%s %s", e.Spec, u)
	assert.NotEmpty(b.t, out.PublicKey)
	assert.Equal(b.t, string(e.Spec), string(out.KeySpec))
	assert.Equal(b.t, string(u), string(out.KeyUsage))
	assert.Equal(b.t, names(key.SigningAlgorithms), names(out.SigningAlgorithms))
	assert.Equal(b.t, names(key.EncryptionAlgorithms), names(out.EncryptionAlgorithms))
	assert.Equal(b.t, names(key.KeyAgreementAlgorithms), names(out.KeyAgreementAlgorithms))
}

// TestDataKeyPairs: every pair spec comes as a public key and a PKCS #8
// private key, in plaintext if asked for, and the ciphertext opens to the
// private key of the public one.
func TestDataKeyPairs(t *testing.T) {
	b := newBench(t)
	key, c, pairs := b.newKey(""), b.as(alice), map[string]string{"dept": "finance"}
	for _, e := range spec.All() {
		if !e.Pair {
			continue
		}
		s := types.DataKeyPairSpec(e.Spec)
		made, err := c.GenerateDataKeyPair(b.ctx, &kms.GenerateDataKeyPairInput{KeyId: &key, KeyPairSpec: s, EncryptionContext: pairs})
		require.NoError(t, err, s)
		b.opensTo(key, pairs, made.PrivateKeyCiphertextBlob, s, made.PublicKey)
		private, err := keypair.Open(spec.KeySpec(s), seal.NewSecret(made.PrivateKeyPlaintext))
		require.NoError(t, err, s)
		assert.Equal(t, made.PublicKey, private.Public(), s)
		assert.Equal(t, s, made.KeyPairSpec)
		assert.NotEmpty(t, made.KeyMaterialId)

		silent, err := c.GenerateDataKeyPairWithoutPlaintext(b.ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &key, KeyPairSpec: s, EncryptionContext: pairs})
		require.NoError(t, err, s)
		b.opensTo(key, pairs, silent.PrivateKeyCiphertextBlob, s, silent.PublicKey)
		assert.NotEqual(t, made.PublicKey, silent.PublicKey, s)
	}
}

func (b bench) opensTo(key string, pairs map[string]string, blob []byte, s types.DataKeyPairSpec, public []byte) {
	b.t.Helper()
	opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob, EncryptionContext: pairs})
	require.NoError(b.t, err, s)
	pair, err := keypair.Open(spec.KeySpec(s), seal.NewSecret(opened.Plaintext))
	require.NoError(b.t, err, s)
	assert.Equal(b.t, public, pair.Public(), s)
}

// TestOtherImplementationsAgree: what is signed here verifies with the
// standard library alone, a secret is agreed on with it, and what it encrypts
// opens here.
func TestOtherImplementationsAgree(t *testing.T) {
	b := newBench(t)
	c, message := b.as(alice), []byte("message")
	signing := b.newKeyOf(spec.ECCNISTP256, spec.SignVerify)
	signed, err := c.Sign(b.ctx, &kms.SignInput{KeyId: signing.Arn, Message: message, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
	require.NoError(t, err)
	public := publicKey[*ecdsa.PublicKey](b, signing)
	sum := sha256.Sum256(message)
	assert.True(t, ecdsa.VerifyASN1(public, sum[:], signed.Signature))

	agreeing := b.newKeyOf(spec.ECCNISTP256, spec.KeyAgreement)
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(own.PublicKey())
	require.NoError(t, err)
	derived, err := c.DeriveSharedSecret(b.ctx, &kms.DeriveSharedSecretInput{KeyId: agreeing.Arn, PublicKey: der, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh})
	require.NoError(t, err)
	peer, err := publicKey[*ecdsa.PublicKey](b, agreeing).ECDH()
	require.NoError(t, err)
	shared, err := own.ECDH(peer)
	require.NoError(t, err)
	assert.Equal(t, shared, derived.SharedSecret)
}

// publicKey is what GetPublicKey tells, read by the standard library.
func publicKey[T any](b bench, key *types.KeyMetadata) T {
	b.t.Helper()
	out, err := b.as(alice).GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: key.Arn})
	require.NoError(b.t, err)
	parsed, err := x509.ParsePKIXPublicKey(out.PublicKey)
	require.NoError(b.t, err)
	public, ok := parsed.(T)
	require.True(b.t, ok, "%T", parsed)
	return public
}

func TestRefusalsOfOtherKinds(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	rsaKey := *b.newKeyOf(spec.RSA2048, spec.EncryptDecrypt).Arn
	rsaSigning := *b.newKeyOf(spec.RSA2048, spec.SignVerify).Arn
	c := b.as(alice)
	encrypt := func(key string, n int, a types.EncryptionAlgorithmSpec, pairs map[string]string) func() error {
		return func() error {
			return second(c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: make([]byte, n), EncryptionAlgorithm: a, EncryptionContext: pairs}))
		}
	}
	decrypt := func(key string, blob []byte, a types.EncryptionAlgorithmSpec) func() error {
		return func() error {
			return second(c.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob, EncryptionAlgorithm: a}))
		}
	}
	sign := func(key string, n int, of types.MessageType, a types.SigningAlgorithmSpec) func() error {
		return func() error {
			return second(c.Sign(b.ctx, &kms.SignInput{KeyId: &key, Message: make([]byte, n), MessageType: of, SigningAlgorithm: a}))
		}
	}
	oaep := types.EncryptionAlgorithmSpecRsaesOaepSha256
	answers(t, []ask{
		{"more than fits (SPEC-03)", encrypt(rsaKey, 191, oaep, nil),
			"ValidationException: Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."},
		{"as much as fits", encrypt(rsaKey, 190, oaep, nil), "ok"},
		{"the default algorithm with a pair (SPEC-08)", encrypt(rsaKey, 1, "", nil),
			"InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."},
		{"a pair's algorithm with a symmetric key", encrypt(f.key, 1, oaep, nil),
			"InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."},
		{"an encryption context with a pair (AMB-13)", encrypt(rsaKey, 1, oaep, f.pairs),
			"ValidationException: EncryptionContext is supported only with symmetric encryption KMS keys."},
		{"encrypting with a key that signs (SYM-12)", encrypt(rsaSigning, 1, oaep, nil),
			"InvalidKeyUsageException: " + rsaSigning + " key usage is SIGN_VERIFY which is not valid for Encrypt."},
		{"decrypting with a key that signs", decrypt(rsaSigning, make([]byte, 256), oaep),
			"InvalidKeyUsageException: " + rsaSigning + " key usage is SIGN_VERIFY which is not valid for Decrypt."},
		{"what is no ciphertext of the pair", decrypt(rsaKey, make([]byte, 256), oaep), "InvalidCiphertextException"},
		{"a symmetric ciphertext with a pair (SYM-06)", decrypt(rsaKey, f.blob, ""),
			"IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation."},
		{"a digest that is too short (ASY-06)", sign(f.signing, 31, types.MessageTypeDigest, types.SigningAlgorithmSpecEcdsaSha256),
			"ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256."},
		{"an algorithm of another curve", sign(f.signing, 1, "", types.SigningAlgorithmSpecEcdsaSha384),
			"InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."},
		{"signing with a key that encrypts", sign(f.key, 1, "", types.SigningAlgorithmSpecEcdsaSha256),
			"InvalidKeyUsageException: " + f.key + " key usage is ENCRYPT_DECRYPT which is not valid for Sign."},
		{"a MAC of another length (MAC-03)", func() error {
			return second(c.GenerateMac(b.ctx, &kms.GenerateMacInput{KeyId: &f.hmac, Message: []byte("m"), MacAlgorithm: types.MacAlgorithmSpecHmacSha512}))
		}, "InvalidKeyUsageException: Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."},
		{"a peer on another curve", func() error {
			other, err := c.GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: &rsaKey})
			require.NoError(t, err)
			return second(c.DeriveSharedSecret(b.ctx, &kms.DeriveSharedSecretInput{
				KeyId: &f.agreeing, PublicKey: other.PublicKey, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh,
			}))
		}, "ValidationException: The public key is not a DER-encoded X.509 public key on the curve of key spec ECC_NIST_P256."},
		{"a data key under a pair (DK-03)", func() error {
			return second(c.GenerateDataKeyPair(b.ctx, &kms.GenerateDataKeyPairInput{KeyId: &rsaKey, KeyPairSpec: types.DataKeyPairSpecEccNistP256}))
		}, "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."},
	})
}

// TestWhatWasEncryptedElsewhereOpens (SYM-11): the public key is enough to
// encrypt, outside of the service.
func TestWhatWasEncryptedElsewhereOpens(t *testing.T) {
	b := newBench(t)
	key := b.newKeyOf(spec.RSA2048, spec.EncryptDecrypt)
	ciphertext, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, publicKey[*rsa.PublicKey](b, key), []byte("plaintext"), nil)
	require.NoError(t, err)
	opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{
		KeyId: key.Arn, CiphertextBlob: ciphertext, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256,
	})
	require.NoError(t, err)
	assert.Equal(t, "plaintext", string(opened.Plaintext))
}
