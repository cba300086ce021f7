package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/keyreeve/keyreeve/engine/feed"
	"github.com/keyreeve/keyreeve/store"
)

// Events calls f with the audit events of a data directory, the oldest first,
// until f fails. While another process has the directory open they come from
// there, else from the store. Errors: ErrAbsent; store.ErrLocked, if that
// process gives out none.
func Events(ctx context.Context, dir string, f func(feed.Record) error) error {
	asked := feed.Ask(ctx, dir, 0, f)
	if !errors.Is(asked, feed.ErrNobody) {
		return asked
	}
	root, err := openRootKey(Config{Dir: dir})
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, storeDir)); errors.Is(err, fs.ErrNotExist) {
		return nil // never served
	}
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, storeDir), Root: root, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w: %w", err, asked)
	}
	if err != nil {
		return err
	}
	return errors.Join(feed.Read(s, 0, f), s.Close())
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
