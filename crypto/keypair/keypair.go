// Package keypair makes key pairs of every spec, reads and writes them in the
// standard forms, and uses them.
package keypair

import (
	"context"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// ErrForm answers a private key that cannot be read: not PKCS #8, of another
// spec, or with a number in it that cannot be.
var ErrForm = errors.New("not a private key of this spec in PKCS #8")

// A family makes and opens the pairs of one spec.
type family struct {
	generate func() ([]byte, error)                    // PKCS #8
	open     func(pkcs8 []byte) (material.Pair, error) // errors of any kind: the form is wrong
}

var families = map[spec.KeySpec]family{
	spec.RSA2048:             rsaFamily(spec.RSA2048, 2048),
	spec.RSA3072:             rsaFamily(spec.RSA3072, 3072),
	spec.RSA4096:             rsaFamily(spec.RSA4096, 4096),
	spec.ECCNISTP256:         nistFamily(spec.ECCNISTP256),
	spec.ECCNISTP384:         nistFamily(spec.ECCNISTP384),
	spec.ECCNISTP521:         nistFamily(spec.ECCNISTP521),
	spec.ECCNISTEdwards25519: {generate: generateEdwards, open: openEdwards},
	spec.ECCSECGP256K1:       {generate: generateKoblitz, open: openKoblitz},
	spec.SM2:                 {generate: generateSM2, open: openSM2},
	spec.MLDSA44:             latticeFamily(spec.MLDSA44),
	spec.MLDSA65:             latticeFamily(spec.MLDSA65),
	spec.MLDSA87:             latticeFamily(spec.MLDSA87),
}

// Known tells whether keys of a spec are pairs that this package makes.
func Known(s spec.KeySpec) bool {
	_, ok := families[s]
	return ok
}

// Generate makes a pair, and returns it as an unencrypted PKCS #8 document
// (RFC 5958; ML-DSA as its seed, RFC 9881). Errors: material.ErrUnsupported.
func Generate(s spec.KeySpec) (seal.Secret, error) {
	f, ok := families[s]
	if !ok {
		return seal.Secret{}, fmt.Errorf("making a pair of %s: %w", s, material.ErrUnsupported)
	}
	der, err := f.generate()
	if err != nil {
		return seal.Secret{}, fmt.Errorf("making a pair of %s: %w", s, err)
	}
	return seal.NewSecret(der), nil
}

// Open makes a pair usable: a material.Pair that is also a material.Signer, a
// material.PublicCipher or a material.Agreement, as far as its spec goes.
// Errors: material.ErrUnsupported, ErrForm.
func Open(s spec.KeySpec, pkcs8 seal.Secret) (material.Pair, error) {
	f, ok := families[s]
	if !ok {
		return nil, fmt.Errorf("opening a pair of %s: %w", s, material.ErrUnsupported)
	}
	var whole asn1.RawValue
	rest, err := asn1.Unmarshal(pkcs8.Expose(), &whole)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("opening a pair of %s: %w", s, ErrForm)
	}
	pair, err := f.open(pkcs8.Expose())
	if err != nil {
		return nil, fmt.Errorf("opening a pair of %s: %w", s, ErrForm) // parsers may print what they parse
	}
	return pair, nil
}

// hashes names the hash of each signature algorithm that begins with one.
var hashes = map[spec.Algorithm]crypto.Hash{
	spec.RSASSAPKCS1SHA256: crypto.SHA256, spec.RSASSAPKCS1SHA384: crypto.SHA384, spec.RSASSAPKCS1SHA512: crypto.SHA512,
	spec.RSASSAPSSSHA256: crypto.SHA256, spec.RSASSAPSSSHA384: crypto.SHA384, spec.RSASSAPSSSHA512: crypto.SHA512,
	spec.ECDSASHA256: crypto.SHA256, spec.ECDSASHA384: crypto.SHA384, spec.ECDSASHA512: crypto.SHA512,
}

// digest is what is signed of a message. Errors: material.ErrMessage,
// material.ErrUnsupported.
func digest(ctx context.Context, a spec.Algorithm, allowed []spec.Algorithm, m material.Message) (crypto.Hash, []byte, error) {
	if err := permits(ctx, a, allowed); err != nil {
		return 0, nil, err
	}
	h := hashes[a]
	switch {
	case m.Type == material.Raw:
		state := h.New()
		state.Write(m.Bytes)
		return h, state.Sum(nil), nil
	case m.Type == material.Digest && len(m.Bytes) == h.Size():
		return h, m.Bytes, nil
	default:
		return 0, nil, material.ErrMessage
	}
}

// permits refuses an algorithm that is not one of those of a key.
func permits(ctx context.Context, a spec.Algorithm, allowed []spec.Algorithm) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, b := range allowed {
		if a == b {
			return nil
		}
	}
	return fmt.Errorf("algorithm %s: %w", a, material.ErrUnsupported)
}
