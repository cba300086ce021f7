package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Badger writes through memory maps of sparse files: a page that the disk has
// no room for is not an error there but a signal that ends the process. So
// nothing is begun without room for all that it can set off: the log of the
// memtables, their flush, and the compactions that follow.

// DefaultMinFree is the free space, in bytes, below which nothing is written
// to the records.
const DefaultMinFree = 64 << 20

// checkSpace answers ErrFull if less than minFree bytes are free for dir.
func checkSpace(dir string, minFree int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("asking for free space: %w", err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < uint64(minFree) {
		return fmt.Errorf("%w: %d MiB free, %d needed", ErrFull, free>>20, minFree>>20)
	}
	return nil
}
