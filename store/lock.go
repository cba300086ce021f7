package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A dirLock keeps other processes out of a directory. The kernel drops it with
// the process, however that ends.
type dirLock struct{ location }

// lockDir takes the lock file of dir, or answers ErrLocked with the id of the
// process that has it.
func lockDir(dir string) (*dirLock, error) {
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock file: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		owner, _ := io.ReadAll(io.LimitReader(file, 20)) // only for the sentence
		_ = file.Close()                                 // nothing was written
		return nil, fmt.Errorf("%w: process %s has the directory %s open; stop that process or use another directory",
			ErrLocked, orUnknown(strings.TrimSpace(string(owner))), dir)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if err := writePID(file); err != nil {
		_ = file.Close() // the lock goes with it
		return nil, err
	}
	at, err := locationOf(path, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &dirLock{at}, nil
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("writing lock file: %w", err)
	}
	if _, err := file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("writing lock file: %w", err)
	}
	return nil
}

func orUnknown(pid string) string {
	if pid == "" {
		return "(unknown)"
	}
	return pid
}

func (l *dirLock) release() error { return l.file.Close() }
