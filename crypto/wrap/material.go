package wrap

import (
	"bytes"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// secretSizes are the lengths in bytes of material that is no pair (IM-030,
// IM-031).
var secretSizes = map[spec.KeySpec]int{
	spec.SymmetricDefault: 32, spec.HMAC224: 28, spec.HMAC256: 32, spec.HMAC384: 48, spec.HMAC512: 64,
}

// Material checks unwrapped material against a key spec, and returns it in the
// form in which providers keep it: bytes, or for pairs the canonical PKCS #8 of
// package keypair, which callers may give in other forms, and in BER (IM-032,
// IM-033). One key is always the same bytes. Errors: ErrMaterial.
func Material(s spec.KeySpec, given seal.Secret) (seal.Secret, error) {
	if size, ok := secretSizes[s]; ok {
		if len(given.Expose()) != size {
			return seal.Secret{}, ErrMaterial
		}
		return given, nil
	}
	der, err := distinguished(given.Expose())
	if err != nil {
		return seal.Secret{}, ErrMaterial
	}
	material, err := keypair.Canonical(s, seal.NewSecret(der))
	if err != nil {
		return seal.Secret{}, ErrMaterial
	}
	return material, nil
}

// maxDepth bounds how deep values nest: PKCS #8 needs five levels at most.
const maxDepth = 16

// distinguished rewrites BER with definite lengths: the one freedom of BER that
// encoders of keys use (X.690, section 8.1.3). What else is not DER is left to
// the parser of keys.
func distinguished(ber []byte) ([]byte, error) {
	out, rest, err := element(ber, 0)
	if err != nil || len(rest) > 0 {
		return nil, ErrMaterial
	}
	return out, nil
}

// element rewrites the first element of b.
func element(b []byte, depth int) (der, rest []byte, err error) {
	if len(b) < 2 || depth > maxDepth || b[0]&0x1f == 0x1f { // keys have no long tags
		return nil, nil, ErrMaterial
	}
	tag, constructed := b[0], b[0]&0x20 != 0
	length, header, err := lengthOf(b[1:])
	if err != nil {
		return nil, nil, err
	}
	b = b[1+header:]
	indefinite := length < 0
	if indefinite && !constructed || !indefinite && length > len(b) {
		return nil, nil, ErrMaterial
	}
	if !constructed {
		return appendElement(tag, b[:length]), b[length:], nil
	}
	content := b
	if !indefinite {
		content = b[:length]
	}
	var inner []byte
	for {
		switch {
		case indefinite && bytes.HasPrefix(content, []byte{0, 0}):
			return appendElement(tag, inner), content[2:], nil
		case !indefinite && len(content) == 0:
			return appendElement(tag, inner), b[length:], nil
		}
		child, left, err := element(content, depth+1)
		if err != nil {
			return nil, nil, err
		}
		inner, content = append(inner, child...), left
	}
}

// lengthOf reads a length and says how many bytes it took; -1 if it is
// indefinite.
func lengthOf(b []byte) (length, header int, err error) {
	if b[0] < 0x80 {
		return int(b[0]), 1, nil
	}
	n := int(b[0] & 0x7f)
	if n == 0 {
		return -1, 1, nil
	}
	if n > 3 || len(b) < 1+n { // material is at most some thousand bytes long
		return 0, 0, ErrMaterial
	}
	for _, v := range b[1 : 1+n] {
		length = length<<8 | int(v)
	}
	return length, 1 + n, nil
}

// appendElement writes an element with the shortest definite length.
func appendElement(tag byte, content []byte) []byte {
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	default:
		return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
	}
}
