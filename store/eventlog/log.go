// Package eventlog is an append-only log of events in segments.
package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// What the log answers, to be told apart with errors.Is.
var (
	// ErrTooLarge says that an event is over MaxEvent.
	ErrTooLarge = errors.New("event too large")
	// ErrCorrupt says that a segment has bytes that are no events.
	ErrCorrupt = errors.New("event log is corrupt")
	// ErrFailed says that earlier events could not be made durable, so that
	// nothing is appended until the log is reopened.
	ErrFailed = errors.New("event log failed to write and must be reopened")
	// ErrClosed says that the log is closed.
	ErrClosed = errors.New("event log is closed")
)

// A Seq orders events. The first is 1; numbers may be left out.
type Seq uint64

// An Event is what was appended, with its place and time.
type Event struct {
	Seq  Seq
	Time time.Time
	Data []byte
}

// A Sequence hands out numbers, also to others than the log. The numbers from
// first on, n of them, are under way until end is called.
type Sequence interface {
	Begin(n int) (first Seq, end func(), err error)
}

// Limits bounds the log. A segment is closed when it would exceed SegmentBytes
// or is older than SegmentAge; the oldest are deleted while all are larger than
// RetainBytes, or hold only events older than RetainAge. Zero values are the
// defaults: 64 MiB, 24 hours, 1 GiB, 90 days.
type Limits struct {
	SegmentBytes, RetainBytes int64
	SegmentAge, RetainAge     time.Duration
}

// Complete fills in the defaults.
func (l Limits) Complete() Limits {
	const day = 24 * time.Hour
	orDefault(&l.SegmentBytes, 64<<20)
	orDefault(&l.RetainBytes, 1<<30)
	orDefault(&l.SegmentAge, day)
	orDefault(&l.RetainAge, 90*day)
	return l
}

func orDefault[T int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Config says where a log is and how it promises. All but Limits, Sync and Check
// are required.
type Config struct {
	Dir      string
	Limits   Limits
	Sync     bool         // Append waits for the disk
	Check    func() error // asked before each write, whose error it is
	Sequence Sequence
	Log      *slog.Logger
	Now      func() time.Time
}

// A Log is an open log. It may be used by many goroutines at once.
type Log struct {
	config Config
	cancel context.CancelFunc
	done   chan struct{}
	dirty  chan struct{} // has a value if something is not synced

	mu       sync.Mutex
	batch    *batch    // being gathered
	spare    []byte    // for the frames of the next one
	segments []segment // in order; the last may be the active one
	err      error     // why nothing can be appended any more
	written  Seq       // the last event that is in the log
	synced   Seq       // the last event that is durable

	writing sync.Mutex // held by the one that writes the active segment
	active  *os.File   // changed with both mutexes below and above held

	syncing sync.Mutex // held while active is synced, and while it is replaced
}

// syncDelay is how long an event waits for others to share its sync, in the
// background: with the sync itself, under the 100 ms that are promised.
const syncDelay = 50 * time.Millisecond

// Open opens the log in dir or makes one. A frame that a crash cut short is
// moved, with all behind it, to a file that ends in ".torn".
func Open(c Config) (*Log, error) {
	c.Limits = c.Limits.Complete()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making log directory: %w", err)
	}
	if err := syncDir(filepath.Dir(c.Dir)); err != nil {
		return nil, fmt.Errorf("making log directory: %w", err)
	}
	segments, err := recoverSegments(c.Dir, func(path string, at int64) error { return setAside(path, at, c.Log) })
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{
		config:   c,
		cancel:   cancel,
		done:     make(chan struct{}),
		dirty:    make(chan struct{}, 1),
		segments: segments,
	}
	go func() {
		defer close(l.done)
		l.run(ctx)
	}()
	return l, nil
}

// OpenReadOnly lists the events that are in the log in dir now; there need be
// none. It changes nothing, takes no events (ErrClosed) and need not be closed.
// Another process may open the log meanwhile.
func OpenReadOnly(dir string) (*Log, error) {
	segments, err := recoverSegments(dir, func(string, int64) error { return nil })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l := &Log{cancel: func() {}, done: make(chan struct{}), segments: segments, err: ErrClosed}
	close(l.done)
	return l, nil
}

// run syncs what Append left unsynced, until ctx ends.
func (l *Log) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.dirty:
		}
		select {
		case <-ctx.Done():
			return // Close syncs
		case <-time.After(syncDelay):
		}
		if err := l.sync(); err != nil {
			l.fail(err)
		}
	}
}

// Close syncs and closes the log. Appends that come later answer ErrClosed.
func (l *Log) Close() error {
	l.cancel()
	<-l.done
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	failed := l.err
	l.err = ErrClosed
	l.mu.Unlock()
	if errors.Is(failed, ErrClosed) {
		return ErrClosed
	}
	return errors.Join(failed, l.seal())
}

// sync makes what is written durable.
func (l *Log) sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.active == nil {
		return nil
	}
	l.mu.Lock()
	upTo := l.written
	l.mu.Unlock()
	if err := syncData(l.active); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced = max(l.synced, upTo)
	return nil
}

// Durable is the number of the last event that a power cut would leave.
func (l *Log) Durable() Seq {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced
}

// fail refuses all further appends.
func (l *Log) fail(err error) {
	l.config.Log.Error("events could not be made durable; no more are taken until the log is reopened", "err", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = fmt.Errorf("%w: %w", ErrFailed, err)
	}
}
