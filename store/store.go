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

	repackTables int           // so many tables are packed; zero is the constant
	closeLimit   time.Duration // zero is the constant
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
	if c.repackTables == 0 {
		c.repackTables = repackTables
	}
	if c.closeLimit == 0 {
		c.closeLimit = closeLimit
	}
	c.Events = c.Events.Complete()
	return nil
}

// A Store is an open directory of records and events. It may be used by many
// goroutines at once.
type Store struct {
	config  Config
	lock    *dirLock
	dir     location // of all
	records string   // path of the directory of generations
	events  location // the directory of log
	sight   atomic.Pointer[sight]
	seqs    *sequence
	log     *eventlog.Log
	failed  atomic.Bool
	stop    context.CancelFunc
	stopped chan struct{} // closed when maintain has returned

	// alone is held for reading while a transaction of Update commits, and for
	// writing by one that must not meet another conflict. It is taken before switching.
	alone sync.RWMutex
	// switching is held for reading while anything commits, and for writing
	// while the generation is replaced.
	switching sync.RWMutex

	mu     sync.Mutex
	gen    *generation
	closed bool
	users  sync.WaitGroup // calls under way; grows only while closed is false
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
	s := &Store{config: c, lock: lock}
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
	if err := checkRoom(s.lock.file, s.config.MinFree, spareFiles); err != nil {
		return err
	}
	events := filepath.Join(s.config.Dir, "events")
	if err := makeDir(events); err != nil {
		return err
	}
	var err error
	if s.dir, err = openLocation(s.config.Dir); err != nil {
		return err
	}
	if s.events, err = openLocation(events); err != nil {
		return err
	}
	s.records = filepath.Join(s.config.Dir, "records")
	if s.gen, err = openCurrent(s.records, s.config.Log); err != nil {
		return err
	}
	if err := s.openSchema(); err != nil {
		return err
	}
	if s.seqs, err = s.openSequence(); err != nil {
		return err
	}
	s.log, err = eventlog.Open(eventlog.Config{
		Dir:      s.events.path,
		Limits:   s.config.Events,
		Sync:     s.config.SyncEvents,
		Check:    s.InPlace,
		Sequence: s.seqs,
		Log:      s.config.Log,
		Now:      s.config.Now,
	})
	return err
}

func (s *Store) openSchema() error {
	err := s.gen.view(func(tx kvTx) error { return checkSchema(tx, s.config.Root) })
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return s.write(func(tx kvTx) error { return makeSchema(tx, s.config.Root, s.config.Now()) })
}

// enter keeps the database open until users.Done.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.users.Add(1)
	return nil
}

// current is the generation of now.
func (s *Store) current() *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen
}

// use is the generation of now, which is not closed until its users.Done.
func (s *Store) use() *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen.users.Add(1)
	return s.gen
}

// View runs fn on a snapshot that holds every change answered before. Changes
// made meanwhile do not show.
func (s *Store) View(fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	g := s.use()
	defer g.users.Done()
	return g.view(func(kv kvTx) error {
		return fn(&Tx{kv: kv, now: s.config.Now, records: g.records, asked: g.asked, answers: &g.answers, snapshot: kv.txn.ReadTs()})
	})
}

// maxTries is how often Update runs beside others; then it runs alone.
const maxTries = 6

// Update runs fn on a snapshot and makes its changes durable, all or none, as
// if transactions ran one after another. It runs fn again if a record that fn
// read has changed meanwhile, so fn must be safe to repeat, and must not call
// the store itself. An error of fn undoes its changes and is returned.
func (s *Store) Update(fn func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	for try := 0; ; {
		err := s.attempt(fn, try == maxTries)
		switch {
		case errors.Is(err, errReplaced): // at once again
		case !errors.Is(err, badger.ErrConflict):
			return err
		case try == maxTries:
			return ErrBusy
		default:
			time.Sleep(backoff(try))
			try++
		}
	}
}

// backoff is a random time that doubles with each try, from 1 ms.
func backoff(try int) time.Duration {
	return time.Duration(rand.Int64N(int64(time.Millisecond) << try))
}

// attempt runs fn once; alone, no other transaction commits meanwhile.
func (s *Store) attempt(fn func(*Tx) error, alone bool) error {
	if alone {
		s.alone.Lock()
		defer s.alone.Unlock()
	}
	if err := s.checkWritable(); err != nil {
		return err
	}
	g := s.use()
	defer g.users.Done()
	txn := g.db.NewTransaction(true)
	defer txn.Discard()
	tx := &Tx{kv: newKVTx(txn), now: s.config.Now}
	if err := fn(tx); err != nil {
		return err
	}
	if !alone {
		s.alone.RLock()
		defer s.alone.RUnlock()
	}
	end, err := s.storeEvents(tx)
	if err != nil {
		return err
	}
	defer end()
	return s.commit(g, txn)
}

func (s *Store) checkWritable() error {
	if s.failed.Load() {
		return ErrFailed
	}
	if err := s.InPlace(); err != nil {
		return err
	}
	return checkRoom(s.lock.file, s.config.MinFree, spareFiles)
}

// write commits changes of entries that no transaction of Update touches, so
// that it waits for none of them.
func (s *Store) write(fn func(kvTx) error) error {
	if err := s.checkWritable(); err != nil {
		return err
	}
	for {
		if err := s.writeOnce(fn); !errors.Is(err, errReplaced) {
			return err
		}
	}
}

func (s *Store) writeOnce(fn func(kvTx) error) error {
	g := s.use()
	defer g.users.Done()
	txn := g.db.NewTransaction(true)
	defer txn.Discard()
	if err := fn(newKVTx(txn)); err != nil {
		return err
	}
	return s.commit(g, txn)
}

// errReplaced says that the generation of a transaction is not the current one
// any more.
var errReplaced = errors.New("generation replaced")

// commit makes a transaction durable. An error other than a conflict and
// errReplaced leaves open what the disk holds, so it is the last commit.
func (s *Store) commit(g *generation, txn *badger.Txn) error {
	s.switching.RLock()
	defer s.switching.RUnlock()
	if g != s.current() {
		return errReplaced
	}
	err := txn.Commit()
	if err == nil {
		err = g.dirSync.run()
	}
	if err == nil {
		err = errors.Join(s.lock.check(), g.check()) // the directory may have gone meanwhile
	}
	switch {
	case err == nil, errors.Is(err, badger.ErrConflict):
		return err
	case errors.Is(err, badger.ErrTxnTooBig):
		return fmt.Errorf("%w: transaction", ErrTooLarge)
	default:
		s.fail(err)
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
}

// fail refuses all further changes.
func (s *Store) fail(err error) {
	s.failed.Store(true)
	s.config.Log.Error("records could not be made durable; no more changes until the store is reopened", "err", err)
}
