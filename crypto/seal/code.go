package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// CodeSize is the size of a code in bytes.
const CodeSize = sha256.Size

// Code is a message authentication code of parts for purpose, a constant of the
// calling package. The same parts have the same code for as long as the root
// key lives, and a code tells nothing of its parts without that key.
//
//	key = HKDF-SHA-256(secret, no salt, info = "keyreeve code 1" 0x00 purpose)    RFC 5869, 32 bytes
//	code = HMAC-SHA-256(key, for each part: u64 length, part)                     big-endian
func (k *RootKey) Code(purpose string, parts ...[]byte) ([CodeSize]byte, error) {
	var code [CodeSize]byte
	if purpose == "" {
		return code, errors.New("a code without a purpose")
	}
	key, err := hkdf.Key(sha256.New, k.secret.Expose(), nil, "keyreeve code 1\x00"+purpose, SecretSize)
	if err != nil {
		return code, fmt.Errorf("deriving the key of a code: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write(part)
	}
	mac.Sum(code[:0])
	return code, nil
}
