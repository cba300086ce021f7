package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A bucket is a set of grants, by ID, or of classes of grants. The first few
// members stand in one entry, so that a look-up is one exact read; those that
// found no room there have an entry each.
//
//	value   number of members elsewhere, decimal | 0x00 | member | 0x00 | member …
type bucket struct {
	here []string // sorted
	more int
}

// bucketSize is how many members stand in the bucket itself.
const bucketSize = 8

func (b bucket) size() int { return len(b.here) + b.more }

func (b bucket) encode() []byte {
	return []byte(strings.Join(append([]string{fmt.Sprint(b.more)}, b.here...), "\x00"))
}

func decodeBucket(value []byte) (bucket, error) {
	fields := strings.Split(string(value), "\x00")
	b := bucket{here: fields[1:]}
	_, err := fmt.Sscanf(fields[0], "%d", &b.more)
	if err != nil || b.more < 0 || fmt.Sprint(b.more) != fields[0] ||
		b.size() == 0 || len(b.here) > bucketSize || slices.Contains(b.here, "") {
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
	if b.size() == 0 {
		return tx.kv.delete(key)
	}
	return tx.kv.set(key, b.encode())
}

// A place is where a grant stands for one operation.
type place struct {
	grants []byte // key of the bucket of grants that do not differ from it
	// classes is the key of the bucket that leads to grants, under the name
	// class; nil where grants itself is looked up.
	classes []byte
	class   string
}

func (g *storedGrant) place(op string) place {
	constraint := g.constraint(op)
	key := g.Key.key(spaceBucket, g.GranteeID, op, constraint)
	if !divided(op, constraint) {
		return place{grants: key}
	}
	class := g.class(op, constraint)
	return place{grants: g.Key.key(spaceBucket, g.GranteeID, op, class), classes: key, class: class}
}

// places are where the grant stands.
func (g *storedGrant) places() []place {
	operations := g.distinctOperations()
	list := make([]place, len(operations))
	for i, op := range operations {
		list[i] = g.place(op)
	}
	return list
}

// rebucket moves a grant from the places of old to those of now; either may be nil.
func (tx *Tx) rebucket(old, now *storedGrant) error {
	var leave, join []place
	if old != nil {
		leave = old.places()
	}
	if now != nil {
		join = now.places()
	}
	same := func(p place, in []place) bool {
		return slices.ContainsFunc(in, func(other place) bool { return string(other.grants) == string(p.grants) })
	}
	for _, p := range leave {
		if same(p, join) {
			continue
		}
		if err := tx.leavePlace(p, old.ID); err != nil {
			return err
		}
	}
	for _, p := range join {
		if same(p, leave) {
			continue
		}
		if err := tx.joinPlace(p, now.ID); err != nil {
			return err
		}
	}
	return nil
}

// joinPlace adds a grant, and with the first of a class the class.
func (tx *Tx) joinPlace(p place, id string) error {
	size, err := tx.joinBucket(p.grants, id)
	if err != nil || size > 1 || p.classes == nil {
		return err
	}
	_, err = tx.joinBucket(p.classes, p.class)
	return err
}

// leavePlace removes a grant, and with the last of a class the class.
func (tx *Tx) leavePlace(p place, id string) error {
	left, err := tx.leaveBucket(p.grants, id)
	if err != nil || left > 0 || p.classes == nil {
		return err
	}
	_, err = tx.leaveBucket(p.classes, p.class)
	return err
}

// joinBucket adds a member, and tells how many there are then.
func (tx *Tx) joinBucket(key []byte, member string) (int, error) {
	b, err := tx.bucket(key)
	if err != nil {
		return 0, err
	}
	if len(b.here) < bucketSize {
		b.here = slices.Sorted(slices.Values(append(b.here, member)))
		return b.size(), tx.setBucket(key, b)
	}
	b.more++
	if err := tx.kv.set(overflowKey(key, member), present); err != nil {
		return 0, err
	}
	return b.size(), tx.setBucket(key, b)
}

// leaveBucket removes a member, and tells how many are left.
func (tx *Tx) leaveBucket(key []byte, member string) (int, error) {
	b, err := tx.bucket(key)
	if err != nil {
		return 0, err
	}
	if i := slices.Index(b.here, member); i >= 0 {
		b.here = slices.Delete(b.here, i, i+1)
		return b.size(), tx.setBucket(key, b)
	}
	b.more--
	if err := tx.kv.delete(overflowKey(key, member)); err != nil {
		return 0, err
	}
	return b.size(), tx.setBucket(key, b)
}

// overflowKey is the entry of a member that found no room in its bucket; with
// an empty member, the prefix of all of them.
func overflowKey(bucketKey []byte, member string) []byte {
	key := append([]byte{byte(spaceOverflow)}, bucketKey[1:]...)
	if member == "" {
		return key
	}
	return append(append(key, member...), terminator)
}

// members lists what is in a bucket, at most limit.
func (tx *Tx) members(key []byte, limit int) ([]string, error) {
	b, err := tx.bucket(key)
	if err != nil || b.more == 0 || len(b.here) >= limit {
		return b.here[:min(limit, len(b.here))], err
	}
	rest, _, err := page(tx, overflowKey(key, ""), nil, limit-len(b.here), false, func(key, _ []byte) (string, error) {
		return lastPart(key), nil
	})
	return append(b.here, rest...), err
}

// membersBut lists as members, without some.
func (tx *Tx) membersBut(key []byte, limit int, but map[string]bool) ([]string, error) {
	all, err := tx.members(key, limit+len(but))
	all = slices.DeleteFunc(all, func(member string) bool { return but[member] })
	return all[:min(limit, len(all))], err
}
