package store

import "errors"

// What the store answers, to be told apart with errors.Is. Everything else is
// an internal fault.
var (
	// ErrNotFound says that no record has this name.
	ErrNotFound = errors.New("record not found")
	// ErrExists says that another record has this name already.
	ErrExists = errors.New("record exists")
	// ErrNotEmpty says that a key has grants left and cannot go yet.
	ErrNotEmpty = errors.New("key has grants left")
	// ErrInvalid says that a record lacks a part of its name, or has one that
	// cannot be kept.
	ErrInvalid = errors.New("invalid record")
	// ErrTooLarge says that a record, an event or a transaction is over the
	// store's limits.
	ErrTooLarge = errors.New("record too large")
	// ErrReadOnly says that a View was asked to write.
	ErrReadOnly = errors.New("transaction is read-only")
	// ErrBusy says that a transaction met conflicts to the end of its tries.
	ErrBusy = errors.New("too many conflicting transactions")
	// ErrFull says that there is too little disk space, or too few file handles,
	// to write safely. Reading goes on; writing goes on when there are again.
	ErrFull = errors.New("no room to write")
	// ErrFailed says that an earlier write could not be made durable: what the
	// disk holds is unknown, so nothing is written until the store is reopened.
	ErrFailed = errors.New("store failed to write and must be reopened")
	// ErrGone says that the directory is not at its path any more.
	ErrGone = errors.New("the data directory was removed or replaced while in use; no change is accepted")
	// ErrStuck says that closing took too long and was given up.
	ErrStuck = errors.New("store could not be closed")
	// ErrClosed says that the store is closed.
	ErrClosed = errors.New("store is closed")
	// ErrLocked says that another process has the directory.
	ErrLocked = errors.New("store is in use")
	// ErrSchema says that the directory's schema is not the one of this program.
	ErrSchema = errors.New("unknown schema")
	// ErrRootKey says that the directory was made under another root key.
	ErrRootKey = errors.New("wrong root key")
	// ErrCorrupt says that stored bytes do not decode, or contradict each other.
	ErrCorrupt = errors.New("store is corrupt")
)
