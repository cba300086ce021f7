package instance

import (
	"crypto/rand"
	"errors"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/store"
)

// storedIDs is uniqueIDs with a transaction for each principal that is new.
type storedIDs struct{ store *store.Store }

// UniqueID returns the id that the principal has had since it was first seen.
func (s storedIDs) UniqueID(arn string) (id string, err error) {
	err = s.store.View(func(tx *store.Tx) error {
		id, err = tx.UniqueID(arn)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		return id, err
	}
	err = s.store.Update(func(tx *store.Tx) error {
		id, err = uniqueIDs{tx}.UniqueID(arn)
		return err
	})
	return id, err
}

// forgetPage is how many principals are looked at in one transaction.
const forgetPage = 500

// Forget drops the ids of principals that are no longer in the world, so that
// one which comes back is another.
func (s storedIDs) Forget(allBut []string) error {
	present := map[string]bool{}
	for _, arn := range allBut {
		present[arn] = true
	}
	after, more := "", true
	for more {
		last := after
		err := s.store.Update(func(tx *store.Tx) (err error) {
			last, more, err = forgetSome(tx, after, present)
			return err
		})
		if err != nil {
			return err
		}
		after = last
	}
	return nil
}

// forgetSome goes through one page of principals, behind after.
func forgetSome(tx *store.Tx, after string, present map[string]bool) (last string, more bool, err error) {
	page, more, err := tx.Principals(after, forgetPage)
	if err != nil {
		return after, false, err
	}
	for _, p := range page {
		after = p.ARN
		if present[p.ARN] {
			continue
		}
		if err := tx.DeletePrincipal(p.ARN); err != nil {
			return after, false, err
		}
	}
	return after, more, nil
}

// uniqueIDs gives principals their ids from the store.
type uniqueIDs struct{ tx *store.Tx }

// UniqueID returns the id that the principal has had since it was first seen.
func (u uniqueIDs) UniqueID(arn string) (string, error) {
	id, err := u.tx.UniqueID(arn)
	if !errors.Is(err, store.ErrNotFound) {
		return id, err
	}
	if id, err = world.NewUniqueID(arn, rand.Reader); err != nil {
		return "", err
	}
	return id, u.tx.PutUniqueID(arn, id)
}
