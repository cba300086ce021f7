package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Badger writes through memory maps of sparse files: a page that the disk has
// no room for is not an error there but a signal that ends the process; and
// without a file handle for its next log it ends the process as well. So
// nothing is begun without room for all that it can set off.

// DefaultMinFree is the free space, in bytes, without which no record is
// changed. It is twice what the logs of the memtables and their flush can take.
const DefaultMinFree = 64 << 20

// spareFiles is how many more files Badger may open because of one change.
const spareFiles = 8

// checkRoom answers ErrFull if less than minFree bytes are free for dir, or if
// the process cannot open so many more files.
func checkRoom(dir *os.File, minFree int64, files int) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &fs); err != nil {
		return fmt.Errorf("asking for free space: %w", err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < uint64(minFree) {
		return fmt.Errorf("%w: %d MiB free, %d needed", ErrFull, free>>20, minFree>>20)
	}
	var spare []int
	defer func() {
		for _, fd := range spare {
			_ = unix.Close(fd) // nothing was written to it
		}
	}()
	for range files {
		fd, err := unix.FcntlInt(dir.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if errors.Is(err, unix.EMFILE) {
			return fmt.Errorf("%w: %d more files cannot be opened", ErrFull, files)
		}
		if err != nil {
			return fmt.Errorf("asking for file handles: %w", err)
		}
		spare = append(spare, fd)
	}
	return nil
}
