package keypair

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// sm2Key is a material.Signer, a material.PublicCipher and a
// material.Agreement (GB/T 32918).
type sm2Key struct {
	half
	key *sm2.PrivateKey
}

func generateSM2() ([]byte, error) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return smx509.MarshalPKCS8PrivateKey(key)
}

func openSM2(pkcs8 []byte) (material.Pair, error) {
	parsed, err := smx509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*sm2.PrivateKey)
	if !ok || !sm2.IsSM2PublicKey(&key.PublicKey) {
		return nil, ErrForm
	}
	public, err := smx509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &sm2Key{half{spec.SM2, public}, key}, nil
}

func (k *sm2Key) canonical(info privateKeyInfo) ([]byte, error) {
	if err := onlyCurve(info, k); err != nil {
		return nil, err
	}
	return smx509.MarshalPKCS8PrivateKey(k.key)
}

// sm2Digest is SM3(ZA || message) with the default distinguishing identifier,
// or the digest that a caller made with any (ASY-11).
func (k *sm2Key) sm2Digest(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	if err := permits(ctx, a, []spec.Algorithm{spec.SM2DSA}); err != nil {
		return nil, err
	}
	switch {
	case m.Type == material.Raw:
		za, err := sm2.CalculateZA(&k.key.PublicKey, []byte("1234567812345678"))
		if err != nil {
			return nil, err
		}
		state := sm3.New()
		state.Write(za)
		state.Write(m.Bytes)
		return state.Sum(nil), nil
	case m.Type == material.Digest && len(m.Bytes) == sm3.Size:
		return m.Bytes, nil
	default:
		return nil, material.ErrMessage
	}
}

func (k *sm2Key) Sign(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	sum, err := k.sm2Digest(ctx, a, m)
	if err != nil {
		return nil, err
	}
	return sm2.SignASN1(rand.Reader, k.key, sum, nil)
}

func (k *sm2Key) Verify(ctx context.Context, a spec.Algorithm, m material.Message, signature []byte) error {
	sum, err := k.sm2Digest(ctx, a, m)
	if err != nil {
		return err
	}
	if !sm2.VerifyASN1(&k.key.PublicKey, sum, signature) {
		return material.ErrSignature
	}
	return nil
}

func (k *sm2Key) Derive(ctx context.Context, peer []byte) (seal.Secret, error) {
	if err := ctx.Err(); err != nil {
		return seal.Secret{}, err
	}
	if _, err := exact[publicKeyInfo](peer); err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	parsed, err := smx509.ParsePKIXPublicKey(peer)
	if err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(public) {
		return seal.Secret{}, material.ErrPeer
	}
	point, err := sm2.PublicKeyToECDH(public)
	if err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	own, err := k.key.ECDH()
	if err != nil {
		return seal.Secret{}, err
	}
	shared, err := own.ECDH(point)
	if err != nil {
		return seal.Secret{}, material.ErrPeer
	}
	return seal.NewSecret(shared), nil
}
