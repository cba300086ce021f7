package store

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A dirSync makes the names of new files durable. Badger syncs what it writes
// into a new log, but not the directory that the log was made in.
type dirSync struct {
	dir string

	mu     sync.Mutex
	synced unix.Timespec // the directory's change time when it was last synced
}

// settled is how long, in nanoseconds, a directory must be unchanged before
// its change time is trusted to tell two changes apart.
const settled = 1e9

// run syncs the directory if files came or went since it last did.
func (d *dirSync) run() error {
	var st unix.Stat_t
	if err := unix.Stat(d.dir, &st); err != nil {
		return fmt.Errorf("reading directory of records: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if st.Mtim == d.synced {
		return nil
	}
	if err := syncDir(d.dir); err != nil {
		return err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return fmt.Errorf("reading clock: %w", err)
	}
	if now.Nano()-st.Mtim.Nano() > settled {
		d.synced = st.Mtim
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
