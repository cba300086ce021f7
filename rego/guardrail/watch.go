package guardrail

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// WatcherConfig says what to watch.
type WatcherConfig struct {
	Dir string // required, as in LoadDir

	// Every is the time between two looks; zero means one second.
	Every time.Duration

	// Changed is called after other guardrails have taken the place of the old
	// ones. Refused is called when a new version is not accepted, once for
	// each thing that is wrong with it. Restored is called when what was
	// refused was undone. All are called by Run, one at a time, and may be nil.
	Changed  func(*Set)
	Refused  func(error)
	Restored func(*Set)
}

// A Watcher keeps the guardrails of a directory up to date while Run runs. A
// version that is wrong changes nothing. Set is safe for concurrent use.
type Watcher struct {
	config  WatcherConfig
	current atomic.Pointer[Set]

	// The fields below belong to Run.
	served  string // content of the files that current was read from
	seen    string // content at the last look
	refused string // content that was not accepted
}

// NewWatcher loads the guardrails.
func NewWatcher(c WatcherConfig) (*Watcher, error) {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	w := &Watcher{config: c}
	w.served = content(c.Dir)
	first, err := LoadDir(c.Dir)
	if err != nil {
		return nil, err
	}
	w.current.Store(first)
	return w, nil
}

// Set is the guardrails of now; never nil.
func (w *Watcher) Set() *Set { return w.current.Load() }

// Run looks for changes until ctx ends, and then returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.config.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.look()
		}
	}
}

// look takes up a change when two looks in a row saw the same content, so that
// files that are written one after the other are not read half way.
func (w *Watcher) look() {
	now := content(w.config.Dir)
	settled := now == w.seen
	w.seen = now
	switch {
	case now == w.served:
		if w.refused != "" && w.config.Restored != nil {
			w.config.Restored(w.Set())
		}
		w.refused = ""
	case settled && now != w.refused:
		w.replace(now)
	}
}

// replace loads what was seen. Files that change meanwhile are seen anew by
// the next look.
func (w *Watcher) replace(now string) {
	next, err := LoadDir(w.config.Dir)
	switch {
	case content(w.config.Dir) != now:
		return
	case err != nil:
		w.refused = now
		w.refuse(err)
		return
	}
	w.served, w.refused = now, ""
	w.current.Store(next)
	if w.config.Changed != nil {
		w.config.Changed(next)
	}
}

func (w *Watcher) refuse(err error) {
	if w.config.Refused == nil {
		return
	}
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		w.config.Refused(err)
	}
	for _, f := range faults {
		w.config.Refused(f)
	}
}

// content identifies what is in the files that LoadDir reads, or says why they
// cannot be read.
func content(dir string) string {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !counts(entry.Name()) {
			return err
		}
		text, err := os.ReadFile(path)
		var lengths [16]byte
		binary.BigEndian.PutUint64(lengths[:], uint64(len(path)))
		binary.BigEndian.PutUint64(lengths[8:], uint64(len(text)))
		for _, part := range [][]byte{lengths[:], []byte(path), text} {
			_, _ = sum.Write(part) // a hash does not fail
		}
		return err
	})
	if err != nil {
		return fmt.Sprintf("unreadable: %v", err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// counts tells whether a file of this name is read.
func counts(name string) bool {
	if strings.HasSuffix(name, "_test.rego") {
		return false
	}
	return slices.Contains([]string{".rego", ".json", ".yaml", ".yml", ".manifest"}, filepath.Ext(name))
}
