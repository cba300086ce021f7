package keypair

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A nistCurve is one of the curves of FIPS 186-5 and its only signature
// algorithm (SPEC-06).
type nistCurve struct {
	curve     elliptic.Curve
	algorithm []spec.Algorithm
}

var nistCurves = map[spec.KeySpec]nistCurve{
	spec.ECCNISTP256: {elliptic.P256(), []spec.Algorithm{spec.ECDSASHA256}},
	spec.ECCNISTP384: {elliptic.P384(), []spec.Algorithm{spec.ECDSASHA384}},
	spec.ECCNISTP521: {elliptic.P521(), []spec.Algorithm{spec.ECDSASHA512}},
}

// nistKey is a material.Signer and a material.Agreement.
type nistKey struct {
	half
	key       *ecdsa.PrivateKey
	agreement *ecdh.PrivateKey
	algorithm []spec.Algorithm
}

func nistFamily(s spec.KeySpec) family {
	c := nistCurves[s]
	return family{
		generate: func() ([]byte, error) {
			key, err := ecdsa.GenerateKey(c.curve, rand.Reader)
			if err != nil {
				return nil, err
			}
			return x509.MarshalPKCS8PrivateKey(key)
		},
		open: func(pkcs8 []byte) (material.Pair, error) {
			parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
			if err != nil {
				return nil, err
			}
			key, ok := parsed.(*ecdsa.PrivateKey)
			if !ok || key.Curve != c.curve {
				return nil, ErrForm
			}
			agreement, err := key.ECDH()
			if err != nil {
				return nil, err
			}
			public, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				return nil, err
			}
			return &nistKey{half{s, public}, key, agreement, c.algorithm}, nil
		},
	}
}

func (k *nistKey) canonical(info privateKeyInfo) ([]byte, error) {
	if err := onlyCurve(info, k); err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(k.key)
}

func (k *nistKey) Sign(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	_, sum, err := digest(ctx, a, k.algorithm, m)
	if err != nil {
		return nil, err
	}
	return ecdsa.SignASN1(rand.Reader, k.key, sum)
}

func (k *nistKey) Verify(ctx context.Context, a spec.Algorithm, m material.Message, signature []byte) error {
	_, sum, err := digest(ctx, a, k.algorithm, m)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(&k.key.PublicKey, sum, signature) {
		return material.ErrSignature
	}
	return nil
}

// Derive is SEC 1, section 3.3.1: the x-coordinate of the shared point.
func (k *nistKey) Derive(ctx context.Context, peer []byte) (seal.Secret, error) {
	if err := ctx.Err(); err != nil {
		return seal.Secret{}, err
	}
	if _, err := exact[publicKeyInfo](peer); err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	parsed, err := x509.ParsePKIXPublicKey(peer)
	if err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || public.Curve != k.key.Curve {
		return seal.Secret{}, material.ErrPeer
	}
	point, err := public.ECDH()
	if err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	shared, err := k.agreement.ECDH(point)
	if err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	return seal.NewSecret(shared), nil
}
