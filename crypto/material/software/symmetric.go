package software

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A kind is how material of one key spec is made and opened.
type kind struct {
	generate func(rand io.Reader) (seal.Secret, error)
	open     func(secret seal.Secret, rand io.Reader) (material.Key, error)
	bytes    int // about what an opened key takes in memory
}

var kinds = func() map[spec.KeySpec]kind {
	kinds := map[spec.KeySpec]kind{spec.SymmetricDefault: {generate: generateSymmetric, open: openSymmetric, bytes: smallBytes}}
	for _, e := range spec.All() {
		switch {
		case keypair.Known(e.Spec):
			kinds[e.Spec] = pairKind(e.Spec)
		case hmacHashes[e.Spec] != 0:
			kinds[e.Spec] = hmacKind(e.Spec)
		}
	}
	return kinds
}()

// smallBytes is about what most opened keys take in memory, with their place in
// the cache.
const smallBytes = 1 << 10

// openedBytes are the specs whose opened keys take more: RSA keys bring what
// speeds them up, ML-DSA keys matrices of polynomials.
var openedBytes = map[spec.KeySpec]int{
	spec.RSA2048: 5 << 10, spec.RSA3072: 6 << 10, spec.RSA4096: 8 << 10,
	spec.MLDSA44: 160 << 10, spec.MLDSA65: 190 << 10, spec.MLDSA87: 220 << 10,
}

// pairKind makes pairs with the randomness of crypto/rand, which the standard
// library takes whatever it is given.
func pairKind(s spec.KeySpec) kind {
	return kind{
		generate: func(io.Reader) (seal.Secret, error) { return keypair.Generate(s) },
		open:     func(secret seal.Secret, _ io.Reader) (material.Key, error) { return keypair.Open(s, secret) },
		bytes:    max(smallBytes, openedBytes[s]),
	}
}

// symmetricLabel separates ciphertext from all else that seal.Key seals.
const symmetricLabel = "keyreeve SYMMETRIC_DEFAULT 1"

// symmetric is AES-256-GCM under a key derived for each call. The form of a
// ciphertext is drawn above seal.Key.
type symmetric struct {
	key *seal.Key
}

var _ material.Cipher = (*symmetric)(nil)

func generateSymmetric(rand io.Reader) (seal.Secret, error) {
	b := make([]byte, seal.SecretSize)
	if _, err := io.ReadFull(rand, b); err != nil {
		return seal.Secret{}, fmt.Errorf("reading randomness: %w", err)
	}
	return seal.NewSecret(b), nil
}

func openSymmetric(secret seal.Secret, rand io.Reader) (material.Key, error) {
	key, err := seal.NewKey(secret, symmetricLabel, rand)
	if err != nil {
		return nil, err
	}
	return &symmetric{key: key}, nil
}

// Spec implements material.Key.
func (*symmetric) Spec() spec.KeySpec { return spec.SymmetricDefault }

// String says of the key what every key of its spec says.
func (s *symmetric) String() string { return string(s.Spec()) + " key" }

// Encrypt implements material.Cipher.
func (s *symmetric) Encrypt(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.key.Seal(nil, plaintext, aad)
}

// Decrypt implements material.Cipher.
func (s *symmetric) Decrypt(ctx context.Context, ciphertext, aad []byte) (seal.Secret, error) {
	if err := ctx.Err(); err != nil {
		return seal.Secret{}, err
	}
	plaintext, err := s.key.Open(ciphertext, aad)
	if errors.Is(err, seal.ErrOpen) {
		return seal.Secret{}, material.ErrCiphertext
	}
	return plaintext, err
}
