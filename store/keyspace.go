package store

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A space is the first byte of a database key: which kind of entry it is.
// SCHEMA.md lists the parts that follow.
type space byte

const (
	spaceMeta           space = 'm' // schema version, root key proof, sequence limit
	spaceKey            space = 'k' // Key records
	spaceKeyCount       space = 'K' // number of keys of an account and Region
	spaceDue            space = 'd' // keys by the time of their deletion
	spaceAlias          space = 'a' // Alias records
	spaceKeyAlias       space = 'b' // aliases by key
	spaceKeyAliasCount  space = 'B' // number of aliases of a key
	spaceGrant          space = 'g' // Grant records
	spaceGrantCount     space = 'G' // number of grants of a key
	spaceBucket         space = 'h' // grants by key, grantee, operation, constraint or class
	spaceOverflow       space = 'l' // those that found no room there
	spaceGrantee        space = 'i' // grants by key and grantee
	spaceGranteeCount   space = 'I' // number of grants of a key for a grantee's unique id
	spaceGranteeAccount space = 'j' // grants by key and account of the grantee
	spaceGrantGuard     space = 'n' // grant with exactly these properties and Name
	spaceGrantChild     space = 'p' // grants by the grant that they were made from
	spaceRetiree        space = 'r' // grants by Region and retiring principal
	spaceToken          space = 't' // grant by the digest of a token
	spacePrincipal      space = 'u' // Principal records
	spacePrincipalID    space = 'v' // principals by unique id
	spaceOutbox         space = 'o' // events of mutations
	spaceUsage          space = 'w' // Usage records
)

// spaces are all kinds of entries; a database has no others.
const spaces = "mkKdabBgGhliIjnprtuvow"

// terminator ends each part of a database key, so that no part is a prefix of
// another and keys sort part by part. No part may hold it.
const terminator = 0

// dbKey is the database key of an entry; with fewer parts than the entry has
// it is the prefix of all entries that share them.
//
//	space | part | 0x00 | part | 0x00 …
func dbKey(s space, parts ...string) []byte {
	n := 1
	for _, p := range parts {
		n += len(p) + 1
	}
	return appendKey(make([]byte, 0, n), s, parts...)
}

// appendKey appends what dbKey is.
func appendKey(key []byte, s space, parts ...string) []byte {
	key = append(key, byte(s))
	for _, p := range parts {
		key = append(key, p...)
		key = append(key, terminator)
	}
	return key
}

// usualKey is room for most database keys of keys.
const usualKey = 128

// parts takes a database key apart again.
func parts(key []byte) ([]string, error) {
	if len(key) < 2 || key[len(key)-1] != terminator {
		return nil, fmt.Errorf("%w: database key %q", ErrCorrupt, key)
	}
	return strings.Split(string(key[1:len(key)-1]), "\x00"), nil
}

// lastPart is the last part of a database key: in an index, the name of the
// record that it points to.
func lastPart(key []byte) string {
	if len(key) < 2 {
		return ""
	}
	body := key[1 : len(key)-1]
	return string(body[bytes.LastIndexByte(body, terminator)+1:])
}

// checkParts tells whether each part can stand in a database key.
func checkParts(what string, parts ...string) error {
	for _, p := range parts {
		if p == "" || strings.IndexByte(p, terminator) >= 0 {
			return fmt.Errorf("%w: %s has the part %q", ErrInvalid, what, p)
		}
	}
	return nil
}

// ordered writes a number so that the order of the texts is that of the numbers.
func ordered(n uint64) string { return fmt.Sprintf("%016x", n) }

func parseOrdered(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil || ordered(n) != text {
		return 0, fmt.Errorf("%w: ordered number %q", ErrCorrupt, text)
	}
	return n, nil
}

// A KeyAddr names a key: multi-Region siblings share account and ID.
type KeyAddr struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	ID      string `json:"id"`
}

// String is the address as account/region/id, for logs and errors.
func (a KeyAddr) String() string { return a.Account + "/" + a.Region + "/" + a.ID }

func (a KeyAddr) check() error { return checkParts("key address", a.Account, a.Region, a.ID) }

// key is the database key of an entry that belongs to the key at a.
func (a KeyAddr) key(s space, more ...string) []byte {
	return dbKey(s, append([]string{a.Account, a.Region, a.ID}, more...)...)
}
