package store

import (
	"bytes"
	"fmt"
)

// GrantsOf lists the grants of a key in the order of their IDs, after the ID
// after ("" for the beginning), and tells whether there are more than limit.
func (tx *Tx) GrantsOf(addr KeyAddr, after string, limit int) ([]Grant, bool, error) {
	start := afterKey(after, func() []byte { return addr.key(spaceGrant, after) })
	return page(tx, addr.key(spaceGrant), start, limit, true, func(_, value []byte) (Grant, error) {
		var g storedGrant
		err := decodeRecord(value, &g)
		return g.Grant, err
	})
}

// GrantsTo lists as GrantsOf, those whose Grantee is this text.
func (tx *Tx) GrantsTo(addr KeyAddr, grantee, after string, limit int) ([]Grant, bool, error) {
	return tx.indexedGrants(addr, spaceGrantee, grantee, after, limit)
}

// GrantsToAccount lists as GrantsOf, those whose grantee is of an account.
func (tx *Tx) GrantsToAccount(addr KeyAddr, account, after string, limit int) ([]Grant, bool, error) {
	return tx.indexedGrants(addr, spaceGranteeAccount, account, after, limit)
}

// ChildGrants lists as GrantsOf, those made from the grant parent.
func (tx *Tx) ChildGrants(addr KeyAddr, parent, after string, limit int) ([]Grant, bool, error) {
	return tx.indexedGrants(addr, spaceGrantChild, parent, after, limit)
}

func (tx *Tx) indexedGrants(addr KeyAddr, s space, of, after string, limit int) ([]Grant, bool, error) {
	if err := checkParts("look-up of grants", of); err != nil {
		return nil, false, err
	}
	start := afterKey(after, func() []byte { return addr.key(s, of, after) })
	return page(tx, addr.key(s, of), start, limit, false, func(key, _ []byte) (Grant, error) {
		return tx.Grant(addr, lastPart(key))
	})
}

// GrantsRetirableBy lists the grants of a Region whose retiring principal has
// this unique id, for keys of one account ("" for all): in the order of
// account, key and grant, after the grant after (zero for the beginning).
func (tx *Tx) GrantsRetirableBy(region, retireeID, account string, after GrantRef, limit int) ([]Grant, bool, error) {
	if err := checkParts("look-up of grants", region, retireeID); err != nil {
		return nil, false, err
	}
	prefix := dbKey(spaceRetiree, region, retireeID)
	if account != "" {
		prefix = dbKey(spaceRetiree, region, retireeID, account)
	}
	start := afterKey(after.ID, func() []byte {
		return dbKey(spaceRetiree, region, retireeID, after.Key.Account, after.Key.ID, after.ID)
	})
	if start != nil && !bytes.HasPrefix(start, prefix) {
		return nil, false, fmt.Errorf("%w: grant to continue after is of another account", ErrInvalid)
	}
	return page(tx, prefix, start, limit, false, func(key, _ []byte) (Grant, error) {
		p, err := parts(key)
		if err != nil || len(p) != 5 {
			return Grant{}, fmt.Errorf("%w: entry of retiring principals %q", ErrCorrupt, key)
		}
		return tx.Grant(KeyAddr{Account: p[2], Region: p[0], ID: p[3]}, p[4])
	})
}

// GrantByName finds the grant of g.Key with the Name, grantee, retiring
// principal, operations and constraints of g. A grant without a Name is never found.
func (tx *Tx) GrantByName(g Grant) (Grant, error) {
	if g.Name == "" {
		return Grant{}, ErrNotFound
	}
	id, err := tx.kv.get(g.guard())
	if err != nil {
		return Grant{}, fmt.Errorf("grant %q of key %s: %w", g.Name, g.Key, err)
	}
	return tx.Grant(g.Key, string(id))
}

// GrantByToken finds the grant that a token was given for.
func (tx *Tx) GrantByToken(digest TokenDigest) (Grant, error) {
	ref, err := tx.kv.get(dbKey(spaceToken, digestText(digest[:])))
	if err != nil {
		return Grant{}, fmt.Errorf("grant token: %w", err)
	}
	p, err := parts(ref)
	if err != nil || len(p) != 4 {
		return Grant{}, fmt.Errorf("%w: entry of grant tokens", ErrCorrupt)
	}
	return tx.Grant(KeyAddr{Account: p[0], Region: p[1], ID: p[2]}, p[3])
}
