package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A bucket is all grants of one key, grantee, operation and constraint. The
// first few IDs stand in one entry, so that a look-up is one exact read; those
// that found no room there have an entry each.
//
//	value   number of IDs elsewhere, decimal | 0x00 | ID | 0x00 | ID …
type bucket struct {
	ids  []string // sorted
	more int
}

// bucketSize is how many IDs stand in the bucket itself.
const bucketSize = 8

func (b bucket) encode() []byte {
	return []byte(strings.Join(append([]string{fmt.Sprint(b.more)}, b.ids...), "\x00"))
}

func decodeBucket(value []byte) (bucket, error) {
	fields := strings.Split(string(value), "\x00")
	b := bucket{ids: fields[1:]}
	_, err := fmt.Sscanf(fields[0], "%d", &b.more)
	if err != nil || b.more < 0 || fmt.Sprint(b.more) != fields[0] ||
		b.more == 0 && len(b.ids) == 0 || len(b.ids) > bucketSize || slices.Contains(b.ids, "") {
		return bucket{}, fmt.Errorf("%w: bucket of grants", ErrCorrupt)
	}
	return b, nil
}

// bucket reads a bucket; one that is not there is empty.
func (tx *Tx) bucket(key []byte) (bucket, error) {
	value, err := tx.kv.get(key)
	if errors.Is(err, ErrNotFound) {
		return bucket{}, nil
	}
	if err != nil {
		return bucket{}, err
	}
	return decodeBucket(value)
}

func (tx *Tx) setBucket(key []byte, b bucket) error {
	if len(b.ids) == 0 && b.more == 0 {
		return tx.kv.delete(key)
	}
	return tx.kv.set(key, b.encode())
}

// buckets are the keys of the buckets that the grant is in.
func (g *storedGrant) buckets() [][]byte {
	operations := slices.Compact(slices.Sorted(slices.Values(g.Operations)))
	keys := make([][]byte, len(operations))
	for i, op := range operations {
		keys[i] = g.Key.key(spaceBucket, g.GranteeID, op, g.constraint(op))
	}
	return keys
}

// rebucket moves a grant from the buckets of old to those of now; either may be nil.
func (tx *Tx) rebucket(old, now *storedGrant) error {
	var leave, join [][]byte
	if old != nil {
		leave = old.buckets()
	}
	if now != nil {
		join = now.buckets()
	}
	same := func(key []byte, in [][]byte) bool {
		return slices.ContainsFunc(in, func(other []byte) bool { return string(other) == string(key) })
	}
	for _, key := range leave {
		if same(key, join) {
			continue
		}
		if err := tx.leaveBucket(key, old.ID); err != nil {
			return err
		}
	}
	for _, key := range join {
		if same(key, leave) {
			continue
		}
		if err := tx.joinBucket(key, now.ID); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) joinBucket(key []byte, id string) error {
	b, err := tx.bucket(key)
	if err != nil {
		return err
	}
	if len(b.ids) < bucketSize {
		b.ids = slices.Sorted(slices.Values(append(b.ids, id)))
		return tx.setBucket(key, b)
	}
	b.more++
	if err := tx.kv.set(overflowKey(key, id), present); err != nil {
		return err
	}
	return tx.setBucket(key, b)
}

func (tx *Tx) leaveBucket(key []byte, id string) error {
	b, err := tx.bucket(key)
	if err != nil {
		return err
	}
	if i := slices.Index(b.ids, id); i >= 0 {
		b.ids = slices.Delete(b.ids, i, i+1)
		return tx.setBucket(key, b)
	}
	b.more--
	if err := tx.kv.delete(overflowKey(key, id)); err != nil {
		return err
	}
	return tx.setBucket(key, b)
}

// overflowKey is the entry of a grant that found no room in its bucket; with
// an empty ID, the prefix of all of them.
func overflowKey(bucketKey []byte, id string) []byte {
	key := append([]byte{byte(spaceOverflow)}, bucketKey[1:]...)
	if id == "" {
		return key
	}
	return append(append(key, id...), terminator)
}

// candidateIDs lists the grants of a bucket, at most limit.
func (tx *Tx) candidateIDs(key []byte, limit int) ([]string, error) {
	b, err := tx.bucket(key)
	if err != nil || b.more == 0 || len(b.ids) >= limit {
		return b.ids[:min(limit, len(b.ids))], err
	}
	rest, _, err := page(tx, overflowKey(key, ""), nil, limit-len(b.ids), false, func(key, _ []byte) (string, error) {
		return lastPart(key), nil
	})
	return append(b.ids, rest...), err
}
