package world

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// IDs gives users and roles that have no id of their own in the world one
// that stays with them. UniqueID must answer the same for the same ARN until
// the principal has been away: a removed principal that comes back is another.
type IDs interface {
	UniqueID(arn string) (string, error)
}

// A Forgetter is an IDs that is told which principals are left. Forget is
// called at the end of every Load that succeeds, with all ARNs of the world,
// and makes the ids of all others unavailable for good.
type Forgetter interface {
	IDs
	Forget(allBut []string) error
}

// DigestIDs derives unique ids from ARNs: the same in every process, for tools
// that remember nothing. A recreated principal is not told apart.
type DigestIDs struct{}

// UniqueID returns the id that belongs to an ARN.
func (DigestIDs) UniqueID(arn string) (string, error) {
	sum := sha256.Sum256([]byte("unique id\x00" + arn))
	return idPrefix(arn) + idText(sum[:]), nil
}

// NewUniqueID makes a fresh unique id of the form that fits a user's or role's
// ARN, from 11 bytes of rand.
func NewUniqueID(arn string, rand io.Reader) (string, error) {
	var b [11]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("making a unique id: %w", err)
	}
	return idPrefix(arn) + idText(b[:]), nil
}

// idText is 17 characters of A to Z and 2 to 7.
func idText(b []byte) string { return base32.StdEncoding.EncodeToString(b)[:17] }

func idPrefix(arn string) string {
	if strings.Contains(arn, ":role/") {
		return "AROA"
	}
	return "AIDA"
}

// keyID is the key id of a key that a world names: a UUID of version 8 (RFC
// 9562, section 5.8), or the form of a multi-Region key.
func keyID(account, region, name string, multiRegion bool) string {
	sum := sha256.Sum256([]byte("key id\x00" + account + "\x00" + region + "\x00" + name))
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	if multiRegion {
		return "mrk-" + h
	}
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// grantID is the id of a grant that a world lists on a key.
func grantID(keyARN, name string) string {
	sum := sha256.Sum256([]byte("grant id\x00" + keyARN + "\x00" + name))
	return hex.EncodeToString(sum[:])
}
