package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/store"
)

// Bounds of what one transaction of the sweeper does.
const (
	sweepKeys   = 100
	sweepGrants = 200
)

// Sweep carries out what has fallen due: keys whose waiting period is over are
// deleted, with their grants and aliases, imported material expires, and keys are
// rotated. It stops when ctx ends; what is left,
// and what failed, is due again the next time.
func (e *Engine) Sweep(ctx context.Context) error {
	failed := e.writeUses(ctx)
	now := e.cfg.Clock()
	var due []store.Due
	err := e.cfg.Store.View(func(tx *store.Tx) (err error) {
		due, err = tx.DueBefore(now, sweepKeys)
		return err
	})
	if err != nil {
		return errors.Join(failed, fmt.Errorf("looking for keys that are due: %w", err))
	}
	for _, d := range due {
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		if err := e.deleteKey(d); err != nil {
			failed = errors.Join(failed, fmt.Errorf("deleting key %s: %w", d.Addr.ID, err))
		}
		if err := e.arriveKey(d.Addr); err != nil {
			failed = errors.Join(failed, fmt.Errorf("ending the transient state of key %s: %w", d.Addr.ID, err))
		}
		if err := e.expireMaterial(d.Addr); err != nil {
			failed = errors.Join(failed, fmt.Errorf("removing the expired material of key %s: %w", d.Addr.ID, err))
		}
		if err := e.rotateKey(ctx, d.Addr); err != nil {
			failed = errors.Join(failed, fmt.Errorf("rotating key %s: %w", d.Addr.ID, err))
		}
	}
	return failed
}

// deleteKey removes one key that is due. The grants, which can be many, go
// first and in batches: a key that is pending deletion can get no new ones.
func (e *Engine) deleteKey(d store.Due) error {
	for left := 1; left > 0; {
		err := e.cfg.Store.Update(func(tx *store.Tx) (err error) {
			if stillDue, err := e.stillDue(tx, d); err != nil || !stillDue {
				left = 0
				return err
			}
			left, err = tx.DeleteGrantsOf(d.Addr, sweepGrants)
			return err
		})
		if err != nil {
			return err
		}
	}
	id, err := uuid.NewRandomFromReader(e.cfg.Rand)
	if err != nil {
		return err
	}
	var deleted []store.Material
	err = e.cfg.Store.Update(func(tx *store.Tx) error {
		deleted = nil
		if stillDue, err := e.stillDue(tx, d); err != nil || !stillDue {
			return err
		}
		k, err := tx.Key(d.Addr)
		if err != nil {
			return err
		}
		deleted = k.Materials
		if err := e.recordInternal(tx, "DeleteKey", d.Addr, id.String(), nil); err != nil {
			return err
		}
		if err := tx.DeleteKey(d.Addr); err != nil {
			return err
		}
		return e.leave(tx, k, id.String())
	})
	if err == nil {
		e.forget(deleted)
	}
	return err
}

// forget has the provider drop what it keeps in memory of deleted material.
func (e *Engine) forget(deleted []store.Material) {
	forgetter, ok := e.cfg.Materials.(material.Forgetter)
	for _, m := range deleted {
		if ok {
			forgetter.Forget(material.Ref{Provider: m.Ref.Provider, ID: m.Ref.ID, Spec: spec.KeySpec(m.Ref.Spec), Sealed: m.Ref.Sealed})
		}
	}
}

// stillDue looks again inside the transaction: the deletion may have been
// cancelled since.
func (e *Engine) stillDue(tx *store.Tx, d store.Due) (bool, error) {
	k, err := tx.Key(d.Addr)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	return k.State == string(lifecycle.PendingDeletion) && !k.DeletionDate.After(e.cfg.Clock()), nil
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
