package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Alias is a name for a key of the same account and Region. TargetKeyID is
// empty for a predefined alias whose key does not exist yet.
type Alias struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	TargetKeyID string    `json:"targetKeyId,omitempty"`
	Created     time.Time `json:"created,omitzero"`
	Updated     time.Time `json:"updated,omitzero"`
}

// Target is the address of the key that the alias points to.
func (a Alias) Target() KeyAddr {
	return KeyAddr{Account: a.Account, Region: a.Region, ID: a.TargetKeyID}
}

func (a Alias) key() []byte { return dbKey(spaceAlias, a.Account, a.Region, a.Name) }

// Alias finds an alias by its name, which starts with "alias/".
func (tx *Tx) Alias(account, region, name string) (Alias, error) {
	a, err := load[Alias](tx, dbKey(spaceAlias, account, region, name))
	if err != nil {
		return Alias{}, fmt.Errorf("alias %s: %w", name, err)
	}
	if a.Account != account || a.Region != region || a.Name != name {
		return Alias{}, fmt.Errorf("%w: record of alias %s stands under %s", ErrCorrupt, a.Name, name)
	}
	return a, nil
}

// PutAlias creates an alias or points it elsewhere. Its target must exist.
func (tx *Tx) PutAlias(a Alias) error {
	if err := checkParts("alias", a.Account, a.Region, a.Name); err != nil {
		return err
	}
	a.Created, a.Updated = instant(a.Created), instant(a.Updated)
	old, err := tx.Alias(a.Account, a.Region, a.Name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if a.TargetKeyID != "" {
		if _, err := tx.Key(a.Target()); err != nil {
			return fmt.Errorf("target of alias %s: %w", a.Name, err)
		}
	}
	value, err := encodeRecord(a)
	if err != nil {
		return err
	}
	if err := tx.kv.set(a.key(), value); err != nil {
		return err
	}
	return tx.retarget(old, a)
}

// DeleteAlias removes an alias, or answers ErrNotFound.
func (tx *Tx) DeleteAlias(account, region, name string) error {
	a, err := tx.Alias(account, region, name)
	if err != nil {
		return err
	}
	if err := tx.kv.delete(a.key()); err != nil {
		return err
	}
	return tx.retarget(a, Alias{})
}

// retarget moves the index entry and the count from the target of old to that
// of now.
func (tx *Tx) retarget(old, now Alias) error {
	if old.TargetKeyID == now.TargetKeyID {
		return nil
	}
	if old.TargetKeyID != "" {
		if err := tx.add(old.Target().key(spaceKeyAliasCount), -1); err != nil {
			return err
		}
	}
	if now.TargetKeyID != "" {
		if err := tx.add(now.Target().key(spaceKeyAliasCount), 1); err != nil {
			return err
		}
	}
	return tx.replace(old.indexes(), now.indexes())
}

func (a Alias) indexes() []entry {
	if a.TargetKeyID == "" {
		return nil
	}
	return []entry{{a.Target().key(spaceKeyAlias, a.Name), present}}
}

// AliasesOf lists the aliases of an account and Region by name, after the name
// after ("" for the beginning), and tells whether there are more than limit.
func (tx *Tx) AliasesOf(account, region, after string, limit int) ([]Alias, bool, error) {
	start := afterKey(after, func() []byte { return dbKey(spaceAlias, account, region, after) })
	return page(tx, dbKey(spaceAlias, account, region), start, limit, true, decodeEntry[Alias])
}

// AliasesOfKey lists as AliasesOf, those that point to one key.
func (tx *Tx) AliasesOfKey(addr KeyAddr, after string, limit int) ([]Alias, bool, error) {
	type found struct {
		list []Alias
		more bool
	}
	var space [usualKey]byte
	question := appendKey(space[:0], spaceKeyAlias, addr.Account, addr.Region, addr.ID, after)
	question = binary.AppendUvarint(question, uint64(max(limit, 0)))
	if known, ok := answered[found](tx, question); ok {
		return known.list, known.more, nil
	}
	start := afterKey(after, func() []byte { return addr.key(spaceKeyAlias, after) })
	list, more, err := page(tx, addr.key(spaceKeyAlias), start, limit, false, func(key, _ []byte) (Alias, error) {
		return tx.Alias(addr.Account, addr.Region, lastPart(key))
	})
	if err == nil {
		const each = 500 // about
		tx.answer(question, found{slices.Clip(list), more}, each*len(list))
	}
	return list, more, err
}

// CountAliases is the number of aliases that point to a key. A transaction
// that gives the key one by it conflicts with any other that does.
func (tx *Tx) CountAliases(addr KeyAddr) (int, error) {
	return tx.count(addr.key(spaceKeyAliasCount))
}

func (tx *Tx) deleteAliasesOf(addr KeyAddr) error {
	for {
		aliases, more, err := tx.AliasesOfKey(addr, "", 100)
		if err != nil {
			return err
		}
		for _, a := range aliases {
			if err := tx.DeleteAlias(a.Account, a.Region, a.Name); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}
