package store

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Tx is a transaction: one snapshot of all records, and the changes made in
// it. It is for one goroutine, and ends with the function that it was given to.
// Records read in a View are shared: their maps and slices must not be changed.
type Tx struct {
	kv  kvTx
	now func() time.Time

	// What Views found before; nil where records may be changed.
	records, asked *cache
	answers        *answers
	snapshot       uint64
	events         [][]byte
}

// An entry is a database key with its value.
type entry struct{ key, value []byte }

// replace writes what differs between the entries that a record had and those
// that it has now; old and now may be nil.
func (tx *Tx) replace(old, now []entry) error {
	had := make(map[string][]byte, len(old))
	for _, e := range old {
		had[string(e.key)] = e.value
	}
	for _, e := range now {
		value, same := had[string(e.key)]
		delete(had, string(e.key))
		if same && bytes.Equal(value, e.value) {
			continue
		}
		if err := tx.kv.set(e.key, e.value); err != nil {
			return err
		}
	}
	for _, e := range old {
		if _, gone := had[string(e.key)]; !gone {
			continue
		}
		if err := tx.kv.delete(e.key); err != nil {
			return err
		}
	}
	return nil
}

// count reads a counter: decimal digits, absent for zero.
func (tx *Tx) count(key []byte) (int, error) {
	value, err := tx.kv.get(key)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseCount(value)
}

func parseCount(value []byte) (int, error) {
	n, err := strconv.Atoi(string(value))
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%w: counter", ErrCorrupt)
	}
	return n, nil
}

// add changes a counter, so that transactions which decide by it conflict.
func (tx *Tx) add(key []byte, change int) error {
	n, err := tx.count(key)
	if err != nil {
		return err
	}
	switch n += change; {
	case n < 0:
		return fmt.Errorf("%w: counter below zero", ErrCorrupt)
	case n == 0:
		return tx.kv.delete(key)
	default:
		return tx.kv.set(key, strconv.AppendInt(nil, int64(n), 10))
	}
}

// load decodes the record at key.
func load[T any](tx *Tx, key []byte) (T, error) {
	var none T
	item, err := tx.kv.item(key)
	if err != nil {
		return none, err
	}
	if tx.records != nil {
		if known, ok := tx.records.get(key, item.version()); ok {
			return known.(T), nil // a space has one type of record
		}
	}
	value, err := item.value()
	if err != nil {
		return none, err
	}
	record, err := decodeEntry[T](key, value)
	if err == nil && tx.records != nil {
		tx.records.put(key, cached{version: item.version(), size: len(key) + len(value), value: record})
	}
	return record, err
}

// decodeEntry reads a record as page wants it.
func decodeEntry[T any](_, value []byte) (T, error) {
	var record T
	err := decodeRecord(value, &record)
	return record, err
}

// page collects up to limit of the entries under prefix after the key after,
// each read by read, and tells whether there are more.
func page[T any](tx *Tx, prefix, after []byte, limit int, values bool, read func(key, value []byte) (T, error)) ([]T, bool, error) {
	if limit <= 0 {
		return nil, false, fmt.Errorf("%w: limit %d", ErrInvalid, limit)
	}
	var found []T
	more := false
	err := tx.kv.scan(prefix, after, values, func(key, value []byte) (bool, error) {
		if len(found) == limit {
			more = true
			return false, nil
		}
		record, err := read(key, value)
		if err != nil {
			return false, err
		}
		found = append(found, record)
		return true, nil
	})
	return found, more, err
}

// afterKey is the database key to continue after, nil for the beginning.
func afterKey(after string, key func() []byte) []byte {
	if after == "" {
		return nil
	}
	return key()
}

// present is the value of an index entry that says all in its key. It is not
// empty, so that no layer below can take it for absent.
var present = []byte{recordVersion}
