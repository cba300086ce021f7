package lsp

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// A desk says that documents must be looked at again, and stops who is looking
// at older ones.
type desk struct {
	changed chan struct{} // holds at most one: there is something to do

	mu   sync.Mutex
	stop context.CancelFunc // of what is being done; nil: nothing is
}

func newDesk() *desk { return &desk{changed: make(chan struct{}, 1)} }

// hurry asks for a look at all that is open.
func (k *desk) hurry() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stop != nil {
		k.stop()
	}
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// begin is the context of a look, which ends with the next hurry.
func (k *desk) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stop = cancel
	return ctx, cancel
}

// rest waits until nothing has changed for a time. It is false if ctx ends.
func (k *desk) rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-k.changed:
			timer.Reset(pause)
		case <-timer.C:
			return true
		}
	}
}

// diagnoseAll looks at documents when they change, until ctx ends.
func (s *server) diagnoseAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.work.changed:
		}
		if !s.work.rest(ctx, s.cfg.Pause) {
			return
		}
		looking, done := s.work.begin(ctx)
		s.mu.Lock()
		v := s.viewLocked()
		s.mu.Unlock()
		s.look(looking, v)
		done()
	}
}

// look diagnoses all documents of a view. What makes it panic is told in the
// log, and the next change is looked at as ever.
func (s *server) look(ctx context.Context, v *view) {
	defer func() {
		if p := recover(); p != nil {
			s.log(fmt.Sprintf("looking at documents failed: %v\n%s", p, debug.Stack()))
		}
	}()
	v.diagnose(ctx)
}
