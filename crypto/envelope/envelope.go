// Package envelope is the format of ciphertext blobs: which key and material
// made a blob, bound to the encryption context.
package envelope

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
)

// MaxBlob is the most bytes of a blob that Seal makes and Open and Parse look
// at (SYM-03). With 4,096 bytes of plaintext a blob stays well below it.
const MaxBlob = 6144

// ErrOpen is the one error of blobs that do not open: of another format,
// changed, cut, made by another key or material, or under another encryption
// context.
var ErrOpen = errors.New("ciphertext blob does not open")

// Parse reads the header of a blob. What it returns is a claim until Open
// succeeds: use it to find the key, not to trust the blob. The error is ErrOpen.
func Parse(blob []byte) (Header, error) {
	h, _, err := split(blob)
	return h, err
}

// Seal encrypts plaintext with the material that h names, bound to h and to
// the encryption context ec, exactly as it stands: names and values are
// case-sensitive. No context and an empty one are the same.
//
// It refuses a header that is not well formed, and a plaintext so long that
// the blob would exceed MaxBlob.
func Seal(ctx context.Context, c material.Cipher, h Header, ec map[string]string, plaintext []byte) ([]byte, error) {
	header, err := h.encode()
	if err != nil {
		return nil, err
	}
	if len(header)+len(plaintext) > MaxBlob {
		return nil, fmt.Errorf("sealing %d bytes: the blob would exceed %d", len(plaintext), MaxBlob)
	}
	ciphertext, err := c.Encrypt(ctx, plaintext, associatedData(header, ec))
	if err != nil {
		return nil, fmt.Errorf("sealing a blob: %w", err)
	}
	if len(header)+len(ciphertext) > MaxBlob {
		return nil, fmt.Errorf("sealing %d bytes: the blob exceeds %d", len(plaintext), MaxBlob)
	}
	return append(header, ciphertext...), nil
}

// Open is the inverse of Seal. The caller has found c by what Parse said of the
// blob: key and material. Every blob that does not open is ErrOpen itself; any
// other error says nothing about the blob: the provider of the material could
// not be asked.
func Open(ctx context.Context, c material.Cipher, blob []byte, ec map[string]string) (seal.Secret, error) {
	_, n, err := split(blob)
	if err != nil {
		return seal.Secret{}, err
	}
	plaintext, err := c.Decrypt(ctx, blob[n:], associatedData(blob[:n], ec))
	if errors.Is(err, material.ErrCiphertext) {
		return seal.Secret{}, ErrOpen
	}
	if err != nil {
		return seal.Secret{}, fmt.Errorf("opening a blob: %w", err)
	}
	return plaintext, nil
}
