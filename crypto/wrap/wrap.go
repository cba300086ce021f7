// Package wrap unwraps key material that callers encrypted for import.
package wrap

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // an algorithm of the API; OAEP does not rest on collisions
	_ "crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// An Algorithm is how material is wrapped, as the API writes it. Guide,
// "Importing key material step 2".
type Algorithm string

// The algorithms that are offered; RSAES_PKCS1_V1_5 is in the API and no
// longer supported (IM-058).
const (
	OAEPSHA1      Algorithm = "RSAES_OAEP_SHA_1"
	OAEPSHA256    Algorithm = "RSAES_OAEP_SHA_256"
	AESKeyWrapS1  Algorithm = "RSA_AES_KEY_WRAP_SHA_1"
	AESKeyWrapS2  Algorithm = "RSA_AES_KEY_WRAP_SHA_256"
	SM2Encryption Algorithm = "SM2PKE"
)

var (
	// ErrUnwrap answers a blob that was not wrapped for the key with the
	// algorithm, whatever is wrong with it.
	ErrUnwrap = errors.New("not wrapped for this key with this algorithm")
	// ErrMaterial answers material that is not that of a key of its spec.
	ErrMaterial = errors.New("not material of this key spec")
)

// hashes are those of OAEP; label and mask use the same (IM-071).
var hashes = map[Algorithm]crypto.Hash{
	OAEPSHA1: crypto.SHA1, OAEPSHA256: crypto.SHA256, AESKeyWrapS1: crypto.SHA1, AESKeyWrapS2: crypto.SHA256,
}

// Fits tells whether material of a key spec can be wrapped with the algorithm
// for a wrapping key of the spec (IM-070, D-7).
func Fits(s spec.KeySpec, a Algorithm, wrapping spec.KeySpec) bool {
	e, known := spec.Lookup(wrapping)
	if !known {
		return false
	}
	if a == SM2Encryption || wrapping == spec.SM2 {
		return a == SM2Encryption && wrapping == spec.SM2 && !isRSA(s)
	}
	switch {
	case !isRSA(wrapping):
		return false
	case a == AESKeyWrapS1 || a == AESKeyWrapS2:
		return true
	case a != OAEPSHA1 && a != OAEPSHA256:
		return false
	case isRSA(s):
		return false
	case s == spec.ECCNISTP521:
		return e.Bits > 2048
	default:
		return true
	}
}

func isRSA(s spec.KeySpec) bool { return s == spec.RSA2048 || s == spec.RSA3072 || s == spec.RSA4096 }

// NewKey makes a wrapping key: the private half as PKCS #8, the public half as
// SubjectPublicKeyInfo.
func NewKey(s spec.KeySpec) (private seal.Secret, public []byte, err error) {
	private, err = keypair.Generate(s)
	if err != nil {
		return seal.Secret{}, nil, err
	}
	pair, err := keypair.Open(s, private)
	if err != nil {
		return seal.Secret{}, nil, err
	}
	return private, pair.Public(), nil
}

// Unwrap opens what was wrapped for a key of NewKey. Errors: ErrUnwrap.
func Unwrap(ctx context.Context, a Algorithm, private seal.Secret, blob []byte) (seal.Secret, error) {
	if a == SM2Encryption {
		return unwrapSM2(ctx, private, blob)
	}
	h, known := hashes[a]
	parsed, err := x509.ParsePKCS8PrivateKey(private.Expose())
	key, ok := parsed.(*rsa.PrivateKey)
	if !known || err != nil || !ok {
		return seal.Secret{}, fmt.Errorf("unwrapping with %s: no such algorithm, or not a key for it", a)
	}
	wrapped := []byte(nil)
	if a == AESKeyWrapS1 || a == AESKeyWrapS2 {
		if len(blob) <= key.Size() {
			return seal.Secret{}, ErrUnwrap
		}
		blob, wrapped = blob[:key.Size()], blob[key.Size():] // IM-072
	}
	if len(blob) != key.Size() {
		return seal.Secret{}, ErrUnwrap
	}
	opened, err := key.Decrypt(rand.Reader, blob, &rsa.OAEPOptions{Hash: h})
	if err != nil {
		return seal.Secret{}, ErrUnwrap
	}
	if wrapped == nil {
		return seal.NewSecret(opened), nil
	}
	defer clear(opened)
	return unwrapAES(opened, wrapped)
}

// unwrapAES is AES key wrap with padding (RFC 5649) under a key of 256 bits.
func unwrapAES(key, wrapped []byte) (seal.Secret, error) {
	if len(key) != 32 {
		return seal.Secret{}, ErrUnwrap
	}
	kwp, err := subtle.NewKWP(key)
	if err != nil {
		return seal.Secret{}, ErrUnwrap
	}
	material, err := kwp.Unwrap(wrapped)
	if err != nil {
		return seal.Secret{}, ErrUnwrap
	}
	return seal.NewSecret(material), nil
}

func unwrapSM2(ctx context.Context, private seal.Secret, blob []byte) (seal.Secret, error) {
	pair, err := keypair.Open(spec.SM2, private)
	if err != nil {
		return seal.Secret{}, err
	}
	cipher, ok := pair.(material.PublicCipher)
	if !ok {
		return seal.Secret{}, fmt.Errorf("unwrapping with %s: %w", SM2Encryption, material.ErrUnsupported)
	}
	opened, err := cipher.DecryptPrivate(ctx, spec.SM2PKE, blob)
	if errors.Is(err, material.ErrCiphertext) {
		err = ErrUnwrap
	}
	return opened, err
}
