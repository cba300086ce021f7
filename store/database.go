package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// Sizes in bytes: of what is written until it becomes a table, and of the
// tables that packing makes, which Badger derives from that of its base level.
const (
	memTableSize    = 4 << 20
	packedTableSize = baseTableSize << 5
	baseTableSize   = 512 << 10
)

// openDatabase opens the Badger in dir, or makes one. README.md says why the
// options are what they are.
func openDatabase(dir string, log *slog.Logger) (*badger.DB, error) {
	if err := removeEmpty(dir); err != nil {
		return nil, err
	}
	tables, err := filesIn(dir, ".sst")
	if err != nil {
		return nil, err
	}
	db, err := badger.Open(databaseOptions(dir, log))
	if err != nil {
		return nil, fmt.Errorf("opening records: %w", err)
	}
	if err := checkTables(db, tables); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.VerifyChecksum(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrCorrupt, err), db.Close())
	}
	return db, nil
}

// openForReading opens a Badger that was closed, so that it writes nothing.
func openForReading(dir string, log *slog.Logger) (*badger.DB, error) {
	db, err := badger.Open(databaseOptions(dir, log).WithReadOnly(true).WithBypassLockGuard(true))
	if err != nil {
		return nil, fmt.Errorf("opening records: %w", err)
	}
	return db, nil
}

func databaseOptions(dir string, log *slog.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		WithSyncWrites(true).
		WithLogger(badgerLog{log}).
		WithMetricsEnabled(false).
		WithMemTableSize(memTableSize).
		WithNumMemtables(2).
		WithBaseTableSize(baseTableSize).
		WithValueThreshold(maxValue + 1).
		WithValueLogFileSize(1 << 20).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithNumCompactors(0).
		WithNumLevelZeroTablesStall(math.MaxInt).
		WithNumGoroutines(2)
}

// checkTables tells whether the tables that were there are all in use: Badger
// may open without one that is damaged. The tables that it removed were not
// finished when a process ended.
func checkTables(db *badger.DB, files []fs.FileInfo) error {
	used := map[string]bool{}
	for _, t := range db.Tables() {
		used[table.IDToFilename(t.ID)] = true
	}
	for _, f := range files {
		if used[f.Name()] {
			continue
		}
		if _, err := os.Stat(filepath.Join(db.Opts().Dir, f.Name())); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: table %s is damaged", ErrCorrupt, f.Name())
		}
	}
	return nil
}

// removeEmpty removes the empty logs that a process killed between two system
// calls of Badger leaves, and that Badger then refuses to open. They never
// held an entry.
func removeEmpty(dir string) error {
	for _, suffix := range []string{".mem", ".vlog"} {
		files, err := filesIn(dir, suffix)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Size() > 0 {
				continue
			}
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return fmt.Errorf("removing empty log: %w", err)
			}
		}
	}
	return nil
}

// filesIn lists the files of a directory whose names end in suffix.
func filesIn(dir, suffix string) ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing records: %w", err)
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("listing records: %w", err)
		}
		files = append(files, info)
	}
	return files, nil
}

// badgerLog is Badger's log on slog: its progress reports are for debugging.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any)   { l.log.Error(l.text(format, args)) }
func (l badgerLog) Warningf(format string, args ...any) { l.log.Warn(l.text(format, args)) }
func (l badgerLog) Infof(format string, args ...any)    { l.log.Debug(l.text(format, args)) }
func (l badgerLog) Debugf(string, ...any)               {} // names keys of records

func (badgerLog) text(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
