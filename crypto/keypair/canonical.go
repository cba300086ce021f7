package keypair

import (
	"bytes"
	"encoding/asn1"
	"fmt"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A private pair can be written.
type private interface {
	material.Pair
	// canonical is the pair as Canonical writes it. ErrForm, if what was read
	// as inner, the private key within PKCS #8, holds anything else.
	canonical(info privateKeyInfo) ([]byte, error)
}

// Canonical writes a private key anew, in the one form that each key has: PKCS
// #8 without attributes; RSA with the larger prime first and the smallest
// private exponent; on curves with the point uncompressed; ML-DSA as its seed.
// Two documents are of one key if, and only if, their canonical forms are equal.
//
// It is stricter than Open: a public half that is not that of the key, and
// anything in the document that is no part of it, is ErrForm. It takes time
// that depends on the key, and is meant for keys that come in, not for their
// use. Errors: material.ErrUnsupported, ErrForm.
func Canonical(s spec.KeySpec, pkcs8 seal.Secret) (seal.Secret, error) {
	pair, err := Open(s, pkcs8)
	if err != nil {
		return seal.Secret{}, err
	}
	der, err := canonical(pair, pkcs8.Expose())
	if err != nil {
		return seal.Secret{}, fmt.Errorf("rewriting a pair of %s: %w", s, ErrForm)
	}
	return seal.NewSecret(der), nil
}

func canonical(pair material.Pair, der []byte) ([]byte, error) {
	own, ok := pair.(private)
	if !ok {
		return nil, material.ErrUnsupported
	}
	info, err := exact[privateKeyInfo](der)
	if err != nil {
		return nil, err
	}
	if err := samePublic(info.PublicKey, pair); err != nil {
		return nil, err
	}
	return own.canonical(info)
}

// samePublic refuses a public half, if one is given, that is not that of a
// pair. A point may be given in any of the forms of SEC 1, section 2.3.3, or in
// the hybrid one of X9.62 (IM-033).
func samePublic(given asn1.BitString, pair material.Pair) error {
	if given.BitLength == 0 {
		return nil
	}
	info, err := exact[publicKeyInfo](pair.Public())
	if err != nil {
		return err
	}
	own := info.Key.Bytes
	if given.BitLength%8 == 0 && bytes.Equal(given.Bytes, own) {
		return nil
	}
	if onCurve := info.Algorithm.Algorithm.Equal(oidECPublicKey); !onCurve || given.BitLength%8 != 0 {
		return ErrForm
	}
	x, odd := own[1:1+len(own)/2], own[len(own)-1]&1 // 04 x y
	compressed := append([]byte{2 | odd}, x...)
	hybrid := append([]byte{6 | odd}, own[1:]...)
	if !bytes.Equal(given.Bytes, compressed) && !bytes.Equal(given.Bytes, hybrid) {
		return ErrForm
	}
	return nil
}

// onlyCurve refuses a private key on a curve that is anything but that of a
// pair (RFC 5915).
func onlyCurve(info privateKeyInfo, pair material.Pair) error {
	inner, err := exact[ecPrivateKey](info.Key)
	if err != nil {
		return err
	}
	if len(inner.Parameters) > 0 {
		curve, err := asn1.Marshal(inner.Parameters)
		if err != nil || !bytes.Equal(curve, info.Algorithm.Parameters.FullBytes) {
			return ErrForm
		}
	}
	return samePublic(inner.PublicKey, pair)
}
