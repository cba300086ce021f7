// Package store keeps keyreeve's records and events on disk.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	badger "github.com/dgraph-io/badger/v4"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/store/eventlog"
)

// Config says where a store is and how it promises. Dir and Root are required.
type Config struct {
	Dir  string        // made if it does not exist; nothing else may be kept in it
	Root *seal.RootKey // must be the same at each Open of a directory
	Log  *slog.Logger  // nil: nothing is logged

	// MinFree is the free disk space, in bytes, below which changes of records
	// are refused with ErrFull; zero is DefaultMinFree. Less is not safe.
	MinFree int64

	// Events bounds the log of events. Its zero values are defaults.
	Events eventlog.Limits
	// SyncEvents makes Append wait for the disk; without it events outlive the
	// process when Append returns, and a power cut 100 ms later.
	SyncEvents bool

	Now func() time.Time // nil: time.Now
}

func (c *Config) complete() error {
	if c.Dir == "" || c.Root == nil {
		return fmt.Errorf("%w: store needs Dir and Root", ErrInvalid)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MinFree == 0 {
		c.MinFree = DefaultMinFree
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Events = c.Events.Complete()
	return nil
}

// A Store is an open directory of records and events. It may be used by many
// goroutines at once.
type Store struct {
	config  Config
	lock    *dirLock
	db      *badger.DB
	dirSync dirSync
	seqs    *sequence
	log     *eventlog.Log
	failed  atomic.Bool
	cache   *cache
	stop    context.CancelFunc
	stopped chan struct{} // closed when maintain has returned

	// commits is held for reading while a transaction commits, and for writing
	// by one that must not meet another conflict.
	commits sync.RWMutex

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // calls under way; grows only with mu held and closed false
}

// Open opens the directory, or makes it. ErrLocked, ErrSchema, ErrRootKey,
// ErrFull and ErrCorrupt say why it cannot.
func Open(c Config) (*Store, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := makeDir(c.Dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{config: c, lock: lock, cache: newCache()}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.stopped = stop, make(chan struct{})
	go func() {
		defer close(s.stopped)
		s.maintain(ctx)
	}()
	return s, nil
}

func (s *Store) open() error {
	if err := checkSpace(s.config.Dir, s.config.MinFree); err != nil {
		return err
	}
	records := filepath.Join(s.config.Dir, "records")
	err := makeDir(records)
	if err != nil {
		return err
	}
	if s.db, err = openDatabase(records, s.config.Log); err != nil {
		return err
	}
	s.dirSync.dir = records
	if err := s.openSchema(); err != nil {
		return err
	}
	if s.seqs, err = s.openSequence(); err != nil {
		return err
	}
	s.log, err = eventlog.Open(eventlog.Config{
		Dir:      filepath.Join(s.config.Dir, "events"),
		Limits:   s.config.Events,
		Sync:     s.config.SyncEvents,
		Sequence: s.seqs,
		Log:      s.config.Log,
		Now:      s.config.Now,
	})
	return err
}

func (s *Store) openSchema() error {
	err := s.view(func(tx kvTx) error { return checkSchema(tx, s.config.Root) })
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return s.write(func(tx kvTx) error { return makeSchema(tx, s.config.Root, s.config.Now()) })
}

// Close waits for transactions and appends under way, and closes the
// directory. It may be called once.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return ErrClosed
	}
	s.stop()
	<-s.stopped
	s.users.Wait()
	return s.release()
}

// release closes what is open. Without the space that Badger's last flush
// takes, the database is left as a killed process leaves it, with all that was
// answered in its log; the next Open reads it from there.
func (s *Store) release() error {
	var errs []error
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.db != nil {
		if err := checkSpace(s.config.Dir, s.config.MinFree); err != nil {
			return errors.Join(append(errs, fmt.Errorf("leaving records for the next start: %w", err))...)
		}
		errs = append(errs, s.db.Close())
	}
	return errors.Join(append(errs, s.lock.release())...)
}

// enter keeps the database open until leave.
func (s *Store) enter() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.users.Add(1)
	return s.users.Done, nil
}

// View runs fn on a snapshot that holds every change answered before. Changes
// made meanwhile do not show.
func (s *Store) View(fn func(*Tx) error) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	return s.view(func(kv kvTx) error { return fn(&Tx{kv: kv, now: s.config.Now, cache: s.cache}) })
}

func (s *Store) view(fn func(kvTx) error) error {
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	return fn(kvTx{txn: txn})
}

// maxTries is how often Update runs beside others; then it runs alone.
const maxTries = 6

// Update runs fn on a snapshot and makes its changes durable, all or none, as
// if transactions ran one after another. It runs fn again if a record that fn
// read has changed meanwhile, so fn must be safe to repeat, and must not call
// the store itself. An error of fn undoes its changes and is returned.
func (s *Store) Update(fn func(*Tx) error) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	for try := range maxTries {
		err := s.attempt(fn, false)
		if !errors.Is(err, badger.ErrConflict) {
			return err
		}
		time.Sleep(backoff(try))
	}
	err = s.attempt(fn, true)
	if errors.Is(err, badger.ErrConflict) {
		return ErrBusy
	}
	return err
}

// backoff is a random time that doubles with each try, from 1 ms.
func backoff(try int) time.Duration {
	return time.Duration(rand.Int64N(int64(time.Millisecond) << try))
}

// attempt runs fn once; alone, no other transaction commits meanwhile.
func (s *Store) attempt(fn func(*Tx) error, alone bool) error {
	if s.failed.Load() {
		return ErrFailed
	}
	if err := checkSpace(s.config.Dir, s.config.MinFree); err != nil {
		return err
	}
	if alone {
		s.commits.Lock()
		defer s.commits.Unlock()
	}
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	tx := &Tx{kv: kvTx{txn: txn, writable: true}, now: s.config.Now}
	if err := fn(tx); err != nil {
		return err
	}
	if !alone {
		s.commits.RLock()
		defer s.commits.RUnlock()
	}
	done, err := s.storeEvents(tx)
	if err != nil {
		return err
	}
	defer done()
	return s.commit(txn)
}

// write is an attempt without events, beside those that run alone: for entries
// that no transaction of Update touches.
func (s *Store) write(fn func(kvTx) error) error {
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	if err := fn(kvTx{txn: txn, writable: true}); err != nil {
		return err
	}
	return s.commit(txn)
}

// commit makes a transaction durable. An error other than a conflict leaves
// open what the disk holds, so it is the last commit.
func (s *Store) commit(txn *badger.Txn) error {
	err := txn.Commit()
	if err == nil {
		err = s.dirSync.run()
	}
	switch {
	case err == nil, errors.Is(err, badger.ErrConflict):
		return err
	case errors.Is(err, badger.ErrTxnTooBig):
		return fmt.Errorf("%w: transaction", ErrTooLarge)
	default:
		s.failed.Store(true)
		s.config.Log.Error("records could not be made durable; no more changes until the store is reopened", "err", err)
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
}
