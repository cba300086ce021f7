package engine_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	providers "github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// foreigners are keys to whose public half others encrypt, and how they do.
type foreigner struct {
	key       string
	algorithm types.EncryptionAlgorithmSpec
	encrypt   func(plaintext []byte) []byte
}

func (b bench) rsaForeigner() foreigner {
	b.t.Helper()
	key := b.newPair(spec.RSA2048)
	public, err := b.as(alice).GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: &key})
	require.NoError(b.t, err)
	parsed, err := x509.ParsePKIXPublicKey(public.PublicKey)
	require.NoError(b.t, err)
	return foreigner{key, types.EncryptionAlgorithmSpecRsaesOaepSha256, func(plaintext []byte) []byte {
		blob, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, parsed.(*rsa.PublicKey), plaintext, nil)
		require.NoError(b.t, err)
		return blob
	}}
}

func (b bench) sm2Foreigner() foreigner {
	b.t.Helper()
	private, err := keypair.Generate(spec.SM2)
	require.NoError(b.t, err)
	pair, err := keypair.Open(spec.SM2, private)
	require.NoError(b.t, err)
	key := b.newExternal(spec.SM2, spec.EncryptDecrypt)
	b.mustBring(key, private.Expose())
	return foreigner{key, types.EncryptionAlgorithmSpecSm2pke, func(plaintext []byte) []byte {
		blob, err := pair.(providers.PublicCipher).EncryptPublic(b.ctx, spec.SM2PKE, plaintext)
		require.NoError(b.t, err)
		return blob
	}}
}

// newPair makes a key that encrypts.
func (b bench) newPair(s spec.KeySpec) string {
	b.t.Helper()
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{KeySpec: types.KeySpec(s), KeyUsage: types.KeyUsageTypeEncryptDecrypt})
	require.NoError(b.t, err)
	return *out.KeyMetadata.Arn
}

// TestForeignPlaintextsAreAsLongAsOurs (CPH-1): what others encrypted to the
// public key of a pair opens if the API could have encrypted it: 1 to 4,096
// bytes, wherever it goes.
func TestForeignPlaintextsAreAsLongAsOurs(t *testing.T) {
	b := newBench(t)
	c, ofRSA, ofSM2 := b.as(alice), b.rsaForeigner(), b.sm2Foreigner()
	destinations := map[string]struct {
		key       string
		algorithm types.EncryptionAlgorithmSpec
	}{
		"a symmetric key": {b.newKey(""), ""},
		"an RSA key":      {ofRSA.key, ofRSA.algorithm},
		"an SM2 key":      {ofSM2.key, ofSM2.algorithm},
	}
	for _, row := range []struct {
		name string
		from foreigner
		size int
		want string
	}{
		{"nothing, under RSA", ofRSA, 0, "InvalidCiphertextException"},
		{"one byte, under RSA", ofRSA, 1, "ok"},
		{"one byte, under SM2", ofSM2, 1, "ok"},
		{"4,097 bytes, under SM2", ofSM2, 4097, "InvalidCiphertextException"},
		{"5,900 bytes, under SM2", ofSM2, 5900, "InvalidCiphertextException"},
	} {
		blob := row.from.encrypt(bytes.Repeat([]byte{7}, row.size))
		out, err := c.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &row.from.key, CiphertextBlob: blob, EncryptionAlgorithm: row.from.algorithm})
		assert.Equal(t, row.want, said(err), "Decrypt of %s", row.name)
		if err == nil {
			assert.Len(t, out.Plaintext, row.size, row.name)
		}
		for name, to := range destinations {
			out, err := c.ReEncrypt(b.ctx, &kms.ReEncryptInput{
				CiphertextBlob: blob, SourceKeyId: &row.from.key, SourceEncryptionAlgorithm: row.from.algorithm,
				DestinationKeyId: aws.String(to.key), DestinationEncryptionAlgorithm: to.algorithm,
			})
			assert.Equal(t, row.want, said(err), "ReEncrypt of %s to %s", row.name, name)
			if err == nil {
				assert.NotEmpty(t, out.CiphertextBlob)
			}
		}
	}
	long := ofSM2.encrypt(bytes.Repeat([]byte{7}, 4096))
	symmetric := destinations["a symmetric key"].key
	assert.NoError(t, second(c.ReEncrypt(b.ctx, &kms.ReEncryptInput{
		CiphertextBlob: long, SourceKeyId: &ofSM2.key, SourceEncryptionAlgorithm: ofSM2.algorithm, DestinationKeyId: &symmetric,
	})), "4,096 bytes")
}

// TestPairsGiveNoDataKeys (DK-03): nor would they, says a dry run.
func TestPairsGiveNoDataKeys(t *testing.T) {
	b := newBench(t)
	c := b.as(alice)
	for _, s := range []spec.KeySpec{spec.RSA2048, spec.SM2} {
		key := b.newPair(s)
		want := "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec " + string(s) + "."
		for _, dry := range []*bool{nil, aws.Bool(true)} {
			assert.Equal(t, want, said(second(c.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: types.DataKeySpecAes256, DryRun: dry}))), s)
			assert.Equal(t, want, said(second(c.GenerateDataKeyWithoutPlaintext(b.ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
				KeyId: &key, KeySpec: types.DataKeySpecAes256, DryRun: dry,
			}))), s)
			assert.Equal(t, want, said(second(c.GenerateDataKeyPair(b.ctx, &kms.GenerateDataKeyPairInput{KeyId: &key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, DryRun: dry}))), s)
		}
	}
}
