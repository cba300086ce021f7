package software

import (
	"context"
	"crypto"
	"crypto/hmac"
	"fmt"
	"io"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// hmacHashes names the hash of each HMAC spec; the material is as long as its
// result (MAC-02, MAC-07).
var hmacHashes = map[spec.KeySpec]crypto.Hash{
	spec.HMAC224: crypto.SHA224, spec.HMAC256: crypto.SHA256, spec.HMAC384: crypto.SHA384, spec.HMAC512: crypto.SHA512,
}

// hmacKey is a material.MAC (RFC 2104).
type hmacKey struct {
	spec   spec.KeySpec
	hash   crypto.Hash
	secret seal.Secret
}

var _ material.MAC = (*hmacKey)(nil)

func hmacKind(s spec.KeySpec) kind {
	hash := hmacHashes[s]
	return kind{
		bytes: smallBytes,
		generate: func(rand io.Reader) (seal.Secret, error) {
			b := make([]byte, hash.Size())
			if _, err := io.ReadFull(rand, b); err != nil {
				return seal.Secret{}, fmt.Errorf("reading randomness: %w", err)
			}
			return seal.NewSecret(b), nil
		},
		open: func(secret seal.Secret, _ io.Reader) (material.Key, error) {
			if len(secret.Expose()) != hash.Size() {
				return nil, fmt.Errorf("%s material of %d bytes: %w", s, len(secret.Expose()), material.ErrRef)
			}
			return &hmacKey{s, hash, secret}, nil
		},
	}
}

// Spec implements material.Key.
func (k *hmacKey) Spec() spec.KeySpec { return k.spec }

// String says of the key what every key of its spec says.
func (k *hmacKey) String() string { return string(k.spec) + " key" }

// Sum implements material.MAC.
func (k *hmacKey) Sum(ctx context.Context, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	state := hmac.New(k.hash.New, k.secret.Expose())
	state.Write(message)
	return state.Sum(nil), nil
}

// Check implements material.MAC.
func (k *hmacKey) Check(ctx context.Context, message, mac []byte) error {
	own, err := k.Sum(ctx, message)
	if err != nil {
		return err
	}
	if !hmac.Equal(own, mac) {
		return material.ErrMAC
	}
	return nil
}
