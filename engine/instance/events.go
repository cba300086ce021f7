package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/keyreeve/keyreeve/engine/feed"
	"github.com/keyreeve/keyreeve/store"
)

// Events calls f with the audit events of a data directory, the oldest first,
// until f fails. While another process has the directory open they come from
// there, else they are read from its files, and nothing is written. Errors:
// ErrAbsent; ErrOwner; store.ErrLocked, if that process gives out none.
func Events(ctx context.Context, dir string, f func(feed.Record) error) error {
	after, asked := feed.Ask(ctx, dir, 0, f)
	if !errors.Is(asked, feed.ErrNobody) {
		return asked
	}
	if err := checkOwner(dir, os.Geteuid()); err != nil {
		return err
	}
	root, err := openRootKey(Config{Dir: dir})
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, storeDir)); errors.Is(err, fs.ErrNotExist) {
		return nil // never served
	}
	archive, err := store.OpenArchive(filepath.Join(dir, storeDir), root)
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w: %w", err, asked)
	}
	if err != nil {
		return err
	}
	defer archive.Close()
	return feed.Read(archive, after, f)
}

// ErrOwner says that a data directory belongs to another user.
var ErrOwner = errors.New("belongs to another user")

// checkOwner answers ErrOwner unless the store in a data directory, or the
// directory itself if nothing in it can be seen, is a user's: no other, not even
// root, has to do with its files.
func checkOwner(dir string, uid int) error {
	for _, path := range []string{filepath.Join(dir, storeDir), dir} {
		var info unix.Stat_t
		if unix.Stat(path, &info) != nil {
			continue
		}
		if int(info.Uid) == uid {
			return nil
		}
		owner := strconv.Itoa(int(info.Uid))
		if u, err := user.LookupId(owner); err == nil {
			return fmt.Errorf("%s %w, %s: run this as that user, with sudo -u %s", dir, ErrOwner, u.Username, u.Username)
		}
		return fmt.Errorf("%s %w, %s: run this as that user, with sudo -u '#%s'", dir, ErrOwner, owner, owner)
	}
	return nil // what is wrong with it shows when it is opened
}

// giveOut makes the socket at which other processes read the events. Without
// it the service goes on, and they are read when it has ended.
func (i *Instance) giveOut() {
	var err error
	if i.events, err = feed.Listen(i.config.Dir, i.Store, i.config.Log); err != nil {
		i.config.Log.Warn("no other process can read the audit events while this one runs", "err", err)
	}
}

// runEvents answers at the socket until ctx ends.
func (i *Instance) runEvents(ctx context.Context) error {
	if i.events == nil {
		return nil
	}
	return i.events.Run(ctx)
}

func (i *Instance) closeEvents() error {
	if i.events == nil {
		return nil
	}
	return i.events.Close()
}
