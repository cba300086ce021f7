package envelope

import (
	"bytes"
	"encoding/hex"
	"fmt"
)

// A Header says which material made a blob. The Region is not in it, because
// the related keys of a multi-Region key share key id and material and open
// each other's blobs.
type Header struct {
	Account    string // the key's owner, 12 digits
	KeyID      string // 1 to 64 letters, digits and hyphens
	MaterialID string // 64 lower-case hexadecimal digits, as the API's KeyMaterialId
}

// A blob is a header and what the material's Cipher made. Each Header has one
// encoding:
//
//	 0        4           5         17         18       18+n          50+n
//	+--------+-----------+---------+----------+--------+-------------+------------
//	| 'k'    | algorithm | account | n, length| key id | material id | ciphertext
//	| 'r'    | 1         | 12      | of key id|        | 32 bytes    | of the
//	| 'v'    |           | digits  | 1 to 64  |        |             | material
//	| 1      |           |         |          |        |             |
//	+--------+-----------+---------+----------+--------+-------------+------------
//
// The fourth byte is the version of the format. Algorithm 1 is
// SYMMETRIC_DEFAULT; seal.Key draws the ciphertext of the software provider.
const (
	magic            = "krv\x01"
	symmetricDefault = 1
	accountSize      = 12
	maxKeyID         = 64
	materialSize     = 32

	keyIDAt       = len(magic) + 1 + accountSize + 1
	minHeaderSize = keyIDAt + 1 + materialSize
)

func (h Header) encode() ([]byte, error) {
	material, err := hex.DecodeString(h.MaterialID)
	switch {
	case !isAccount([]byte(h.Account)):
		return nil, fmt.Errorf("blob header: account %q is not 12 digits", h.Account)
	case !isKeyID([]byte(h.KeyID)):
		return nil, fmt.Errorf("blob header: key id %q is not 1 to %d letters, digits and hyphens", h.KeyID, maxKeyID)
	case err != nil, len(material) != materialSize, hex.EncodeToString(material) != h.MaterialID:
		return nil, fmt.Errorf("blob header: material id %q is not 64 lower-case hexadecimal digits", h.MaterialID)
	}
	b := make([]byte, 0, keyIDAt+len(h.KeyID)+materialSize)
	b = append(b, magic...)
	b = append(b, symmetricDefault)
	b = append(b, h.Account...)
	b = append(b, byte(len(h.KeyID)))
	b = append(b, h.KeyID...)
	return append(b, material...), nil
}

// split reads the header of a blob and tells its length.
func split(blob []byte) (Header, int, error) {
	if len(blob) < minHeaderSize || len(blob) > MaxBlob ||
		!bytes.HasPrefix(blob, []byte(magic)) || blob[len(magic)] != symmetricDefault {
		return Header{}, 0, ErrOpen
	}
	account := blob[len(magic)+1 : keyIDAt-1]
	n := keyIDAt + int(blob[keyIDAt-1])
	if len(blob) < n+materialSize {
		return Header{}, 0, ErrOpen
	}
	keyID := blob[keyIDAt:n]
	if !isAccount(account) || !isKeyID(keyID) {
		return Header{}, 0, ErrOpen
	}
	h := Header{
		Account:    string(account),
		KeyID:      string(keyID),
		MaterialID: hex.EncodeToString(blob[n : n+materialSize]),
	}
	return h, n + materialSize, nil
}

func isAccount(b []byte) bool {
	return len(b) == accountSize && !bytes.ContainsFunc(b, func(r rune) bool { return r < '0' || r > '9' })
}

func isKeyID(b []byte) bool {
	return len(b) > 0 && len(b) <= maxKeyID && !bytes.ContainsFunc(b, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
