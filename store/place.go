package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A place is a path with the file that it named when it was opened. The file
// stays open: as long as it is, no other gets its inode number.
type place struct {
	path string
	file *os.File
	dev  uint64
	ino  uint64
}

// placeOf takes the file, which the caller opened by the path and closes.
func placeOf(path string, file *os.File) (place, error) {
	var now unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &now); err != nil {
		return place{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return place{path: path, file: file, dev: uint64(now.Dev), ino: now.Ino}, nil
}

// openPlace opens what the path names. The caller closes it.
func openPlace(path string) (place, error) {
	file, err := os.Open(path)
	if err != nil {
		return place{}, fmt.Errorf("opening directory: %w", err)
	}
	p, err := placeOf(path, file)
	if err != nil {
		return place{}, errors.Join(err, file.Close())
	}
	return p, nil
}

// check answers ErrGone if the path names nothing any more, or another file.
func (p place) check() error {
	var now unix.Stat_t
	err := unix.Stat(p.path, &now)
	switch {
	case errors.Is(err, unix.EINTR):
		return p.check()
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: %s is missing", ErrGone, p.path)
	case err != nil:
		return fmt.Errorf("reading %s: %w", p.path, err)
	case uint64(now.Dev) != p.dev || now.Ino != p.ino:
		return fmt.Errorf("%w: %s is not the one that was opened", ErrGone, p.path)
	}
	return nil
}

// InPlace answers ErrGone if the directory, or one that the store keeps in it,
// was removed or replaced since Open. What is written then nobody finds again,
// so nothing is written; reads go on.
func (s *Store) InPlace() error {
	g, done := s.use()
	defer done()
	for _, p := range []place{s.lock.place, g.place, s.events} {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}
