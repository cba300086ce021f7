package engine_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"path/filepath"
	"testing"

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

// TestKeysOfOldRecordsAreReimported: the fingerprint may be of the document
// that was given.
func TestKeysOfOldRecordsAreReimported(t *testing.T) {
	b := newBench(t)
	key, all := b.newExternal(spec.ECCNISTP256, spec.SignVerify), documents(t, spec.ECCNISTP256)
	root, err := seal.LoadRootKey(filepath.Join(b.Dir, "data", "root.key"))
	require.NoError(t, err)
	makeOld := func() {
		sum := sha256.Sum256(all[1])
		sealed, err := root.Seal("imported material", nil, sum[:])
		require.NoError(t, err)
		require.NoError(t, b.Store.Update(func(tx *store.Tx) error {
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
	b.mustBring(key, all[1])
	for i, form := range all {
		makeOld()
		require.NoError(t, second(b.bring(key, form)), "form %d, while the key is there", i)
	}
	makeOld()
	b.deleteMaterial(key)
	require.NoError(t, second(b.bring(key, all[1])), "the document of old, after its deletion")
	b.deleteMaterial(key)
	require.NoError(t, second(b.bring(key, all[0])), "and then any other")
	makeOld()
	assert.Equal(t, "IncorrectKeyMaterialException: The key material is not the key material that was imported into this key before.",
		said(second(b.bring(key, documents(t, spec.ECCNISTP256)[0]))), "another key")
}
