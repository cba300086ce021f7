package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"time"
)

// A Grant lets one principal use one key.
type Grant struct {
	ID             string            `json:"id"`
	Key            KeyAddr           `json:"key"`
	Name           string            `json:"name,omitempty"`
	Grantee        string            `json:"grantee"`                  // as it was sent
	GranteeID      string            `json:"granteeId"`                // unique id, when the grant was made
	GranteeAccount string            `json:"granteeAccount,omitempty"` // none for a service
	Retiree        string            `json:"retiree,omitempty"`
	RetireeID      string            `json:"retireeId,omitempty"`
	IssuingAccount string            `json:"issuingAccount,omitempty"`
	Operations     []string          `json:"operations"`
	Equals         map[string]string `json:"equals,omitzero"` // nil: no such constraint
	Subset         map[string]string `json:"subset,omitzero"` // nil: no such constraint
	Created        time.Time         `json:"created"`
	Tokens         []TokenDigest     `json:"tokens,omitempty"`
	Parent         string            `json:"parent,omitempty"` // the grant that it was made from
}

// A GrantRef names a grant.
type GrantRef struct {
	Key KeyAddr
	ID  string
}

// Ref names the grant.
func (g *Grant) Ref() GrantRef { return GrantRef{Key: g.Key, ID: g.ID} }

// A TokenDigest stands for a grant token, which itself is not kept.
type TokenDigest [sha256.Size]byte

// DigestToken is the digest of a grant token. Tokens are random, so the digest
// needs no key.
func DigestToken(token string) TokenDigest { return sha256.Sum256([]byte(token)) }

// MarshalText writes the digest as unpadded base64url.
func (d TokenDigest) MarshalText() ([]byte, error) { return []byte(digestText(d[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *TokenDigest) UnmarshalText(text []byte) error {
	b, err := parseDigest(string(text), len(d))
	if err != nil {
		return err
	}
	copy(d[:], b)
	return nil
}

// A storedGrant is the record of a grant.
type storedGrant struct {
	Grant
	// Pair is the name of the one pair of Subset under which the grant is found.
	Pair string `json:"pair,omitempty"`
}

func (tx *Tx) storedGrant(addr KeyAddr, id string) (storedGrant, error) {
	g, err := load[storedGrant](tx, addr.key(spaceGrant, id))
	if err != nil {
		return storedGrant{}, fmt.Errorf("grant %s of key %s: %w", id, addr, err)
	}
	if g.Key != addr || g.ID != id {
		return storedGrant{}, fmt.Errorf("%w: record of grant %s stands under %s", ErrCorrupt, g.ID, id)
	}
	return g, nil
}

// Grant finds a grant of a key.
func (tx *Tx) Grant(addr KeyAddr, id string) (Grant, error) {
	g, err := tx.storedGrant(addr, id)
	return g.Grant, err
}

// PutGrant creates a grant or replaces it. Its key must exist. ErrExists:
// another grant of the key has the same Name and properties (GrantByName), or
// another grant has one of its tokens.
func (tx *Tx) PutGrant(g Grant) error {
	if err := g.check(); err != nil {
		return err
	}
	if _, err := tx.Key(g.Key); err != nil {
		return fmt.Errorf("grant %s: %w", g.ID, err)
	}
	old, err := tx.storedGrant(g.Key, g.ID)
	fresh := errors.Is(err, ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	g.Created = instant(g.Created)
	now := storedGrant{Grant: g, Pair: old.Pair}
	if fresh || !maps.Equal(old.Subset, g.Subset) {
		if now.Pair, err = tx.choosePair(&g); err != nil {
			return err
		}
	}
	if err := tx.checkFree(&g); err != nil {
		return err
	}
	value, err := encodeRecord(now)
	if err != nil {
		return err
	}
	if err := tx.kv.set(g.Key.key(spaceGrant, g.ID), value); err != nil {
		return err
	}
	if fresh {
		return tx.reindex(nil, &now)
	}
	return tx.reindex(&old, &now)
}

// reindex replaces all that leads to old by what leads to now; either may be nil.
func (tx *Tx) reindex(old, now *storedGrant) error {
	var had, has []entry
	if old != nil {
		had = old.indexes()
		if err := tx.countGrant(old, -1); err != nil {
			return err
		}
	}
	if now != nil {
		has = now.indexes()
		if err := tx.countGrant(now, 1); err != nil {
			return err
		}
	}
	if err := tx.rebucket(old, now); err != nil {
		return err
	}
	return tx.replace(had, has)
}

func (tx *Tx) countGrant(g *storedGrant, change int) error {
	if err := tx.add(g.Key.key(spaceGrantCount), change); err != nil {
		return err
	}
	return tx.add(g.Key.key(spaceGranteeCount, g.GranteeID), change)
}

// check tells whether the grant's names can stand in database keys.
func (g *Grant) check() error {
	if err := g.Key.check(); err != nil {
		return err
	}
	if err := checkParts("grant", g.ID, g.Grantee, g.GranteeID); err != nil {
		return err
	}
	if err := checkParts("grant operation", g.Operations...); err != nil {
		return err
	}
	for _, optional := range []string{g.GranteeAccount, g.RetireeID, g.Parent} {
		if optional != "" {
			if err := checkParts("grant", optional); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkFree tells whether the guards that the grant would take are its own or free.
func (tx *Tx) checkFree(g *Grant) error {
	if g.Name != "" {
		owner, err := tx.GrantByName(*g)
		if err == nil && owner.ID != g.ID {
			return fmt.Errorf("grant with the name of %s: %w", g.ID, ErrExists)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	for _, digest := range g.Tokens {
		owner, err := tx.GrantByToken(digest)
		if err == nil && owner.Ref() != g.Ref() {
			return fmt.Errorf("token of grant %s: %w", g.ID, ErrExists)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// DeleteGrant removes a grant, or answers ErrNotFound. Grants made from it stay.
func (tx *Tx) DeleteGrant(addr KeyAddr, id string) error {
	g, err := tx.storedGrant(addr, id)
	if err != nil {
		return err
	}
	if err := tx.kv.delete(addr.key(spaceGrant, id)); err != nil {
		return err
	}
	return tx.reindex(&g, nil)
}

// DeleteGrantsOf removes up to limit grants of a key, fewer if they are large
// for one transaction, and tells how many are left.
func (tx *Tx) DeleteGrantsOf(addr KeyAddr, limit int) (left int, err error) {
	ids, _, err := page(tx, addr.key(spaceGrant), nil, limit, false, func(key, _ []byte) (string, error) {
		return lastPart(key), nil
	})
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if i > 0 && *tx.kv.spent > comfortable {
			break
		}
		if err := tx.DeleteGrant(addr, id); err != nil {
			return 0, err
		}
	}
	return tx.CountGrants(addr)
}

// CountGrants is the number of grants of a key. A transaction that creates a
// grant by it conflicts with any other that creates one for the key.
func (tx *Tx) CountGrants(addr KeyAddr) (int, error) {
	return tx.count(addr.key(spaceGrantCount))
}
