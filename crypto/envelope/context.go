package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// associatedData is what a ciphertext is bound to:
//
//	header as in the blob, SHA-256(canonical context)
//
// The digest keeps it short whatever the context, because key stores outside
// limit it to 8,192 bytes (XK-013). The header tells its own length, so no two
// pairs of header and context have the same associated data.
func associatedData(header []byte, ec map[string]string) []byte {
	digest := sha256.Sum256(canonical(ec))
	return append(bytes.Clone(header), digest[:]...)
}

// canonical writes a context so that equal ones, and only those, are equal
// bytes:
//
//	u32 number of pairs, then for each pair, in the byte order of the names:
//	u32 length of name, name, u32 length of value, value        big-endian
//
// Nothing is folded or normalized (EC-02, EC-06).
func canonical(ec map[string]string) []byte {
	size := 4
	for name, value := range ec {
		size += 8 + len(name) + len(value)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(len(ec))) // bounded by the request
	for _, name := range slices.Sorted(maps.Keys(ec)) {
		b = appendString(b, name)
		b = appendString(b, ec[name])
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s))) // bounded by the request
	return append(b, s...)
}
