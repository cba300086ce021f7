package keypair

import (
	"context"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// Object identifiers of SEC 1 keys (RFC 5480) on the curve secp256k1 (SEC 2).
var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSecp256k1   = asn1.ObjectIdentifier{1, 3, 132, 0, 10}
)

// koblitzKey is a material.Signer on secp256k1.
type koblitzKey struct {
	half
	key   *secp256k1.PrivateKey
	point *secp256k1.PublicKey
}

func generateKoblitz() ([]byte, error) {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, err
	}
	return marshalKoblitz(key)
}

func marshalKoblitz(key *secp256k1.PrivateKey) ([]byte, error) {
	algorithm, err := koblitzAlgorithm()
	if err != nil {
		return nil, err
	}
	inner, err := asn1.Marshal(ecPrivateKey{Version: 1, PrivateKey: key.Serialize(), PublicKey: koblitzPoint(key)})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(privateKeyInfo{Algorithm: algorithm, Key: inner})
}

func koblitzAlgorithm() (pkix.AlgorithmIdentifier, error) {
	curve, err := asn1.Marshal(oidSecp256k1)
	return pkix.AlgorithmIdentifier{Algorithm: oidECPublicKey, Parameters: asn1.RawValue{FullBytes: curve}}, err
}

func koblitzPoint(key *secp256k1.PrivateKey) asn1.BitString {
	point := key.PubKey().SerializeUncompressed()
	return asn1.BitString{Bytes: point, BitLength: 8 * len(point)}
}

func openKoblitz(der []byte) (material.Pair, error) {
	algorithm, err := koblitzAlgorithm()
	if err != nil {
		return nil, err
	}
	key, err := readKoblitz(der, algorithm)
	if err != nil {
		return nil, err
	}
	public, err := asn1.Marshal(publicKeyInfo{algorithm, koblitzPoint(key)})
	if err != nil {
		return nil, err
	}
	return &koblitzKey{half{spec.ECCSECGP256K1, public}, key, key.PubKey()}, nil
}

func (k *koblitzKey) canonical(info privateKeyInfo) ([]byte, error) {
	if err := onlyCurve(info, k); err != nil {
		return nil, err
	}
	return marshalKoblitz(k.key)
}

func readKoblitz(der []byte, algorithm pkix.AlgorithmIdentifier) (*secp256k1.PrivateKey, error) {
	var outer privateKeyInfo
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return nil, ErrForm
	}
	if outer.Version > 1 || !outer.Algorithm.Algorithm.Equal(oidECPublicKey) ||
		!slices.Equal(outer.Algorithm.Parameters.FullBytes, algorithm.Parameters.FullBytes) {
		return nil, ErrForm
	}
	var inner ecPrivateKey
	if rest, err := asn1.Unmarshal(outer.Key, &inner); err != nil || len(rest) > 0 || inner.Version != 1 {
		return nil, ErrForm
	}
	var scalar secp256k1.ModNScalar
	if len(inner.PrivateKey) != 32 || scalar.SetByteSlice(inner.PrivateKey) || scalar.IsZero() {
		return nil, ErrForm
	}
	key := secp256k1.NewPrivateKey(&scalar)
	if given := inner.PublicKey.Bytes; len(given) > 0 {
		point, err := secp256k1.ParsePubKey(given)
		if err != nil || !point.IsEqual(key.PubKey()) {
			return nil, ErrForm
		}
	}
	return key, nil
}

var koblitzAlgorithms = []spec.Algorithm{spec.ECDSASHA256}

func (k *koblitzKey) Sign(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	_, sum, err := digest(ctx, a, koblitzAlgorithms, m)
	if err != nil {
		return nil, err
	}
	return ecdsa.Sign(k.key, sum).Serialize(), nil // nonces as RFC 6979
}

func (k *koblitzKey) Verify(ctx context.Context, a spec.Algorithm, m material.Message, signature []byte) error {
	_, sum, err := digest(ctx, a, koblitzAlgorithms, m)
	if err != nil {
		return err
	}
	parsed, err := ecdsa.ParseDERSignature(signature)
	if err != nil || !parsed.Verify(sum, k.point) {
		return material.ErrSignature
	}
	return nil
}
