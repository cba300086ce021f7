package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// SecretSize is the size of a secret that can seal, in bytes.
	SecretSize = 32
	// Overhead is how much longer sealed bytes are than their plaintext.
	Overhead = saltSize + nonceSize + tagSize

	saltSize  = 32
	nonceSize = 12
	tagSize   = 16
)

// ErrOpen is the one error of opening: changed, cut, made with another key, for
// another purpose, or bound to other associated data.
var ErrOpen = errors.New("sealed bytes do not open")

// A Key seals with AES-256-GCM under a key that it derives anew for each
// message. It is safe for concurrent use if its source of randomness is.
//
//	 0              32             44             44+n           60+n
//	+--------------+--------------+--------------+--------------+
//	| salt         | nonce        | ciphertext   | tag          |
//	+--------------+--------------+--------------+--------------+
//
//	message key = HKDF-SHA-256(secret, salt, info = label)    RFC 5869, 32 bytes
//	ciphertext, tag = AES-256-GCM(message key, nonce, plaintext, associated data)
//
// Salt and nonce are 352 random bits. Two messages share a message key only if
// their salts collide (2^128 messages for an even chance), and are in danger
// only if their nonces collide as well, so a Key has no limit of messages.
// AES-GCM under the secret itself would end at 2^32 (SP 800-38D section 8.3).
type Key struct {
	secret Secret
	label  string
	rand   io.Reader
}

// NewKey makes a key of 32 secret bytes. The label separates uses of one
// secret: what is sealed under one label does not open under another.
func NewKey(secret Secret, label string, rand io.Reader) (*Key, error) {
	switch {
	case len(secret.Expose()) != SecretSize:
		return nil, fmt.Errorf("a sealing secret of %d bytes, want %d", len(secret.Expose()), SecretSize)
	case label == "":
		return nil, errors.New("a sealing key without a label")
	case rand == nil:
		return nil, errors.New("a sealing key without a source of randomness")
	}
	return &Key{secret: secret, label: label, rand: rand}, nil
}

// Seal appends the sealed plaintext to dst, bound to aad, which is not part of
// the result. It errs only when there is no randomness.
func (k *Key) Seal(dst, plaintext, aad []byte) ([]byte, error) {
	start := len(dst)
	dst = slices.Grow(dst, len(plaintext)+Overhead)[:start+saltSize+nonceSize]
	if _, err := io.ReadFull(k.rand, dst[start:]); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	salt, nonce := dst[start:start+saltSize], dst[start+saltSize:]
	gcm, err := messageCipher(k.secret.Expose(), salt, k.label)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(dst, nonce, plaintext, aad), nil
}

// Open returns the plaintext of what Seal made with the same secret, label and
// aad, and ErrOpen for anything else.
func (k *Key) Open(sealed, aad []byte) (Secret, error) {
	if len(sealed) < Overhead {
		return Secret{}, ErrOpen
	}
	salt, nonce, ciphertext := sealed[:saltSize], sealed[saltSize:saltSize+nonceSize], sealed[saltSize+nonceSize:]
	gcm, err := messageCipher(k.secret.Expose(), salt, k.label)
	if err != nil {
		return Secret{}, err
	}
	plaintext, err := gcm.Open(nil, nonce, ciphertext, aad)
	if err != nil {
		return Secret{}, ErrOpen
	}
	return NewSecret(plaintext), nil
}

// messageCipher makes the cipher of one message.
func messageCipher(secret, salt []byte, label string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, salt, label, SecretSize)
	if err != nil {
		return nil, fmt.Errorf("deriving a message key: %w", err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, fmt.Errorf("making a message cipher: %w", err)
	}
	return gcm, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
