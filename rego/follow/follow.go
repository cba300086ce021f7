// Package follow keeps what was read from files up to date while they change.
package follow

import (
	"context"
	"sync/atomic"
	"time"
)

// Config says what to follow.
type Config[T any] struct {
	// Read looks at the files: version names their content, or says why it
	// cannot be read, and load makes a value of it. Required.
	Read func() (version string, load func() (T, error))

	// Every is the time between two looks; required.
	Every time.Duration

	// Changed is called after a new value has taken the place of the old one.
	// Refused is called once when a new version is wrong. Restored is called
	// when what was refused was undone. All are called by Run, one at a time,
	// and may be nil.
	Changed  func(old, new T)
	Refused  func(error)
	Restored func(T)
}

// A Follower holds the newest version of a value that could be read. A version
// that is wrong changes nothing. Value is safe for concurrent use.
type Follower[T any] struct {
	config  Config[T]
	current atomic.Pointer[T]

	// The fields below belong to Run.
	served  string // version of current
	seen    string // version at the last look
	refused string // version that was not accepted
}

// New reads the first version; its errors are those of Read's load.
func New[T any](c Config[T]) (*Follower[T], error) {
	version, load := c.Read()
	first, err := load()
	if err != nil {
		return nil, err
	}
	f := &Follower[T]{config: c, served: version}
	f.current.Store(&first)
	return f, nil
}

// Value is the value of now.
func (f *Follower[T]) Value() T { return *f.current.Load() }

// Run looks for changes until ctx ends, and then returns nil.
func (f *Follower[T]) Run(ctx context.Context) error {
	ticker := time.NewTicker(f.config.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f.Look()
		}
	}
}

// Look takes up a change when two looks in a row saw the same version, so that
// files that are written one after the other are not read half way. It is for
// callers that do not Run.
func (f *Follower[T]) Look() {
	now, load := f.config.Read()
	settled := now == f.seen
	f.seen = now
	switch {
	case now == f.served:
		if f.refused != "" && f.config.Restored != nil {
			f.config.Restored(f.Value())
		}
		f.refused = ""
	case settled && now != f.refused:
		f.replace(now, load)
	}
}

// replace loads what was seen. Files that change meanwhile are seen anew by
// the next look.
func (f *Follower[T]) replace(now string, load func() (T, error)) {
	next, err := load()
	if again, _ := f.config.Read(); again != now {
		return
	}
	if err != nil {
		f.refused = now
		if f.config.Refused != nil {
			f.config.Refused(err)
		}
		return
	}
	f.served, f.refused = now, ""
	old := f.current.Swap(&next)
	if f.config.Changed != nil {
		f.config.Changed(*old, next)
	}
}
