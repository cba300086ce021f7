package store

import (
	"errors"
	"fmt"
	"os"
	"time"

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

// direct tells whether the path is no symbolic link: what another directory
// names is not seen in its own.
func (l location) direct() bool {
	var now unix.Stat_t
	return unix.Lstat(l.path, &now) == nil && now.Mode&unix.S_IFMT != unix.S_IFLNK
}

// InPlace answers ErrGone if the directory, or one that the store keeps in it,
// was removed or replaced since Open. What is written then nobody finds again,
// so nothing is written; reads go on.
func (s *Store) InPlace() error {
	g := s.use()
	defer g.users.Done()
	now := s.sighted(g)
	if last := s.sight.Load(); last != nil && now.confirms(last) {
		return nil
	}
	direct := true
	for _, l := range [...]*location{&s.lock.location, &g.location, &s.events} {
		if err := l.check(); err != nil {
			return err
		}
		direct = direct && now.settled() && l.direct()
	}
	if direct {
		seen := now
		s.sight.Store(&seen)
	}
	return nil
}

// A sight is what the two directories looked like that name all that InPlace
// looks for: that of the store, which names lock and events, and that of the
// records, which names generations. While neither has changed since everything
// was in place, everything still is.
type sight struct {
	at           time.Time // by the clock of the machine, which writes the times of files
	generation   *generation
	dir, records unix.Stat_t
}

// sightFor is how long a sight spares the looks at each path: something may be
// mounted over a path, which changes no directory.
const sightFor = time.Second

// settling is how old the last change of a directory has to be for the next to
// have another time: as coarse as the times of file systems are.
const settling = 3 * time.Second

// sighted looks at both directories; the zero sight says that one cannot be seen.
func (s *Store) sighted(g *generation) sight {
	now := sight{at: time.Now(), generation: g}
	if unix.Fstat(int(s.dir.file.Fd()), &now.dir) == nil && unix.Stat(s.records, &now.records) == nil {
		return now
	}
	return sight{}
}

// confirms tells whether all is as it was when last was seen.
func (now *sight) confirms(last *sight) bool {
	return now.generation == last.generation && now.at.Sub(last.at) < sightFor && unchanged(&now.dir, &last.dir) && unchanged(&now.records, &last.records)
}

func unchanged(a, b *unix.Stat_t) bool {
	return a.Ino == b.Ino && a.Dev == b.Dev && a.Ctim == b.Ctim
}

// settled tells whether any later change of the directories will show.
func (now *sight) settled() bool {
	if now.generation == nil {
		return false
	}
	for _, d := range [...]*unix.Stat_t{&now.dir, &now.records} {
		if now.at.Sub(time.Unix(d.Ctim.Unix())) < settling {
			return false
		}
	}
	return true
}
