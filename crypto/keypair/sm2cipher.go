package keypair

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"math/big"

	"github.com/emmansun/gmsm/kdf"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

const (
	// sm2Short is the length in bytes from which a key stream, or a C2, that is
	// all zero cannot happen.
	sm2Short = 16
	// sm2Draws bounds how often a ciphertext is drawn again. One draw in 128 of
	// a plaintext of one byte has to be, and fewer of a longer one.
	sm2Draws = 64
)

// sm2Ciphertext is C1, C3 and C2 of GB/T 32918.4 in DER (GB/T 35276).
type sm2Ciphertext struct {
	X, Y *big.Int // C1
	Hash []byte   // C3
	Data []byte   // C2
}

// EncryptPublic implements material.PublicCipher. What is short is drawn until
// the library decrypts it: it refuses a C2 that is all zero, which the standard
// has as any other, and where the key stream was all zero it goes on with a
// wrong point.
func (k *sm2Key) EncryptPublic(ctx context.Context, a spec.Algorithm, plaintext []byte) ([]byte, error) {
	if err := permits(ctx, a, []spec.Algorithm{spec.SM2PKE}); err != nil {
		return nil, err
	}
	if len(plaintext) == 0 {
		return nil, material.ErrMessage
	}
	for range sm2Draws {
		ciphertext, err := sm2.EncryptASN1(rand.Reader, &k.key.PublicKey, plaintext)
		if err != nil || len(plaintext) >= sm2Short {
			return ciphertext, err
		}
		if opened, err := k.key.Decrypt(nil, ciphertext, sm2.ASN1DecrypterOpts); err == nil {
			clear(opened)
			return ciphertext, nil
		}
	}
	return nil, errors.New("encrypting with SM2PKE: no draw opens")
}

// DecryptPrivate implements material.PublicCipher.
func (k *sm2Key) DecryptPrivate(ctx context.Context, a spec.Algorithm, ciphertext []byte) (seal.Secret, error) {
	if err := permits(ctx, a, []spec.Algorithm{spec.SM2PKE}); err != nil {
		return seal.Secret{}, err
	}
	plaintext, err := k.key.Decrypt(nil, ciphertext, sm2.ASN1DecrypterOpts)
	if err != nil {
		plaintext, err = k.decryptZero(ciphertext)
	}
	if err != nil {
		return seal.Secret{}, material.ErrCiphertext
	}
	return seal.NewSecret(plaintext), nil
}

// decryptZero decrypts a ciphertext whose C2 is all zero, which the library
// refuses (GB/T 32918.4, section 7.1: only the key stream must not be zero).
// The plaintext is the key stream.
func (k *sm2Key) decryptZero(ciphertext []byte) ([]byte, error) {
	c, err := exact[sm2Ciphertext](ciphertext)
	if err != nil || len(c.Data) == 0 || !allZero(c.Data) || !k.key.IsOnCurve(c.X, c.Y) {
		return nil, material.ErrCiphertext
	}
	x, y := k.key.ScalarMult(c.X, c.Y, k.key.D.Bytes()) // the library's constant-time code; ECDH would give no y
	var point [64]byte
	x.FillBytes(point[:32])
	y.FillBytes(point[32:])
	plaintext := kdf.Kdf(sm3.New(), point[:], len(c.Data))
	hash := sm3.Sum(bytes.Join([][]byte{point[:32], plaintext, point[32:]}, nil))
	if allZero(plaintext) || subtle.ConstantTimeCompare(hash[:], c.Hash) != 1 {
		return nil, material.ErrCiphertext
	}
	return plaintext, nil
}

// allZero tells in constant time whether all bytes are zero.
func allZero(b []byte) bool {
	return subtle.ConstantTimeCompare(b, make([]byte, len(b))) == 1
}
