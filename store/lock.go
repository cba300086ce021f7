package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const lockName = "lock"

// How long those that share the lock are waited for, and how often it is tried.
const (
	sharedLimit = 10 * time.Second
	sharedPause = 20 * time.Millisecond
)

// A dirLock keeps other processes out of a directory. The kernel drops it with
// the process, however that ends.
type dirLock struct{ location }

// lockDir takes the lock file of dir, or answers ErrLocked with the id of the
// process that has it.
func lockDir(dir string) (*dirLock, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock file: %w", err)
	}
	err = lockAlone(file)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, lockedBy(file, dir)
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

// lockAlone takes the lock, or answers EWOULDBLOCK if another process has it. It
// waits for those that read an Archive, which share it for a moment.
func lockAlone(file *os.File) error {
	fd := int(file.Fd())
	for limit := time.Now().Add(sharedLimit); ; time.Sleep(sharedPause) {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(limit) {
			return err
		}
		if err := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); err != nil {
			return err
		}
		if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
			return err
		}
	}
}

// lockedBy is ErrLocked with the process that has the directory. It closes the
// lock file.
func lockedBy(file *os.File, dir string) error {
	owner, _ := io.ReadAll(io.LimitReader(file, 20)) // only for the sentence
	_ = file.Close()                                 // nothing was written
	return fmt.Errorf("%w: process %s has the directory %s open; stop that process or use another directory",
		ErrLocked, orUnknown(strings.TrimSpace(string(owner))), dir)
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
