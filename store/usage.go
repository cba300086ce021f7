package store

import (
	"errors"
	"fmt"
	"time"
)

// A Usage is the last use of a key that succeeded. It stands beside the record
// of the key, so that using a key and changing it do not conflict.
type Usage struct {
	Addr      KeyAddr   `json:"addr"`
	Operation string    `json:"operation"`
	At        time.Time `json:"at"`
	EventID   string    `json:"eventId"` // of the record in the account of the key
	RequestID string    `json:"requestId"`
}

// Usage finds the last use of a key, or answers ErrNotFound.
func (tx *Tx) Usage(addr KeyAddr) (Usage, error) {
	u, err := load[Usage](tx, addr.key(spaceUsage))
	if err != nil {
		return Usage{}, fmt.Errorf("last use of key %s: %w", addr, err)
	}
	if u.Addr != addr {
		return Usage{}, fmt.Errorf("%w: last use of key %s stands under %s", ErrCorrupt, u.Addr, addr)
	}
	return u, nil
}

// PutUsage keeps a use of a key, unless a later one is kept or the key is not
// there any more.
func (tx *Tx) PutUsage(u Usage) error {
	if err := u.Addr.check(); err != nil {
		return err
	}
	k, err := tx.Key(u.Addr)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case u.At.Before(k.Created): // of an earlier key with this address
		return nil
	}
	old, err := tx.Usage(u.Addr)
	switch {
	case err == nil && old.At.After(u.At):
		return nil
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	}
	u.At = instant(u.At)
	value, err := encodeRecord(u)
	if err != nil {
		return err
	}
	return tx.kv.set(u.Addr.key(spaceUsage), value)
}
