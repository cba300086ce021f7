// Package material defines providers of key material: cryptography with
// material that is never returned.
package material

import (
	"context"
	"errors"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

var (
	// ErrCiphertext is the one answer to a ciphertext that does not open,
	// whatever the reason. Any other error of Decrypt says nothing about the
	// ciphertext: the provider could not be asked.
	ErrCiphertext = errors.New("ciphertext does not open")
	// ErrUnsupported answers a key spec that the provider cannot make.
	ErrUnsupported = errors.New("key spec not supported by the provider")
	// ErrRef answers a Ref that is not, or not as a whole, what the provider made.
	ErrRef = errors.New("not a reference to this provider's material")
)

// A Ref is what the store keeps of material: enough for the provider, and for
// nobody else, to use it.
type Ref struct {
	Provider string       // Provider.Name of the maker
	ID       string       // as given to Generate
	Spec     spec.KeySpec // what the material is for
	Sealed   []byte       // the provider's own form; tells nothing without the provider
}

// A Provider makes material and uses it. It is safe for concurrent use.
type Provider interface {
	// Name is constant and is written into each Ref.
	Name() string
	// Generate makes material for id, which the caller chose and will not use
	// for other material. Calling it again with the same id returns the same
	// Ref, so that a retried transaction is harmless. Nothing but the Ref
	// remembers the material for longer: it is lost if the Ref is not stored.
	Generate(ctx context.Context, id string, s spec.KeySpec) (Ref, error)
	// Open makes the material usable. Errors: ErrRef, or the provider's own
	// when it cannot be asked.
	Open(ctx context.Context, r Ref) (Key, error)
}

// A Key is opened material. What it can do it offers as optional interfaces,
// found by assertion: Cipher. It is safe for concurrent use. Two keys of one
// spec print alike.
type Key interface {
	Spec() spec.KeySpec
}

// A Cipher is a Key that encrypts: SYMMETRIC_DEFAULT.
type Cipher interface {
	Key
	// Encrypt binds plaintext, which may be empty, to aad, which is not part
	// of the result. Two calls never give the same ciphertext, and no number
	// of calls weakens the material. A ciphertext is at most MaxOverhead
	// longer than its plaintext.
	Encrypt(ctx context.Context, plaintext, aad []byte) ([]byte, error)
	// Decrypt is the inverse under the same aad. See ErrCiphertext.
	Decrypt(ctx context.Context, ciphertext, aad []byte) (seal.Secret, error)
}

// MaxOverhead is by how many bytes a Cipher may lengthen a plaintext. It leaves
// an envelope room within the 6,144 bytes of a ciphertext blob.
const MaxOverhead = 1024
