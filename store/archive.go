package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/store/eventlog"
)

// An Archive is the events of a directory that no process has open, as they were
// when it was opened. It writes nothing into the directory, and keeps nobody
// from opening it.
type Archive struct {
	gen *generation // nil: there are no records yet
	log *eventlog.Log
}

// OpenArchive reads the directory, which is shared for that moment: a store
// that is opened meanwhile waits. What Badger would write goes into a copy of its
// logs below the directory for temporary files, which is gone when OpenArchive
// returns. ErrLocked says that a process has the directory open.
func OpenArchive(dir string, root *seal.RootKey) (*Archive, error) {
	release, err := shareDir(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	a := &Archive{}
	if a.log, err = eventlog.OpenReadOnly(filepath.Join(dir, "events")); err != nil {
		return nil, err
	}
	records := filepath.Join(dir, "records")
	number, err := readCurrent(records)
	if err != nil || number == 0 {
		return a, err
	}
	if a.gen, err = openCopy(generationDir(records, number)); err != nil {
		return nil, err
	}
	err = a.gen.view(func(tx kvTx) error { return checkSchema(tx, root) })
	if errors.Is(err, ErrNotFound) {
		return a, nil // the process that made it was ended before it wrote anything
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Events is what Store.Events is.
func (a *Archive) Events(after Seq, limit int) ([]Event, error) {
	return eventsOf(a.gen, a.log, after, math.MaxUint64, limit)
}

// Close lets go of what was read.
func (a *Archive) Close() {
	if a.gen != nil {
		_ = a.gen.db.Close() // it wrote nothing, and only misses the directory, which is gone
	}
}

// openCopy opens the Badger in dir as it is, without a change of it.
func openCopy(dir string) (g *generation, err error) {
	temporary, err := os.MkdirTemp("", "keyreeve-events-")
	if err != nil {
		return nil, fmt.Errorf("copying records to read them: %w", err)
	}
	defer func() {
		if removed := os.RemoveAll(temporary); removed != nil && err == nil {
			err = errors.Join(removed, g.db.Close())
		}
	}()
	if err := copyDatabase(dir, temporary); err != nil {
		return nil, fmt.Errorf("copying records to read them: %w", err)
	}
	log := slog.New(slog.DiscardHandler)
	db, err := openDatabase(temporary, log) // which makes tables of logs: a Badger for reading takes none
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, fmt.Errorf("copying records to read them: %w", err)
	}
	if db, err = openForReading(temporary, log); err != nil {
		return nil, err
	}
	return &generation{dir: temporary, db: db}, nil
}

// copyDatabase copies what Badger writes to, and links its tables, which it
// only makes and removes.
func copyDatabase(from, to string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if strings.HasSuffix(e.Name(), ".sst") {
			err = os.Symlink(source, target)
		} else {
			err = copyFile(source, target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // it was only read
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// shareDir keeps stores from being opened in dir until release; they wait. Where
// no process ever opened one there is nothing to keep them from.
func shareDir(dir string) (release func(), err error) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening lock file: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, lockedBy(file, dir)
	}
	if err != nil {
		_ = file.Close() // it was only read
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return func() { _ = file.Close() }, nil // the lock goes with it
}
