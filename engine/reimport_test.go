package engine_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/store"
)

// pkcs8 and sec1 are RFC 5958 and RFC 5915.
type (
	pkcs8 struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
		Public    asn1.BitString `asn1:"optional,tag:1"`
	}
	sec1 struct {
		Version int
		Key     []byte
		Public  asn1.BitString `asn1:"optional,explicit,tag:1"`
	}
)

// documents are one key in several forms: as it was made, and with another
// public half or none.
func documents(t *testing.T, s spec.KeySpec) (all [][]byte) {
	t.Helper()
	private, err := keypair.Generate(s)
	require.NoError(t, err)
	parsed, err := x509.ParsePKCS8PrivateKey(private.Expose())
	require.NoError(t, err)
	var outer pkcs8
	_, err = asn1.Unmarshal(private.Expose(), &outer)
	require.NoError(t, err)
	encoded := func(value any) []byte {
		der, err := asn1.Marshal(value)
		require.NoError(t, err)
		return der
	}
	switch key := parsed.(type) {
	case ed25519.PrivateKey:
		outer.Version, outer.Public = 1, asn1.BitString{Bytes: key[32:], BitLength: 256}
		return [][]byte{private.Expose(), encoded(outer)}
	case *ecdsa.PrivateKey:
		var inner sec1
		_, err = asn1.Unmarshal(outer.Key, &inner)
		require.NoError(t, err)
		point := inner.Public.Bytes // 04 x y
		inner.Public = asn1.BitString{Bytes: append([]byte{2 | point[64]&1}, point[1:33]...), BitLength: 33 * 8}
		outer.Key = encoded(inner)
		compressed := encoded(outer)
		outer.Key = encoded(sec1{Version: 1, Key: inner.Key})
		return [][]byte{private.Expose(), compressed, encoded(outer)}
	}
	require.Fail(t, "no other form", s)
	return nil
}

func (b bench) deleteMaterial(key string) {
	b.t.Helper()
	require.NoError(b.t, second(b.in(regionOf(key)).DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key})))
}

// TestReimportComparesKeys (IM-033, IM-089): a key is itself in each of its
// forms, also after its material was deleted, and in the Regions of its set.
func TestReimportComparesKeys(t *testing.T) {
	b := newBench(t)
	for _, s := range []spec.KeySpec{spec.ECCNISTP256, spec.ECCNISTEdwards25519} {
		key := b.newMultiRegion(func(in *kms.CreateKeyInput) {
			in.Origin, in.KeySpec, in.KeyUsage = types.OriginTypeExternal, types.KeySpec(s), types.KeyUsageTypeSignVerify
		})
		all := documents(t, s)
		for i, form := range all {
			require.NoError(t, b.importInto(key, form), "%s, form %d over form %d", s, i, i-1)
		}
		b.deleteMaterial(key)
		require.NoError(t, b.importInto(key, all[0]), "%s, after its deletion", s)
		replica := b.replicate(key, europe)
		for i, form := range all {
			assert.NoError(t, b.importInto(replica, form), "%s, form %d in another Region", s, i)
		}
		assert.Equal(t, "IncorrectKeyMaterialException: The key material is not the key material that was imported into this key before.",
			said(b.importInto(key, documents(t, s)[0])), s)
	}
}

// makeOld gives the material of a key the fingerprint of a document.
func (b bench) makeOld(key string, document []byte) {
	b.t.Helper()
	root, err := seal.LoadRootKey(filepath.Join(b.Dir, "data", "root.key"))
	require.NoError(b.t, err)
	sum := sha256.Sum256(document)
	sealed, err := root.Seal("imported material", nil, sum[:])
	require.NoError(b.t, err)
	require.NoError(b.t, b.Store.Update(func(tx *store.Tx) error {
		k, err := tx.Key(store.KeyAddr{Account: acme, Region: region, ID: id(key)})
		if err != nil {
			return err
		}
		imported := *k.Materials[0].Import
		imported.Fingerprint = sealed
		k.Materials[0].Import = &imported
		return tx.PutKey(k)
	}))
}

// TestKeysOfOldRecordsAreReimported: the fingerprint may be of the document
// that was given.
func TestKeysOfOldRecordsAreReimported(t *testing.T) {
	b := newBench(t)
	key, all := b.newExternal(spec.ECCNISTP256, spec.SignVerify), documents(t, spec.ECCNISTP256)
	b.mustBring(key, all[1])
	for i, form := range all {
		b.makeOld(key, all[1])
		require.NoError(t, second(b.bring(key, form)), "form %d, while the key is there", i)
	}
	b.makeOld(key, all[1])
	b.deleteMaterial(key)
	require.NoError(t, second(b.bring(key, all[1])), "the document of old, after its deletion")
	b.deleteMaterial(key)
	require.NoError(t, second(b.bring(key, all[0])), "and then any other")
	b.makeOld(key, all[1])
	const other = "IncorrectKeyMaterialException: The key material is not the key material that was imported into this key before."
	assert.Equal(t, other, said(second(b.bring(key, documents(t, spec.ECCNISTP256)[0]))), "another key")

	set := b.newMultiRegion(func(in *kms.CreateKeyInput) {
		in.Origin, in.KeySpec, in.KeyUsage = types.OriginTypeExternal, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify
	})
	require.NoError(t, b.importInto(set, all[1]))
	b.makeOld(set, all[1])
	replica := b.replicate(set, europe)
	assert.Equal(t, other, said(b.importInto(replica, documents(t, spec.ECCNISTP256)[0])), "another key, in another Region")
	assert.NoError(t, b.importInto(replica, all[2]), "another form, in another Region")
}

// TestImportedMaterialHasItsID (NEW-06): an id follows from key and material,
// and is not that of the same material in another key.
func TestImportedMaterialHasItsID(t *testing.T) {
	b := newBench(t)
	key, other := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt)
	first := b.mustBring(key, material(1))
	assert.Regexp(t, "^[0-9a-f]{64}$", first)
	assert.NotEqual(t, first, b.mustBring(other, material(1)), "another key")
	next := b.mustBring(key, material(2), asNew)
	assert.NotEqual(t, first, next)
	require.NoError(t, second(b.as(alice).DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key, KeyMaterialId: &next})))
	assert.Equal(t, next, b.mustBring(key, material(2), asNew), "pending material that was deleted left nothing, and comes back as itself")
	assert.Equal(t, "IncorrectKeyMaterialException: The key material is not the key material that was imported into this key before.",
		said(second(b.bring(key, material(2), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialId = &first }))), "the id of other material")
}

// TestOnlySymmetricKeysHaveSeveralMaterials (IMP-1).
func TestOnlySymmetricKeysHaveSeveralMaterials(t *testing.T) {
	b := newBench(t)
	private, err := keypair.Generate(spec.ECCNISTP256)
	require.NoError(t, err)
	for s, secret := range map[spec.KeySpec][]byte{spec.ECCNISTP256: private.Expose(), spec.HMAC256: material(1)} {
		e, _ := spec.Lookup(s)
		key := b.newExternal(s, e.Usages()[0])
		with := func(change func(*kms.ImportKeyMaterialInput)) func() error {
			return func() error { return second(b.bring(key, secret, change)) }
		}
		const refused = "UnsupportedOperationException: ImportType, KeyMaterialId and KeyMaterialDescription are supported only with symmetric encryption KMS keys."
		parameters := []ask{
			{string(s) + " with an import type of new material", with(asNew), refused},
			{string(s) + " with one of existing material", with(func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeExistingKeyMaterial }), refused},
			{string(s) + " with a description", with(func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialDescription = aws.String("d") }), refused},
			{string(s) + " with an id", with(func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialId = aws.String(strings.Repeat("a", 64)) }), refused},
		}
		answers(t, parameters)
		assert.Equal(t, types.KeyStatePendingImport, b.describe(key).KeyState, s)
		require.NoError(t, second(b.bring(key, secret)), s)
		answers(t, parameters)
		for _, include := range []types.IncludeKeyMaterial{types.IncludeKeyMaterialAllKeyMaterial, types.IncludeKeyMaterialRotationsOnly} {
			assert.Equal(t, "UnsupportedOperationException: "+key+" origin is EXTERNAL which is not valid for this operation.",
				said(second(b.as(alice).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: include}))))
		}
		own, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{KeySpec: types.KeySpec(s), KeyUsage: types.KeyUsageType(e.Usages()[0])})
		require.NoError(t, err)
		assert.Equal(t, "UnsupportedOperationException", said(second(b.as(alice).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{
			KeyId: own.KeyMetadata.Arn, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial,
		}))), s)
	}
}

// TestPendingMaterialThatExpiresIsGone (IMP-2): as if it had been deleted.
func TestPendingMaterialThatExpiresIsGone(t *testing.T) {
	b := newBench(t)
	key := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt)
	first := b.mustBring(key, material(1))
	next := b.mustBring(key, material(2), asNew, until(b.Clock.Now().Add(day)))
	require.Equal(t, next, *b.pendingMaterial(key))
	b.Clock.Advance(2 * day)
	for _, when := range []string{"before the sweep", "after the sweep"} {
		assert.Equal(t, first, *b.pendingMaterial(key), when)
		assert.Equal(t, types.KeyStateEnabled, b.describe(key).KeyState, when)
		require.NoError(t, b.Engine.Sweep(b.ctx))
	}
	assert.Equal(t, next, b.mustBring(key, material(2), asNew))
}
