package world

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// WatcherConfig says what to watch.
type WatcherConfig struct {
	Path string // required
	IDs  IDs    // as in Load

	// Every is the time between two looks; zero means two seconds.
	Every time.Duration

	// Changed is called after a new world has taken the place of the old one.
	// Refused is called when a new version is wrong, once for each thing that
	// is wrong with it. Restored is called when what was refused was undone:
	// the files are again what is served. All are called by Run, one at a
	// time, and may be nil.
	Changed  func(old, new *World)
	Refused  func(error)
	Restored func(*World)
}

// A Watcher keeps the world of a path up to date while Run runs. A version
// that is wrong changes nothing. World is safe for concurrent use.
type Watcher struct {
	cfg     WatcherConfig
	current atomic.Pointer[World]

	// The fields below belong to Run.
	seen    string // what was there at the last look
	refused string // what was found wrong
}

// NewWatcher loads the world.
func NewWatcher(cfg WatcherConfig) (*Watcher, error) {
	if cfg.Path == "" {
		return nil, errors.New("world.WatcherConfig needs Path")
	}
	if cfg.Every <= 0 {
		cfg.Every = 2 * time.Second
	}
	first, err := Load(cfg.Path, cfg.IDs)
	if err != nil {
		return nil, err
	}
	w := &Watcher{cfg: cfg}
	w.current.Store(first)
	return w, nil
}

// World is the world of now. A request takes it once.
func (w *Watcher) World() *World { return w.current.Load() }

// Run looks for changes until ctx ends, and then returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.cfg.Every)
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
// files that are written one after the other are not read half way. It looks
// at contents: times of files tell too little.
func (w *Watcher) look() {
	src, err := readSource(w.cfg.Path)
	var now string
	if err != nil {
		now = "unreadable: " + err.Error()
	} else {
		now = src.digest()
	}
	settled := now == w.seen
	w.seen = now
	switch {
	case now == w.World().digest:
		if w.refused != "" && w.cfg.Restored != nil {
			w.cfg.Restored(w.World())
		}
		w.refused = ""
	case settled && now != w.refused:
		if err == nil {
			err = w.replace(src)
		}
		if err != nil {
			w.refuse(now, err)
		}
	}
}

func (w *Watcher) replace(src *source) error {
	next, err := newLoader(src).load(w.cfg.IDs)
	if err != nil {
		return err
	}
	w.refused = ""
	old := w.current.Swap(next)
	if w.cfg.Changed != nil {
		w.cfg.Changed(old, next)
	}
	return nil
}

func (w *Watcher) refuse(version string, err error) {
	w.refused = version
	if w.cfg.Refused == nil {
		return
	}
	var problems Problems
	if !errors.As(err, &problems) {
		w.cfg.Refused(err)
	}
	for _, p := range problems.In(w.cfg.Path) {
		w.cfg.Refused(p)
	}
}
