package store

import (
	"errors"
	"fmt"
	"time"
)

// A Principal is the unique id of a principal whose world file gives none: it
// is assigned when the ARN is first seen, and goes with the principal, so that
// one which is removed and added again does not inherit.
type Principal struct {
	ARN   string    `json:"arn"`
	ID    string    `json:"id"`
	Since time.Time `json:"since,omitzero"`
}

// UniqueID is the unique id of the principal with this ARN.
func (tx *Tx) UniqueID(arn string) (string, error) {
	p, err := tx.Principal(arn)
	return p.ID, err
}

// Principal finds a principal by its ARN.
func (tx *Tx) Principal(arn string) (Principal, error) {
	p, err := load[Principal](tx, dbKey(spacePrincipal, arn))
	if err != nil {
		return Principal{}, fmt.Errorf("principal %s: %w", arn, err)
	}
	if p.ARN != arn {
		return Principal{}, fmt.Errorf("%w: record of principal %s stands under %s", ErrCorrupt, p.ARN, arn)
	}
	return p, nil
}

// PrincipalByID finds the principal that has a unique id now.
func (tx *Tx) PrincipalByID(id string) (Principal, error) {
	arn, err := tx.kv.get(dbKey(spacePrincipalID, id))
	if err != nil {
		return Principal{}, fmt.Errorf("principal id %s: %w", id, err)
	}
	return tx.Principal(string(arn))
}

// PutUniqueID gives the principal with this ARN a unique id, in place of the
// one that it had. ErrExists: another principal has it.
func (tx *Tx) PutUniqueID(arn, id string) error {
	return tx.PutPrincipal(Principal{ARN: arn, ID: id, Since: tx.now()})
}

// PutPrincipal is PutUniqueID with a time of the caller's.
func (tx *Tx) PutPrincipal(p Principal) error {
	if err := checkParts("principal", p.ARN, p.ID); err != nil {
		return err
	}
	p.Since = instant(p.Since)
	owner, err := tx.PrincipalByID(p.ID)
	switch {
	case err == nil && owner.ARN != p.ARN:
		return fmt.Errorf("principal id %s: %w", p.ID, ErrExists)
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	}
	old, err := tx.Principal(p.ARN)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	value, err := encodeRecord(p)
	if err != nil {
		return err
	}
	if err := tx.kv.set(dbKey(spacePrincipal, p.ARN), value); err != nil {
		return err
	}
	return tx.replace(old.indexes(), p.indexes())
}

// DeletePrincipal forgets a principal's unique id.
func (tx *Tx) DeletePrincipal(arn string) error {
	p, err := tx.Principal(arn)
	if err != nil {
		return err
	}
	if err := tx.kv.delete(dbKey(spacePrincipal, arn)); err != nil {
		return err
	}
	return tx.replace(p.indexes(), nil)
}

// Principals lists principals by ARN, after the ARN after ("" for the
// beginning), and tells whether there are more than limit.
func (tx *Tx) Principals(after string, limit int) ([]Principal, bool, error) {
	start := afterKey(after, func() []byte { return dbKey(spacePrincipal, after) })
	return page(tx, dbKey(spacePrincipal), start, limit, true, decodeEntry[Principal])
}

func (p Principal) indexes() []entry {
	if p.ARN == "" {
		return nil
	}
	return []entry{{dbKey(spacePrincipalID, p.ID), []byte(p.ARN)}}
}
