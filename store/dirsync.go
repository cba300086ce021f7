package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A dirSync makes the names of new files durable. Badger syncs what it writes
// into a new log, but not the directory that the log was made in.
type dirSync struct {
	dir *os.File // open all the time, so that it takes no file handle when there may be none

	mu     sync.Mutex
	synced time.Time // the directory's change time when it was last synced
}

// settled is how long a directory must be unchanged before its change time is
// trusted: two changes within a tick of the file system's clock show the same.
const settled = time.Second

// run syncs the directory if files came or went since it last did.
func (d *dirSync) run() error {
	info, err := d.dir.Stat()
	if err != nil {
		return fmt.Errorf("reading directory of records: %w", err)
	}
	changed := info.ModTime()
	d.mu.Lock()
	defer d.mu.Unlock()
	if changed.Equal(d.synced) {
		return nil
	}
	if err := d.dir.Sync(); err != nil {
		return fmt.Errorf("syncing directory of records: %w", err)
	}
	if age := time.Since(changed); age > settled {
		d.synced = changed
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening directory: %w", err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("syncing directory: %w", err)
	}
	return nil
}

// makeDir makes a directory, durably.
func makeDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("making directory: %w", err)
	}
	return syncDir(filepath.Dir(path))
}
