package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// openDatabase opens the Badger in dir, or makes one. README.md says why the
// options are what they are.
func openDatabase(dir string, log *slog.Logger) (*badger.DB, error) {
	if err := removeEmpty(dir); err != nil {
		return nil, err
	}
	opts := badger.DefaultOptions(dir).
		WithSyncWrites(true).
		WithLogger(badgerLog{log}).
		WithMetricsEnabled(false).
		WithMemTableSize(4 << 20).
		WithNumMemtables(2).
		WithValueThreshold(maxValue + 1).
		WithValueLogFileSize(1 << 20).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithChecksumVerificationMode(options.OnTableRead).
		WithNumCompactors(2).
		WithNumGoroutines(2)
	db, err := badger.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("opening records: %w", err)
	}
	return db, nil
}

// removeEmpty removes the empty logs that a process killed between two system
// calls of Badger leaves, and that Badger then refuses to open. They never
// held an entry.
func removeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading directory of records: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".mem") && !strings.HasSuffix(e.Name(), ".vlog") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("reading directory of records: %w", err)
		}
		if info.Size() > 0 {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("removing empty log: %w", err)
		}
	}
	return nil
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
