package store

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/store/eventlog"
)

func texts(events []Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, string(e.Data))
	}
	return list
}

func allEvents(t testing.TB, s *Store) []Event {
	t.Helper()
	events, err := s.Events(0, math.MaxInt)
	require.NoError(t, err)
	return events
}

func TestEventsOfBothKindsComeInOrder(t *testing.T) {
	s := open(t, testConfig(t))
	var want []string
	for i := range 5 {
		mutation, call := fmt.Sprint("mutation ", i), fmt.Sprint("call ", i)
		update(t, s, func(tx *Tx) error {
			return errors.Join(tx.AppendEvent([]byte(mutation)), tx.AppendEvent([]byte(mutation+" too")))
		})
		require.NoError(t, s.Append([]byte(call), []byte(call+" too")))
		want = append(want, mutation, mutation+" too", call, call+" too")
	}
	assert.Equal(t, want, texts(allEvents(t, s)))
	var got []string
	after := Seq(0)
	for {
		events, err := s.Events(after, 3)
		require.NoError(t, err)
		if len(events) == 0 {
			break
		}
		got = append(got, texts(events)...)
		after = events[len(events)-1].Seq
	}
	assert.Equal(t, want, got, "by pages of three")
}

func TestEventOfAMutationSharesItsFate(t *testing.T) {
	s := open(t, testConfig(t))
	err := s.Update(func(tx *Tx) error {
		require.NoError(t, tx.AppendEvent([]byte("event")))
		return assert.AnError
	})
	require.ErrorIs(t, err, assert.AnError)
	assert.Empty(t, allEvents(t, s))
}

func TestRepeatedMutationHasOneEvent(t *testing.T) {
	s := withGrants(t)
	errs := together(8, func(i int) error {
		return s.Update(func(tx *Tx) error {
			k, err := tx.Key(addr("k"))
			if err != nil {
				return err
			}
			k.PendingWindowDays++
			return errors.Join(tx.PutKey(k), tx.AppendEvent([]byte{byte(i)}))
		})
	})
	require.NoError(t, errors.Join(errs...))
	assert.Len(t, allEvents(t, s), 8)
}

func TestNumbersAreNeverGivenTwice(t *testing.T) {
	c := testConfig(t)
	var last Seq
	for range 3 {
		s, err := Open(c)
		require.NoError(t, err)
		require.NoError(t, s.Append([]byte("a")))
		update(t, s, func(tx *Tx) error { return tx.AppendEvent([]byte("b")) })
		events, err := s.Events(last, 10)
		require.NoError(t, err)
		require.Len(t, events, 2)
		last = events[1].Seq
		require.NoError(t, s.Close())
	}
	assert.Greater(t, last, Seq(2*sequenceBlock))
}

func TestNumbersGoOnPastAReservedBlock(t *testing.T) {
	s := open(t, testConfig(t))
	require.NoError(t, s.Append([]byte("a")))
	s.seqs.mu.Lock()
	s.seqs.next = s.seqs.limit - 1
	s.seqs.mu.Unlock()
	require.NoError(t, s.Append([]byte("b"), []byte("c"), []byte("d")))
	assert.Equal(t, []string{"a", "b", "c", "d"}, texts(allEvents(t, s)))
}

func TestReaderWaitsAtAnEventThatIsUnderWay(t *testing.T) {
	s := open(t, testConfig(t))
	require.NoError(t, s.Append([]byte("before")))
	_, end, err := s.seqs.Begin(1)
	require.NoError(t, err)
	require.NoError(t, s.Append([]byte("call")))
	update(t, s, func(tx *Tx) error { return tx.AppendEvent([]byte("mutation")) })
	assert.Equal(t, []string{"before"}, texts(allEvents(t, s)))
	end()
	assert.Equal(t, []string{"before", "call", "mutation"}, texts(allEvents(t, s)))
}

// TestReaderMissesNothing reads while others write: what it has passed over
// may not appear later.
func TestReaderMissesNothing(t *testing.T) {
	s := open(t, testConfig(t))
	const writers, each = 4, 100
	var running atomic.Int64
	running.Store(writers)
	seen := map[string]bool{}
	done := make(chan []error)
	go func() {
		done <- together(writers, func(w int) error {
			defer running.Add(-1)
			for i := range each {
				data := fmt.Appendf(nil, "%d-%d", w, i)
				var err error
				if w%2 == 0 {
					err = s.Update(func(tx *Tx) error { return tx.AppendEvent(data) })
				} else {
					err = s.Append(data)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	after := Seq(0)
	for {
		last := running.Load() == 0
		events, err := s.Events(after, 7)
		require.NoError(t, err)
		for _, e := range events {
			require.Greater(t, e.Seq, after)
			after = e.Seq
			seen[string(e.Data)] = true
		}
		if last && len(events) == 0 {
			break
		}
	}
	require.NoError(t, errors.Join(<-done...))
	assert.Len(t, seen, writers*each)
}

func TestOldEventsAreDeleted(t *testing.T) {
	now := testTime
	c := testConfig(t)
	c.Now = func() time.Time { return now }
	c.Events = eventlog.Limits{RetainAge: 30 * time.Hour, SegmentAge: time.Hour}
	s := open(t, c)
	both := func(text string) {
		update(t, s, func(tx *Tx) error { return tx.AppendEvent([]byte("mutation " + text)) })
		require.NoError(t, s.Append([]byte("call "+text)))
	}
	both("old")
	now = now.Add(20 * time.Hour)
	both("young")
	require.NoError(t, s.Retain())
	assert.Len(t, allEvents(t, s), 4)
	now = now.Add(20 * time.Hour)
	both("new")
	require.NoError(t, s.Retain())
	// The log is deleted by segment: an old call stays while its segment has a young one.
	assert.Subset(t, texts(allEvents(t, s)), []string{"mutation young", "call young", "mutation new", "call new"})
	assert.NotContains(t, texts(allEvents(t, s)), "mutation old")
	now = now.Add(20 * time.Hour)
	both("newest")
	require.NoError(t, s.Retain())
	assert.NotContains(t, texts(allEvents(t, s)), "call old")
}

func TestEventThatIsTooLargeIsRefused(t *testing.T) {
	s := open(t, testConfig(t))
	assert.ErrorIs(t, s.Append(make([]byte, eventlog.MaxEvent+1)), ErrTooLarge)
	assert.ErrorIs(t, s.Update(func(tx *Tx) error { return tx.AppendEvent(make([]byte, maxValue)) }), ErrTooLarge)
	require.NoError(t, s.Append(make([]byte, eventlog.MaxEvent)))
}
