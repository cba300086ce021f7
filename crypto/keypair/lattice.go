package keypair

import (
	"context"
	"crypto"
	"fmt"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	mldsax509 "filippo.io/mldsa/x509"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"

	"github.com/keyreeve/keyreeve/crypto/keypair/mu"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A lattice is a parameter set of ML-DSA (FIPS 204) in both libraries: circl
// signs and verifies messages; filippo.io/mldsa signs an external μ, which
// circl does not, and knows the standard forms of keys.
type lattice struct {
	scheme     sign.Scheme
	parameters mldsa.Parameters
	mu         mu.Parameters
}

var lattices = map[spec.KeySpec]lattice{
	spec.MLDSA44: {mldsa44.Scheme(), mldsa.MLDSA44(), mu.MLDSA44},
	spec.MLDSA65: {mldsa65.Scheme(), mldsa.MLDSA65(), mu.MLDSA65},
	spec.MLDSA87: {mldsa87.Scheme(), mldsa.MLDSA87(), mu.MLDSA87},
}

// latticeKey is a material.Signer.
type latticeKey struct {
	half
	lattice
	private  sign.PrivateKey
	public   sign.PublicKey
	external *mldsa.PrivateKey
}

func latticeFamily(s spec.KeySpec) family {
	l := lattices[s]
	return family{
		generate: func() ([]byte, error) {
			key, err := mldsa.GenerateKey(l.parameters)
			if err != nil {
				return nil, err
			}
			return mldsax509.MarshalPKCS8PrivateKey(key)
		},
		open: func(pkcs8 []byte) (material.Pair, error) {
			parsed, err := mldsax509.ParsePKCS8PrivateKey(pkcs8)
			if err != nil {
				return nil, err
			}
			key, ok := parsed.(*mldsa.PrivateKey)
			if !ok || key.PublicKey().Parameters() != l.parameters {
				return nil, ErrForm
			}
			info, err := mldsax509.MarshalPKIXPublicKey(key.PublicKey())
			if err != nil {
				return nil, err
			}
			public, private := l.scheme.DeriveKey(key.Bytes())
			return &latticeKey{half{s, info}, l, private, public, key}, nil
		},
	}
}

// canonical: the parser of the private key takes nothing but a seed.
func (k *latticeKey) canonical(privateKeyInfo) ([]byte, error) {
	return mldsax509.MarshalPKCS8PrivateKey(k.external)
}

func (k *latticeKey) Sign(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	if err := k.permitsMessage(ctx, a, m); err != nil {
		return nil, err
	}
	if m.Type == material.ExternalMu {
		return k.external.Sign(nil, m.Bytes, externalMu{})
	}
	return k.scheme.Sign(k.private, m.Bytes, nil), nil
}

func (k *latticeKey) Verify(ctx context.Context, a spec.Algorithm, m material.Message, signature []byte) error {
	if err := k.permitsMessage(ctx, a, m); err != nil {
		return err
	}
	var valid bool
	if m.Type == material.ExternalMu {
		valid = mu.Verify(k.mu, k.external.PublicKey().Bytes(), m.Bytes, signature)
	} else {
		valid = k.scheme.Verify(k.public, m.Bytes, signature, nil)
	}
	if !valid {
		return material.ErrSignature
	}
	return nil
}

// permitsMessage: a whole message or its representative, never a digest.
func (k *latticeKey) permitsMessage(ctx context.Context, a spec.Algorithm, m material.Message) error {
	if err := permits(ctx, a, []spec.Algorithm{spec.MLDSASHAKE256}); err != nil {
		return err
	}
	if m.Type == material.Raw || m.Type == material.ExternalMu && len(m.Bytes) == mu.Size {
		return nil
	}
	return fmt.Errorf("%w of %s", material.ErrMessage, a)
}

// externalMu tells that a message is the representative μ already.
type externalMu struct{}

func (externalMu) HashFunc() crypto.Hash { return mldsacrypto.MLDSAMu }
