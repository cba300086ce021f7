package world

import (
	"errors"
	"time"

	"github.com/keyreeve/keyreeve/rego/follow"
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
type Watcher struct{ *follow.Follower[*World] }

// NewWatcher loads the world.
func NewWatcher(cfg WatcherConfig) (*Watcher, error) {
	if cfg.Path == "" {
		return nil, errors.New("world.WatcherConfig needs Path")
	}
	if cfg.Every <= 0 {
		cfg.Every = 2 * time.Second
	}
	followed, err := follow.New(follow.Config[*World]{
		Read: cfg.read, Every: cfg.Every, Changed: cfg.Changed, Refused: cfg.refuse, Restored: cfg.Restored,
	})
	if err != nil {
		return nil, err
	}
	return &Watcher{followed}, nil
}

// World is the world of now. A request takes it once.
func (w *Watcher) World() *World { return w.Value() }

func (cfg WatcherConfig) read() (string, func() (*World, error)) {
	src, err := readSource(cfg.Path)
	if err != nil {
		return "unreadable: " + err.Error(), func() (*World, error) { return nil, err }
	}
	return src.digest(), func() (*World, error) { return newLoader(src).load(cfg.IDs) }
}

func (cfg WatcherConfig) refuse(err error) {
	if cfg.Refused == nil {
		return
	}
	var problems Problems
	if !errors.As(err, &problems) {
		cfg.Refused(err)
	}
	for _, p := range problems.In(cfg.Path) {
		cfg.Refused(p)
	}
}
