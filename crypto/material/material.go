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
	// ErrUnsupported answers a key spec that the provider cannot make, and an
	// algorithm that a key cannot do.
	ErrUnsupported = errors.New("not supported by the provider")
	// ErrSignature is the one answer to a signature that does not verify.
	ErrSignature = errors.New("signature does not verify")
	// ErrMAC is the one answer to a message authentication code that does not.
	ErrMAC = errors.New("message authentication code does not verify")
	// ErrMessage answers a Message of a type or length that does not go with
	// the algorithm.
	ErrMessage = errors.New("message does not go with the algorithm")
	// ErrPeer answers a public key with which no secret can be agreed on.
	ErrPeer = errors.New("not a public key of the same kind")
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

// A Forgetter is a Provider that keeps opened material in memory.
type Forgetter interface {
	// Forget drops what is kept of material that was deleted. A Key that was
	// opened before, and is in use, may finish.
	Forget(r Ref)
}

// An Importer is a Provider that also takes material that was made elsewhere.
type Importer interface {
	// Import keeps material under id, as Generate does with its own. It is
	// bytes, or for pairs PKCS #8, of a key of the spec: else ErrRef.
	Import(ctx context.Context, id string, s spec.KeySpec, secret seal.Secret) (Ref, error)
}

// A Key is opened material. What it can do it offers as optional interfaces,
// found by assertion: Cipher, MAC, and for pairs Signer, PublicCipher and
// Agreement. It is safe for concurrent use. Two keys of one
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

// A MAC is a Key that authenticates messages: HMAC keys (RFC 2104), whose spec
// settles the algorithm.
type MAC interface {
	Key
	Sum(ctx context.Context, message []byte) ([]byte, error)
	// Check compares in constant time. See ErrMAC.
	Check(ctx context.Context, message, mac []byte) error
}

// A Pair is a Key with a public half.
type Pair interface {
	Key
	// Public is the public key as SubjectPublicKeyInfo in DER (RFC 5280).
	Public() []byte
}

// A MessageType says what the bytes of a Message are.
type MessageType int

// The message types of the API.
const (
	Raw        MessageType = iota + 1 // a whole message
	Digest                            // its hash under the algorithm's hash function
	ExternalMu                        // its 64-byte representative (FIPS 204, section 6.2)
)

// A Message is what is signed.
type Message struct {
	Type  MessageType
	Bytes []byte
}

// A Signer is a Pair that signs. See ErrMessage and ErrUnsupported.
type Signer interface {
	Pair
	// Sign signs in the form of the API: DER for ECDSA and SM2 (RFC 3279), else
	// as the algorithm defines it.
	Sign(ctx context.Context, a spec.Algorithm, m Message) ([]byte, error)
	// Verify answers any signature that is not one with ErrSignature.
	Verify(ctx context.Context, a spec.Algorithm, m Message, signature []byte) error
}

// A PublicCipher is a Pair to which others encrypt.
type PublicCipher interface {
	Pair
	EncryptPublic(ctx context.Context, a spec.Algorithm, plaintext []byte) ([]byte, error)
	// DecryptPrivate answers what does not open with ErrCiphertext.
	DecryptPrivate(ctx context.Context, a spec.Algorithm, ciphertext []byte) (seal.Secret, error)
}

// An Agreement is a Pair that agrees on a secret with another.
type Agreement interface {
	Pair
	// Derive is the raw shared secret with a peer's public key, a
	// SubjectPublicKeyInfo in DER. See ErrPeer.
	Derive(ctx context.Context, peer []byte) (seal.Secret, error)
}
