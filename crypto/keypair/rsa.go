package keypair

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RSAES_OAEP_SHA_1 is an algorithm of the API; OAEP does not rest on collisions
	"crypto/sha256"
	"crypto/x509"
	"hash"
	"math/big"
	"slices"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

var (
	pkcs1      = []spec.Algorithm{spec.RSASSAPKCS1SHA256, spec.RSASSAPKCS1SHA384, spec.RSASSAPKCS1SHA512}
	pss        = []spec.Algorithm{spec.RSASSAPSSSHA256, spec.RSASSAPSSSHA384, spec.RSASSAPSSSHA512}
	rsaSigning = slices.Concat(pkcs1, pss)
	rsaCiphers = map[spec.Algorithm]func() hash.Hash{spec.RSAESOAEPSHA1: sha1.New, spec.RSAESOAEPSHA256: sha256.New}
)

// rsaKey is a material.Signer and a material.PublicCipher (RFC 8017).
type rsaKey struct {
	half
	key *rsa.PrivateKey
}

func rsaFamily(s spec.KeySpec, bits int) family {
	return family{
		generate: func() ([]byte, error) {
			key, err := rsa.GenerateKey(rand.Reader, bits)
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
			key, ok := parsed.(*rsa.PrivateKey)
			if !ok || key.N.BitLen() != bits || len(key.Primes) != 2 {
				return nil, ErrForm
			}
			public, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				return nil, err
			}
			return &rsaKey{half{s, public}, key}, nil
		},
	}
}

// canonical writes the primes as p > q, and d = e⁻¹ mod lcm(p-1, q-1) (FIPS
// 186-5, appendix A.1.1): primes change places, and others take d mod φ(n).
func (k *rsaKey) canonical(info privateKeyInfo) ([]byte, error) {
	if _, err := exact[rsaPrivateKey](info.Key); err != nil {
		return nil, err
	}
	p, q := k.key.Primes[0], k.key.Primes[1]
	if p.Cmp(q) < 0 {
		p, q = q, p
	}
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	lambda := new(big.Int).Mul(p1, q1)
	lambda.Div(lambda, new(big.Int).GCD(nil, nil, p1, q1))
	d := new(big.Int).ModInverse(big.NewInt(int64(k.key.E)), lambda)
	if d == nil {
		return nil, ErrForm
	}
	key := &rsa.PrivateKey{PublicKey: k.key.PublicKey, D: d, Primes: []*big.Int{p, q}}
	key.Precompute()
	return x509.MarshalPKCS8PrivateKey(key)
}

func (k *rsaKey) Sign(ctx context.Context, a spec.Algorithm, m material.Message) ([]byte, error) {
	h, sum, err := digest(ctx, a, rsaSigning, m)
	if err != nil {
		return nil, err
	}
	if slices.Contains(pss, a) {
		return rsa.SignPSS(rand.Reader, k.key, h, sum, pssOptions(h))
	}
	return rsa.SignPKCS1v15(nil, k.key, h, sum)
}

func (k *rsaKey) Verify(ctx context.Context, a spec.Algorithm, m material.Message, signature []byte) error {
	h, sum, err := digest(ctx, a, rsaSigning, m)
	if err != nil {
		return err
	}
	if slices.Contains(pss, a) {
		err = rsa.VerifyPSS(&k.key.PublicKey, h, sum, signature, pssOptions(h))
	} else {
		err = rsa.VerifyPKCS1v15(&k.key.PublicKey, h, sum, signature)
	}
	if err != nil {
		return material.ErrSignature
	}
	return nil
}

// pssOptions: the salt is as long as the hash (SPEC-05).
func pssOptions(h crypto.Hash) *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
}

func (k *rsaKey) EncryptPublic(ctx context.Context, a spec.Algorithm, plaintext []byte) ([]byte, error) {
	h, err := oaepHash(ctx, a)
	if err != nil {
		return nil, err
	}
	return rsa.EncryptOAEP(h, rand.Reader, &k.key.PublicKey, plaintext, nil)
}

func (k *rsaKey) DecryptPrivate(ctx context.Context, a spec.Algorithm, ciphertext []byte) (seal.Secret, error) {
	h, err := oaepHash(ctx, a)
	if err != nil {
		return seal.Secret{}, err
	}
	if len(ciphertext) != k.key.Size() { // RFC 8017, section 7.1.2, step 1b
		return seal.Secret{}, material.ErrCiphertext
	}
	plaintext, err := rsa.DecryptOAEP(h, nil, k.key, ciphertext, nil)
	if err != nil {
		return seal.Secret{}, material.ErrCiphertext
	}
	return seal.NewSecret(plaintext), nil
}

// oaepHash is the hash of label and mask (SPEC-04).
func oaepHash(ctx context.Context, a spec.Algorithm) (hash.Hash, error) {
	made, ok := rsaCiphers[a]
	if !ok {
		return nil, permits(ctx, a, nil)
	}
	return made(), ctx.Err()
}
