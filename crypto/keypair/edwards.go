package keypair

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// edwardsKey is a material.Signer (RFC 8032).
type edwardsKey struct {
	half
	key ed25519.PrivateKey
}

func generateEdwards() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func openEdwards(pkcs8 []byte) (material.Pair, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, ErrForm
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &edwardsKey{half{spec.ECCNISTEdwards25519, public}, key}, nil
}

// canonical: the private key is an OCTET STRING in another (RFC 8410, section 7).
func (k *edwardsKey) canonical(info privateKeyInfo) ([]byte, error) {
	if _, err := exact[[]byte](info.Key); err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(k.key)
}

func (k *edwardsKey) Sign(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	message, options, err := edwardsInput(ctx, a, m)
	if err != nil {
		return nil, err
	}
	return k.key.Sign(nil, message, options)
}

func (k *edwardsKey) Verify(ctx context.Context, a spec.Algorithm, m material.Message, signature []byte) error {
	message, options, err := edwardsInput(ctx, a, m)
	if err != nil {
		return err
	}
	public, _ := k.key.Public().(ed25519.PublicKey) // its only type
	if ed25519.VerifyWithOptions(public, message, signature, options) != nil {
		return material.ErrSignature
	}
	return nil
}

// edwardsInput: ED25519_SHA_512 goes with a whole message, ED25519_PH_SHA_512
// with a digest, which the pre-hash of Ed25519ph takes as its message: it is
// hashed twice (NEW-03; FIPS 186-5, section 7.8.1).
func edwardsInput(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, *ed25519.Options, error) {
	if err := permits(ctx, a, []spec.Algorithm{spec.ED25519SHA512, spec.ED25519PHSHA512}); err != nil {
		return nil, nil, err
	}
	switch {
	case a == spec.ED25519SHA512 && m.Type == material.Raw:
		return m.Bytes, &ed25519.Options{}, nil
	case a == spec.ED25519PHSHA512 && m.Type == material.Digest && len(m.Bytes) == crypto.SHA512.Size():
		state := crypto.SHA512.New()
		state.Write(m.Bytes)
		return state.Sum(nil), &ed25519.Options{Hash: crypto.SHA512}, nil
	default:
		return nil, nil, material.ErrMessage
	}
}
