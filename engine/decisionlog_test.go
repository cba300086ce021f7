package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decisionlog"
)

// A sink counts writes, and fails while it is told to.
type sink struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	err    error
	room   int // how much of a write is taken before err
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.err != nil {
		n := min(s.room, len(b))
		s.room -= n
		s.text.Write(b[:n])
		return n, s.err
	}
	return s.text.Write(b)
}

func TestLinesOfTheDecisionLogAreGatheredAndNoneIsLost(t *testing.T) {
	out := new(sink)
	l := newDecisionLog(Config{DecisionLog: out, Log: slog.New(slog.DiscardHandler)})
	one := loggedCall{call: decisionlog.Call{RequestID: "r"}, decisions: make([]decided, 2)}
	l.add(one)
	assert.Equal(t, 1, out.writes, "none gathers them, so they are written at once")

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run(ctx)
	}()
	require.Eventually(t, l.running.Load, 10*time.Second, time.Millisecond)
	const calls = maxWaiting + 100
	var all sync.WaitGroup
	for range calls {
		all.Go(func() { l.add(one) })
	}
	all.Wait()
	stop()
	<-ended
	l.flush(nil)
	assert.Equal(t, 2*(calls+1), strings.Count(out.text.String(), "\n"))
	assert.Less(t, out.writes, calls)
}

func TestADecisionLogThatCannotBeWrittenIsToldOnce(t *testing.T) {
	var told bytes.Buffer
	out := &sink{err: errors.New("full")}
	l := newDecisionLog(Config{DecisionLog: out, Log: slog.New(slog.NewTextHandler(&told, nil))})
	refuse := func() { l.refused(decisionlog.Call{}, decisionlog.Refusal{}) }
	refuse()
	refuse()
	assert.Equal(t, 1, strings.Count(told.String(), "lines are lost"))
	out.err = nil
	refuse()
	out.err = errors.New("full again")
	refuse()
	assert.Equal(t, 2, strings.Count(told.String(), "lines are lost"))
}

func TestATornLineStandsAlone(t *testing.T) {
	out := &sink{err: errors.New("full"), room: 3}
	l := newDecisionLog(Config{DecisionLog: out, Log: slog.New(slog.DiscardHandler)})
	l.write([]byte("{\"one\"}\n"))
	l.write([]byte("{\"two\"}\n"))
	out.err = nil
	l.write([]byte("{\"three\"}\n"))
	l.write([]byte("{\"four\"}\n"))
	assert.Equal(t, "{\"o\n{\"three\"}\n{\"four\"}\n", out.text.String())
}
