package store

import (
	"bytes"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"
)

// kvTx is one transaction on ordered bytes: all that records need of the
// engine below. A writable one notes what it reads, also what it found absent
// under an exact key, but not the emptiness of a range.
type kvTx struct {
	txn   *badger.Txn
	spent *int // bytes that the changes take of those that a transaction may have; nil for a View
}

// newKVTx is a transaction that may write.
func newKVTx(txn *badger.Txn) kvTx { return kvTx{txn: txn, spent: new(int)} }

func (t kvTx) writable() bool { return t.spent != nil }

// A transaction may take maxSpent bytes, less what Badger adds to each change.
const (
	maxSpent    = memTableSize * 15 / 100
	perChange   = 100
	comfortable = maxSpent / 2
)

// get copies the value of key.
func (t kvTx) get(key []byte) ([]byte, error) {
	item, err := t.item(key)
	if err != nil {
		return nil, err
	}
	return item.value()
}

// item finds an entry, whose value may then be read while the transaction lasts.
func (t kvTx) item(key []byte) (item, error) {
	i, err := t.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return item{}, ErrNotFound
	}
	if err != nil {
		return item{}, fmt.Errorf("reading entry: %w", err)
	}
	return item{i}, nil
}

// An item is an entry that was found.
type item struct{ *badger.Item }

// version tells in which commit the entry was written.
func (i item) version() uint64 { return i.Version() }

// value copies the value.
func (i item) value() ([]byte, error) {
	value, err := i.ValueCopy(nil)
	if err != nil {
		return nil, fmt.Errorf("reading value: %w", err)
	}
	return value, nil
}

// set takes ownership of both slices.
func (t kvTx) set(key, value []byte) error {
	if !t.writable() {
		return ErrReadOnly
	}
	if len(value) > maxValue {
		return fmt.Errorf("%w: value of %d bytes", ErrTooLarge, len(value))
	}
	*t.spent += len(key) + len(value) + perChange
	return writeError(t.txn.Set(key, value))
}

// delete takes ownership of key.
func (t kvTx) delete(key []byte) error {
	if !t.writable() {
		return ErrReadOnly
	}
	*t.spent += len(key) + perChange
	return writeError(t.txn.Delete(key))
}

func writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, badger.ErrTxnTooBig):
		return fmt.Errorf("%w: transaction", ErrTooLarge)
	default:
		return fmt.Errorf("writing entry: %w", err)
	}
}

// A cursor walks entries in order. A transaction has at most one at a time,
// and must close it.
type cursor struct{ it *badger.Iterator }

// cursor walks the entries under prefix, with their values or without.
func (t kvTx) cursor(prefix []byte, values bool) cursor {
	opts := badger.IteratorOptions{Prefix: prefix, PrefetchValues: values, PrefetchSize: 16}
	return cursor{t.txn.NewIterator(opts)}
}

func (c cursor) close()                    { c.it.Close() }
func (c cursor) next()                     { c.it.Next() }
func (c cursor) seek(key []byte)           { c.it.Seek(key) }
func (c cursor) within(prefix []byte) bool { return c.it.ValidForPrefix(prefix) }
func (c cursor) key() []byte               { return c.it.Item().KeyCopy(nil) }
func (c cursor) value() ([]byte, error)    { return c.it.Item().ValueCopy(nil) }

// scan hands the entries under prefix that come after the key after (all, if
// it is nil) to visit, in order, until it says stop. It may get entries, not scan.
func (t kvTx) scan(prefix, after []byte, values bool, visit func(key, value []byte) (more bool, err error)) error {
	c := t.cursor(prefix, values)
	defer c.close()
	start := prefix
	if after != nil {
		start = append(bytes.Clone(after), terminator)
	}
	for c.seek(start); c.within(prefix); c.next() {
		var value []byte
		if values {
			var err error
			if value, err = c.value(); err != nil {
				return fmt.Errorf("reading value: %w", err)
			}
		}
		more, err := visit(c.key(), value)
		if err != nil || !more {
			return err
		}
	}
	return nil
}
