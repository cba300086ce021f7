package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A location is a path with the file that it named when it was opened. The file
// stays open: as long as it is, no other gets its inode number.
type location struct {
	path string
	file *os.File
	info unix.Stat_t
}

// locationOf takes the file, which the caller opened by the path and closes.
func locationOf(path string, file *os.File) (location, error) {
	l := location{path: path, file: file}
	if err := unix.Fstat(int(file.Fd()), &l.info); err != nil {
		return location{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return l, nil
}

// openLocation opens what the path names. The caller closes it.
func openLocation(path string) (location, error) {
	file, err := os.Open(path)
	if err != nil {
		return location{}, fmt.Errorf("opening directory: %w", err)
	}
	l, err := locationOf(path, file)
	if err != nil {
		return location{}, errors.Join(err, file.Close())
	}
	return l, nil
}

// check answers ErrGone if the path names nothing any more, or another file.
func (l location) check() error {
	var now unix.Stat_t
	err := unix.Stat(l.path, &now)
	switch {
	case errors.Is(err, unix.EINTR):
		return l.check()
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: %s is missing", ErrGone, l.path)
	case err != nil:
		return fmt.Errorf("reading %s: %w", l.path, err)
	case now.Dev != l.info.Dev || now.Ino != l.info.Ino:
		return fmt.Errorf("%w: %s is not the one that was opened", ErrGone, l.path)
	}
	return nil
}

// InPlace answers ErrGone if the directory, or one that the store keeps in it,
// was removed or replaced since Open. What is written then nobody finds again,
// so nothing is written; reads go on.
func (s *Store) InPlace() error {
	g := s.use()
	defer g.users.Done()
	for _, l := range [...]*location{&s.lock.location, &g.location, &s.events} {
		if err := l.check(); err != nil {
			return err
		}
	}
	return nil
}
