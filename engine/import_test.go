package engine_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/crypto/testtool"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// newExternal makes a key without material, as alice.
func (b bench) newExternal(s spec.KeySpec, u spec.Usage) string {
	b.t.Helper()
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{
		Origin: types.OriginTypeExternal, KeySpec: types.KeySpec(s), KeyUsage: types.KeyUsageType(u),
	})
	require.NoError(b.t, err, s)
	assert.Equal(b.t, types.KeyStatePendingImport, out.KeyMetadata.KeyState, "IM-001")
	assert.False(b.t, out.KeyMetadata.Enabled)
	assert.Empty(b.t, out.KeyMetadata.ExpirationModel, "IM-011")
	return *out.KeyMetadata.Arn
}

// wrapped gets a set of parameters for a key and wraps material for it.
func (b bench) wrapped(who enginetest.Keys, key string, material []byte) *kms.ImportKeyMaterialInput {
	b.t.Helper()
	set, err := b.as(who).GetParametersForImport(b.ctx, &kms.GetParametersForImportInput{
		KeyId: &key, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	require.NoError(b.t, err)
	assert.Equal(b.t, key, *set.KeyId)
	assert.Equal(b.t, b.Clock.Now().Add(day).Unix(), set.ParametersValidTo.Unix(), "IM-052")
	parsed, err := x509.ParsePKIXPublicKey(set.PublicKey)
	require.NoError(b.t, err)
	blob, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, parsed.(*rsa.PublicKey), material, nil)
	require.NoError(b.t, err)
	return &kms.ImportKeyMaterialInput{
		KeyId: &key, ImportToken: set.ImportToken, EncryptedKeyMaterial: blob, ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
}

// bring imports material into a key.
func (b bench) bring(key string, material []byte, change ...func(*kms.ImportKeyMaterialInput)) (*kms.ImportKeyMaterialOutput, error) {
	b.t.Helper()
	in := b.wrapped(alice, key, material)
	for _, c := range change {
		c(in)
	}
	return b.as(alice).ImportKeyMaterial(b.ctx, in)
}

func (b bench) mustBring(key string, material []byte, change ...func(*kms.ImportKeyMaterialInput)) string {
	b.t.Helper()
	out, err := b.bring(key, material, change...)
	require.NoError(b.t, err)
	assert.Equal(b.t, key, *out.KeyId)
	return aws.ToString(out.KeyMaterialId)
}

func until(t time.Time) func(*kms.ImportKeyMaterialInput) {
	return func(in *kms.ImportKeyMaterialInput) {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, &t
	}
}

func asNew(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeNewKeyMaterial }

func material(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

func TestImportedMaterialIsUsed(t *testing.T) {
	b := newBench(t)
	key, c := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.as(alice)
	encrypt := func() (*kms.EncryptOutput, error) {
		return c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")})
	}
	assert.Equal(t, "KMSInvalidStateException: "+key+" is pending import.", said(second(encrypt())), "IM-105")
	id := b.mustBring(key, material(1))
	described := b.describe(key)
	assert.Equal(t, types.KeyStateEnabled, described.KeyState, "IM-087")
	assert.Equal(t, types.ExpirationModelTypeKeyMaterialDoesNotExpire, described.ExpirationModel)
	assert.Nil(t, described.ValidTo)
	assert.Equal(t, id, *described.CurrentKeyMaterialId)
	sealed, err := encrypt()
	require.NoError(t, err)

	other := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt)
	b.mustBring(other, material(1))
	assert.Equal(t, "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.",
		said(second(c.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &other, CiphertextBlob: sealed.CiphertextBlob}))), "IM-041")

	deleted, err := c.DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key})
	require.NoError(t, err)
	assert.Equal(t, id, *deleted.KeyMaterialId)
	assert.Equal(t, types.KeyStatePendingImport, b.describe(key).KeyState, "IM-100")
	assert.NoError(t, second(c.DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key})), "IM-102")
	assert.Equal(t, "IncorrectKeyMaterialException: The key material is not the key material that was imported into this key before.",
		said(second(b.bring(key, material(2)))), "IM-090")
	assert.Equal(t, id, b.mustBring(key, material(1)), "the same again")
	opened, err := c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(t, err)
	assert.Equal(t, "p", string(opened.Plaintext))
}

func TestImportRefusals(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	key, other := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt)
	c := b.as(alice)
	send := func(in *kms.ImportKeyMaterialInput) func() error {
		return func() error { return second(c.ImportKeyMaterial(b.ctx, in)) }
	}
	change := func(mutate func(*kms.ImportKeyMaterialInput)) func() error {
		in := b.wrapped(alice, key, material(1))
		mutate(in)
		return send(in)
	}
	parameters := func(key string, a types.AlgorithmSpec, s types.WrappingKeySpec) func() error {
		return func() error {
			return second(c.GetParametersForImport(b.ctx, &kms.GetParametersForImportInput{KeyId: &key, WrappingAlgorithm: a, WrappingKeySpec: s}))
		}
	}
	notExternal := "UnsupportedOperationException: " + f.key + " origin is AWS_KMS which is not valid for this operation."
	oaep := types.AlgorithmSpecRsaesOaepSha256
	answers(t, []ask{
		{"parameters for a key of the service (IM-054)", parameters(f.key, oaep, types.WrappingKeySpecRsa2048), notExternal},
		{"an import into one (IM-084)", change(func(in *kms.ImportKeyMaterialInput) { in.KeyId = &f.key }), notExternal},
		{"deleting its material (IM-107)", func() error {
			return second(c.DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &f.key}))
		}, notExternal},
		{"an algorithm that is no longer supported (IM-058)", parameters(key, types.AlgorithmSpecRsaesPkcs1V15, types.WrappingKeySpecRsa2048),
			"UnsupportedOperationException: The wrapping algorithm RSAES_PKCS1_V1_5 is no longer supported."},
		{"a token of another key (IM-081)", change(func(in *kms.ImportKeyMaterialInput) { in.KeyId = &other }),
			"InvalidImportTokenException: The import token is not valid for this key. Call GetParametersForImport for a new one."},
		{"a damaged token", change(func(in *kms.ImportKeyMaterialInput) { in.ImportToken[40] ^= 1 }),
			"InvalidImportTokenException: The import token is not valid for this key. Call GetParametersForImport for a new one."},
		{"damaged material (IM-083)", change(func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial[40] ^= 1 }), "InvalidCiphertextException"},
		{"material for another set", change(func(in *kms.ImportKeyMaterialInput) {
			in.EncryptedKeyMaterial = b.wrapped(alice, key, material(1)).EncryptedKeyMaterial
		}), "InvalidCiphertextException"},
		{"too little of it (IM-036)", send(b.wrapped(alice, key, material(1)[1:])),
			"IncorrectKeyMaterialException: The key material is not valid for a key spec of SYMMETRIC_DEFAULT."},
		{"no date (IM-085)", change(func(in *kms.ImportKeyMaterialInput) { in.ExpirationModel = "" }),
			"ValidationException: A ValidTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES."},
		{"a date that is not meant", change(func(in *kms.ImportKeyMaterialInput) { in.ValidTo = aws.Time(b.Clock.Now().Add(day)) }),
			"ValidationException: A ValidTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE."},
		{"a date of the past (IM-086)", change(until(b.Clock.Now())),
			"ValidationException: The ValidTo date must be in the future, and no more than 365 days from now."},
		{"a date too far ahead", change(until(b.Clock.Now().Add(366 * day))),
			"ValidationException: The ValidTo date must be in the future, and no more than 365 days from now."},
		{"an alias (IM-028)", parameters(f.alias, oaep, types.WrappingKeySpecRsa2048), "NotFoundException: Invalid keyId '" + f.alias + "'"},
	})
	assert.Equal(t, types.KeyStatePendingImport, b.describe(key).KeyState, "a failed import changes nothing (IM-088)")

	late := b.wrapped(alice, key, material(1))
	b.Clock.Advance(day)
	assert.Equal(t, "ExpiredImportTokenException: The import token has expired. Call GetParametersForImport for a new one.", said(send(late)()), "IM-082")
	once := b.wrapped(alice, key, material(1))
	require.NoError(t, send(once)())
	assert.Equal(t, "InvalidImportTokenException: The import token is not valid for this key. Call GetParametersForImport for a new one.", said(send(once)()), "D-6")
}

// TestMaterialExpires (IM-101, IM-108): at its moment, before and after the
// sweeper comes by.
func TestMaterialExpires(t *testing.T) {
	b := newBench(t)
	key, c := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.as(alice)
	at := b.Clock.Now().Add(10 * day).Truncate(time.Second)
	b.mustBring(key, material(1), until(at))
	described := b.describe(key)
	assert.Equal(t, types.ExpirationModelTypeKeyMaterialExpires, described.ExpirationModel)
	assert.Equal(t, at.Unix(), described.ValidTo.Unix())
	b.Clock.Advance(10*day - time.Hour)
	require.NoError(t, b.Engine.Sweep(b.ctx))
	require.NoError(t, second(c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")})))
	b.Clock.Advance(time.Hour)
	for _, when := range []string{"before the sweep", "after the sweep"} {
		assert.Equal(t, "KMSInvalidStateException: "+key+" is pending import.",
			said(second(c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")}))), when)
		described = b.describe(key)
		assert.Equal(t, types.KeyStatePendingImport, described.KeyState, when)
		assert.NotNil(t, described.ValidTo, "D-9")
		require.NoError(t, b.Engine.Sweep(b.ctx))
	}
	require.Len(t, b.records("DeleteExpiredKeyMaterial"), 1)
	b.mustBring(key, material(1))
	assert.Equal(t, types.KeyStateEnabled, b.describe(key).KeyState, "IM-104")

	b.mustBring(key, material(1), until(b.Clock.Now().Add(day)))
	b.Clock.Advance(2 * day)
	require.NoError(t, second(c.UpdateKeyDescription(b.ctx, &kms.UpdateKeyDescriptionInput{KeyId: &key, Description: aws.String("d")})))
	require.NoError(t, b.Engine.Sweep(b.ctx))
	assert.Len(t, b.records("DeleteExpiredKeyMaterial"), 2, "also when another change is first to see it")
}

// TestImportedMaterialRotates (NEW-06).
func TestImportedMaterialRotates(t *testing.T) {
	b := newBench(t)
	key, c := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.as(alice)
	rotate := func() error { return second(c.RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})) }
	assert.Equal(t, "KMSInvalidStateException: "+key+" is pending import.", said(rotate()))
	first := b.mustBring(key, material(1))
	assert.Equal(t, "KMSInvalidStateException: No available key material pending rotation for the key: "+key+".", said(rotate()))
	sealed, err := c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")})
	require.NoError(t, err)

	next := b.mustBring(key, material(2), asNew)
	assert.Equal(t, first, *b.describe(key).CurrentKeyMaterialId, "it waits for the rotation")
	assert.Equal(t, "KMSInvalidStateException: "+key+" already has key material that is pending rotation.", said(second(b.bring(key, material(3), asNew))))
	require.NoError(t, rotate())
	assert.Equal(t, next, *b.describe(key).CurrentKeyMaterialId)
	opened, err := c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(t, err)
	assert.Equal(t, first, *opened.KeyMaterialId)

	require.NoError(t, second(c.DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key, KeyMaterialId: &first})))
	assert.Equal(t, types.KeyStatePendingImport, b.describe(key).KeyState, "a key needs all material that it ever used")
	listed, err := c.ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial})
	require.NoError(t, err)
	require.Len(t, listed.Rotations, 2)
	assert.Equal(t, types.ImportStatePendingImport, listed.Rotations[0].ImportState)
	assert.Equal(t, types.ImportStateImported, listed.Rotations[1].ImportState)
	b.mustBring(key, material(1), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialId = &first })
	assert.Equal(t, types.KeyStateEnabled, b.describe(key).KeyState)
	assert.Equal(t, "UnsupportedOperationException: "+key+" origin is EXTERNAL which is not valid for this operation.",
		said(second(c.EnableKeyRotation(b.ctx, &kms.EnableKeyRotationInput{KeyId: &key}))), "IM-006")
}

func TestDeletionOfKeysWithImportedMaterial(t *testing.T) {
	b := newBench(t)
	key, c := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.as(alice)
	b.mustBring(key, material(1))
	require.NoError(t, second(c.ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})))
	require.NoError(t, second(c.DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key})))
	assert.Equal(t, types.KeyStatePendingDeletion, b.describe(key).KeyState, "IM-103")
	require.NoError(t, second(c.CancelKeyDeletion(b.ctx, &kms.CancelKeyDeletionInput{KeyId: &key})))
	assert.Equal(t, types.KeyStatePendingImport, b.describe(key).KeyState, "IM-111")
}

// TestImportWithOpenSSL takes the guide's steps: material, public key, wrapping
// and import, for a pair and a MAC key, and holds the key against openssl.
func TestImportWithOpenSSL(t *testing.T) {
	testtool.Need(t, "openssl")
	b := newBench(t)
	dir := t.TempDir()
	openssl := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		require.NoError(t, err, "openssl %v", args)
		return out
	}
	put := func(name string, b []byte) { require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	importWrapped := func(key string, material []byte) {
		set, err := b.as(alice).GetParametersForImport(b.ctx, &kms.GetParametersForImportInput{
			KeyId: &key, WrappingAlgorithm: types.AlgorithmSpecRsaAesKeyWrapSha256, WrappingKeySpec: types.WrappingKeySpecRsa3072,
		})
		require.NoError(t, err)
		put("WrappingPublicKey.bin", set.PublicKey)
		put("PlaintextKeyMaterial.bin", material)
		aes := openssl("rand", "32")
		put("aes-key.bin", aes)
		openssl("enc", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(aes), "-iv", "A65959A6", "-in", "PlaintextKeyMaterial.bin", "-out", "key-material-wrapped.bin")
		wrapped := openssl("pkeyutl", "-encrypt", "-in", "aes-key.bin", "-inkey", "WrappingPublicKey.bin", "-keyform", "DER", "-pubin",
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256")
		rest, err := os.ReadFile(filepath.Join(dir, "key-material-wrapped.bin"))
		require.NoError(t, err)
		out, err := b.as(alice).ImportKeyMaterial(b.ctx, &kms.ImportKeyMaterialInput{
			KeyId: &key, ImportToken: set.ImportToken, EncryptedKeyMaterial: append(wrapped, rest...), ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
		})
		require.NoError(t, err)
		assert.Nil(t, out.KeyMaterialId, "only symmetric keys tell it")
	}
	put("pair.pem", openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"))
	signing := b.newExternal(spec.RSA2048, spec.SignVerify)
	importWrapped(signing, openssl("pkcs8", "-topk8", "-outform", "der", "-nocrypt", "-in", "pair.pem"))
	signed, err := b.as(alice).Sign(b.ctx, &kms.SignInput{KeyId: &signing, Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecRsassaPkcs1V15Sha256})
	require.NoError(t, err)
	public, err := x509.ParsePKIXPublicKey(openssl("pkey", "-in", "pair.pem", "-pubout", "-outform", "der"))
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("m"))
	assert.NoError(t, rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, sum[:], signed.Signature), "IM-039")
	told, err := b.as(alice).GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: &signing})
	require.NoError(t, err)
	assert.Equal(t, openssl("pkey", "-in", "pair.pem", "-pubout", "-outform", "der"), told.PublicKey, "IM-034")

	hmacKey, secret := b.newExternal(spec.HMAC384, spec.GenerateVerifyMAC), openssl("rand", "48")
	importWrapped(hmacKey, secret)
	mac, err := b.as(alice).GenerateMac(b.ctx, &kms.GenerateMacInput{KeyId: &hmacKey, Message: []byte("m"), MacAlgorithm: types.MacAlgorithmSpecHmacSha384})
	require.NoError(t, err)
	put("message", []byte("m"))
	theirs := openssl("dgst", "-sha384", "-mac", "HMAC", "-macopt", "hexkey:"+hex.EncodeToString(secret), "-binary", "message")
	assert.Equal(t, theirs, mac.Mac, "IM-039")
}

// TestEverySpecCanBeImported (IM-007).
func TestEverySpecCanBeImported(t *testing.T) {
	b := newBench(t)
	sizes := map[spec.KeySpec]int{spec.SymmetricDefault: 32, spec.HMAC224: 28, spec.HMAC256: 32, spec.HMAC384: 48, spec.HMAC512: 64}
	for _, e := range spec.All() {
		if e.Bits > 2048 || e.Spec == spec.RSA2048 { // RSA needs another algorithm: TestImportWithOpenSSL
			continue
		}
		secret := make([]byte, sizes[e.Spec])
		if keypair.Known(e.Spec) {
			private, err := keypair.Generate(e.Spec)
			require.NoError(t, err)
			secret = private.Expose()
		}
		if len(secret) > 190 { // as does the curve P-521
			continue
		}
		key := b.newExternal(e.Spec, e.Usages()[0])
		b.mustBring(key, secret)
		assert.Equal(t, types.KeyStateEnabled, b.describe(key).KeyState, e.Spec)
	}
}
