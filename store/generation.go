package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	badger "github.com/dgraph-io/badger/v4"
)

// A generation is one Badger: the records live in the current one until it is
// repacked into the next (repack.go).
//
//	records/current   number of the current generation, decimal
//	records/N/        generation N; others than the current one are garbage
type generation struct {
	location

	number  uint64
	dir     string
	db      *badger.DB
	dirSync dirSync
	records *cache         // by database key; versions mean something only in one Badger
	asked   *cache         // candidates, by what was asked
	answers answers        // of the last snapshot
	users   sync.WaitGroup // transactions; grows only while the generation is current
}

func openGeneration(dir string, number uint64, log *slog.Logger) (*generation, error) {
	g := &generation{number: number, dir: dir, records: newCache(recordCacheBytes), asked: newCache(candidateCacheBytes)}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	var err error
	if g.location, err = openLocation(dir); err != nil {
		return nil, err
	}
	g.dirSync.dir = g.file
	if g.db, err = openDatabase(dir, log); err != nil {
		return nil, errors.Join(err, g.file.Close())
	}
	return g, nil
}

// view runs fn on a snapshot; txn.ReadTs names it.
func (g *generation) view(fn func(kvTx) error) error {
	txn := g.db.NewTransaction(false)
	defer txn.Discard()
	return fn(kvTx{txn: txn})
}

func (g *generation) close() error { return errors.Join(g.db.Close(), g.file.Close()) }

// openCurrent opens the current generation, the first one if there is none,
// and removes what repacking left.
func openCurrent(records string, log *slog.Logger) (*generation, error) {
	if err := makeDir(records); err != nil {
		return nil, err
	}
	number, err := readCurrent(records)
	if err != nil {
		return nil, err
	}
	others, err := os.ReadDir(records)
	if err != nil {
		return nil, fmt.Errorf("listing generations: %w", err)
	}
	if number == 0 {
		if len(others) > 0 {
			return nil, fmt.Errorf("%w: %s has records but does not say which are current", ErrCorrupt, records)
		}
		number = 1
		if err := writeCurrent(records, number); err != nil {
			return nil, err
		}
	}
	own := generationDir(records, number)
	for _, e := range others {
		path := filepath.Join(records, e.Name())
		if path == own || e.Name() == currentName {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return nil, fmt.Errorf("removing old generation: %w", err)
		}
	}
	return openGeneration(own, number, log)
}

const currentName = "current"

func generationDir(records string, number uint64) string {
	return filepath.Join(records, strconv.FormatUint(number, 10))
}

// readCurrent is the number of the current generation, 0 if there is none yet.
func readCurrent(records string) (uint64, error) {
	content, err := os.ReadFile(filepath.Join(records, currentName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading number of generation: %w", err)
	}
	number, err := strconv.ParseUint(strings.TrimSuffix(string(content), "\n"), 10, 64)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("%w: number of generation", ErrCorrupt)
	}
	return number, nil
}

// writeCurrent makes a generation the current one, durably. After an error
// either may be.
func writeCurrent(records string, number uint64) error {
	path := filepath.Join(records, currentName)
	err := writeFile(path+".new", fmt.Appendf(nil, "%d\n", number))
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(records)
	}
	if err != nil {
		return fmt.Errorf("writing number of generation: %w", err)
	}
	return nil
}

func writeFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
