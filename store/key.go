package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// A Key is all that is kept of a KMS key. State, Spec and the like are words
// of the API; the store does not judge them.
type Key struct {
	Addr        KeyAddr   `json:"addr"`
	Spec        string    `json:"spec"`
	Usage       string    `json:"usage"`
	Origin      string    `json:"origin"`
	Manager     string    `json:"manager"`
	State       string    `json:"state"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`

	// DeletionDate is when the key falls due for deletion; zero unless that is
	// scheduled. PriorState is the state before, PendingWindowDays the waiting
	// period that was asked for.
	DeletionDate      time.Time `json:"deletionDate,omitzero"`
	PriorState        string    `json:"priorState,omitempty"`
	PendingWindowDays int       `json:"pendingWindowDays,omitempty"`

	// Rotation is the schedule of automatic rotation; zero: there is none.
	Rotation Rotation `json:"rotation,omitzero"`
	// Due is when something other than the deletion falls due; zero: nothing.
	Due time.Time `json:"due,omitzero"`

	MultiRegion MultiRegion       `json:"multiRegion,omitzero"`
	Policy      Policy            `json:"policy"`
	Tags        map[string]string `json:"tags,omitempty"`

	// CurrentMaterial is the ID of the one of Materials that encrypts.
	CurrentMaterial string     `json:"currentMaterial,omitempty"`
	Materials       []Material `json:"materials,omitempty"`

	UsedTokens []UsedToken `json:"usedTokens,omitempty"`
}

// A Rotation is the schedule by which a key gets new material.
type Rotation struct {
	PeriodDays int       `json:"periodDays,omitempty"`
	Next       time.Time `json:"next,omitzero"`
}

// MultiRegion is the set of keys that a key belongs to; zero for a key of one
// Region.
type MultiRegion struct {
	Type     string   `json:"type,omitempty"` // PRIMARY or REPLICA
	Primary  string   `json:"primary,omitempty"`
	Replicas []string `json:"replicas,omitempty"` // Regions
	// Settles is when the key is no longer being created or updated; zero: it
	// is not.
	Settles time.Time `json:"settles,omitzero"`
}

// A Policy is a policy document as it was sent, with the unique id that each
// principal ARN in it had when it was stored.
type Policy struct {
	Text       string            `json:"text"`
	Principals map[string]string `json:"principals,omitempty"`
}

// A Material is one version of a key's secret. ID is 64 hexadecimal digits,
// as the API's KeyMaterialId.
// Rotated is how and when the key was rotated to it: zero for its first.
type Material struct {
	ID      string      `json:"id"`
	Created time.Time   `json:"created"`
	Rotated Rotated     `json:"rotated,omitzero"`
	Import  *Import     `json:"import,omitempty"` // nil unless it was imported
	Ref     MaterialRef `json:"ref"`
}

// An Import is what is known of material that was imported.
type Import struct {
	Fingerprint []byte    `json:"fingerprint"` // sealed; tells the same material again
	Description string    `json:"description,omitempty"`
	ValidTo     time.Time `json:"validTo,omitzero"`  // zero: it does not expire
	Missing     bool      `json:"missing,omitempty"` // the material is gone and can be imported again
	Pending     bool      `json:"pending,omitempty"` // it waits for a rotation
}

// A UsedToken is an import token that brought material and will not again.
type UsedToken struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"` // when the token ends
}

// Rotated says of a material that a rotation brought it.
type Rotated struct {
	Type string    `json:"type,omitempty"` // AUTOMATIC or ON_DEMAND
	At   time.Time `json:"at,omitzero"`
}

// A MaterialRef is what a provider needs to open material again. Sealed comes
// sealed to the store, and is kept as it comes.
type MaterialRef struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Spec     string `json:"spec"`
	Sealed   []byte `json:"sealed,omitempty"`
}

// Key finds a key, or answers ErrNotFound.
func (tx *Tx) Key(addr KeyAddr) (Key, error) {
	var space [usualKey]byte
	question := appendKey(space[:0], spaceKey, addr.Account, addr.Region, addr.ID)
	if k, ok := answered[Key](tx, question); ok {
		return k, nil
	}
	k, err := load[Key](tx, bytes.Clone(question))
	if err != nil {
		return Key{}, fmt.Errorf("key %s: %w", addr, err)
	}
	if k.Addr != addr {
		return Key{}, fmt.Errorf("%w: record of key %s stands under %s", ErrCorrupt, k.Addr, addr)
	}
	const about = 2 << 10 // beside the policy
	tx.answer(question, k, about+len(k.Policy.Text))
	return k, nil
}

// PutKey creates the key at k.Addr or replaces it.
func (tx *Tx) PutKey(k Key) error {
	if err := k.Addr.check(); err != nil {
		return err
	}
	k.normalize()
	old, err := tx.Key(k.Addr)
	fresh := errors.Is(err, ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	value, err := encodeRecord(k)
	if err != nil {
		return err
	}
	if err := tx.kv.set(k.Addr.key(spaceKey), value); err != nil {
		return err
	}
	if !fresh {
		return tx.replace(old.indexes(), k.indexes())
	}
	if err := tx.add(dbKey(spaceKeyCount, k.Addr.Account, k.Addr.Region), 1); err != nil {
		return err
	}
	return tx.replace(nil, k.indexes())
}

// DeleteKey removes a key with its aliases and last use. Its grants must be gone before
// (DeleteGrantsOf): they can be too many for one transaction; else ErrNotEmpty.
func (tx *Tx) DeleteKey(addr KeyAddr) error {
	k, err := tx.Key(addr)
	if err != nil {
		return err
	}
	grants, err := tx.CountGrants(addr)
	if err != nil {
		return err
	}
	if grants > 0 {
		return fmt.Errorf("key %s: %w", addr, ErrNotEmpty)
	}
	if err := tx.deleteAliasesOf(addr); err != nil {
		return err
	}
	for _, s := range []space{spaceKey, spaceUsage} {
		if err := tx.kv.delete(addr.key(s)); err != nil {
			return err
		}
	}
	if err := tx.add(dbKey(spaceKeyCount, addr.Account, addr.Region), -1); err != nil {
		return err
	}
	return tx.replace(k.indexes(), nil)
}

// KeysOf lists keys in the order of their IDs, after the ID after ("" for the
// beginning), and tells whether there are more than limit.
func (tx *Tx) KeysOf(account, region, after string, limit int) ([]Key, bool, error) {
	start := afterKey(after, func() []byte { return dbKey(spaceKey, account, region, after) })
	return page(tx, dbKey(spaceKey, account, region), start, limit, true, decodeEntry[Key])
}

// KeyIDsOf lists as KeysOf, without reading the records.
func (tx *Tx) KeyIDsOf(account, region, after string, limit int) ([]string, bool, error) {
	start := afterKey(after, func() []byte { return dbKey(spaceKey, account, region, after) })
	return page(tx, dbKey(spaceKey, account, region), start, limit, false, func(key, _ []byte) (string, error) {
		return lastPart(key), nil
	})
}

// CountKeys is the number of keys of an account in a Region. A transaction
// that creates a key by it conflicts with any other that creates one there.
func (tx *Tx) CountKeys(account, region string) (int, error) {
	return tx.count(dbKey(spaceKeyCount, account, region))
}

// A Due is a key whose DeletionDate or Due has come.
type Due struct {
	At   time.Time
	Addr KeyAddr
}

// DueBefore lists up to limit keys whose DeletionDate or Due is not after t,
// the earliest first.
func (tx *Tx) DueBefore(t time.Time, limit int) ([]Due, error) {
	var due []Due
	err := tx.kv.scan(dbKey(spaceDue), nil, false, func(key, _ []byte) (bool, error) {
		p, err := parts(key)
		if err != nil || len(p) != 4 {
			return false, fmt.Errorf("%w: entry of due keys %q", ErrCorrupt, key)
		}
		nanos, err := parseOrdered(p[0])
		if err != nil {
			return false, err
		}
		at := time.Unix(0, int64(nanos)).UTC()
		if at.After(t) || len(due) == limit {
			return false, nil
		}
		due = append(due, Due{At: at, Addr: KeyAddr{Account: p[1], Region: p[2], ID: p[3]}})
		return true, nil
	})
	return due, err
}

// normalize drops what a time has beyond its instant, so that equal records
// have equal bytes.
func (k *Key) normalize() {
	k.Created = instant(k.Created)
	k.DeletionDate = instant(k.DeletionDate)
	k.Rotation.Next = instant(k.Rotation.Next)
	k.Due = instant(k.Due)
	k.MultiRegion.Settles = instant(k.MultiRegion.Settles)
	materials := make([]Material, len(k.Materials))
	for i, m := range k.Materials {
		m.Created = instant(m.Created)
		m.Rotated.At = instant(m.Rotated.At)
		if m.Import != nil {
			imported := *m.Import
			imported.ValidTo = instant(imported.ValidTo)
			m.Import = &imported
		}
		materials[i] = m
	}
	k.Materials = materials
}

func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// indexes are the entries that lead to the record.
func (k *Key) indexes() []entry {
	due := k.DeletionDate
	if due.IsZero() || !k.Due.IsZero() && k.Due.Before(due) {
		due = k.Due
	}
	if due.IsZero() {
		return nil
	}
	at := ordered(uint64(max(due.UnixNano(), 0)))
	return []entry{{dbKey(spaceDue, at, k.Addr.Account, k.Addr.Region, k.Addr.ID), present}}
}
