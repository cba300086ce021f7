package eventlog

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counter is the simplest Sequence.
type counter struct {
	mu   sync.Mutex
	next Seq
}

func (c *counter) Begin(n int) (Seq, func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.next + 1
	c.next += Seq(n)
	return first, func() {}, nil
}

var testTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func testConfig(t testing.TB) Config {
	return Config{Dir: filepath.Join(t.TempDir(), "[events]"), Sequence: &counter{}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return testTime }}
}

func open(t testing.TB, c Config) *Log {
	t.Helper()
	l, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, ErrFailed) {
			require.ErrorIs(t, err, ErrClosed)
		}
	})
	return l
}

func all(t testing.TB, l *Log) []string {
	t.Helper()
	events, err := l.Read(0, math.MaxUint64, math.MaxInt)
	require.NoError(t, err)
	var texts []string
	for _, e := range events {
		texts = append(texts, string(e.Data))
	}
	return texts
}

func appendAll(t testing.TB, l *Log, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.NoError(t, l.Append([]byte(text)))
	}
}

func segments(t testing.TB, c Config) []string {
	t.Helper()
	entries, err := os.ReadDir(c.Dir)
	require.NoError(t, err)
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(c.Dir, e.Name()))
		}
	}
	return paths
}

func TestEventsComeBackInOrderAcrossSegmentsAndOpens(t *testing.T) {
	c := testConfig(t)
	c.Limits.SegmentBytes = 200
	var want []string
	for range 3 {
		l := open(t, c)
		for range 10 {
			text := fmt.Sprint("event ", len(want))
			want = append(want, text)
			appendAll(t, l, text)
		}
		assert.Equal(t, want, all(t, l))
		require.NoError(t, l.Close())
	}
	assert.Greater(t, len(segments(t, c)), 5)
	l := open(t, c)
	events, err := l.Read(7, 12, 100)
	require.NoError(t, err)
	require.Len(t, events, 4)
	assert.Equal(t, Event{Seq: 8, Time: testTime, Data: []byte("event 7")}, events[0])
}

func TestAppendsAtOnceAreAllKept(t *testing.T) {
	for _, synced := range []bool{false, true} {
		c := testConfig(t)
		c.Sync = synced
		l := open(t, c)
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 20 {
					assert.NoError(t, l.Append(fmt.Appendf(nil, "%d", w), fmt.Appendf(nil, "%d", i)))
				}
			})
		}
		wg.Wait()
		events, err := l.Read(0, math.MaxUint64, math.MaxInt)
		require.NoError(t, err)
		require.Len(t, events, 320)
		for i, e := range events {
			assert.Equal(t, Seq(i+1), e.Seq)
		}
	}
}

func TestReadingGoesOnFromAMark(t *testing.T) {
	l := open(t, testConfig(t))
	text := strings.Repeat("x", 10_000)
	for range 50 {
		appendAll(t, l, text)
	}
	after := Seq(0)
	for after < 50 {
		events, err := l.Read(after, math.MaxUint64, 3)
		require.NoError(t, err)
		require.NotEmpty(t, events)
		require.Equal(t, after+1, events[0].Seq)
		after = events[len(events)-1].Seq
	}
	assert.Greater(t, len(l.segments[0].marks), 5)
	events, err := l.Read(20, math.MaxUint64, 1)
	require.NoError(t, err)
	assert.Equal(t, Seq(21), events[0].Seq, "again, with marks")
}

// TestTornEndIsCut cuts and spoils the last segment at every byte.
func TestTornEndIsCut(t *testing.T) {
	c := testConfig(t)
	l := open(t, c)
	texts := []string{"one", "two", "three"}
	appendAll(t, l, texts...)
	require.NoError(t, l.Close())
	path := segments(t, c)[0]
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	kept := func(at int) (n int) { // the events that end before the byte at
		end := int64(headerSize)
		for _, text := range texts {
			if end += frameSize(len(text)); end <= int64(at) {
				n++
			}
		}
		return n
	}
	reopen := func(content []byte) []string {
		require.NoError(t, os.RemoveAll(c.Dir))
		require.NoError(t, os.MkdirAll(c.Dir, 0o700))
		require.NoError(t, os.WriteFile(path, content, 0o600))
		l, err := Open(c)
		require.NoError(t, err)
		found := all(t, l)
		appendAll(t, l, "four")
		assert.Equal(t, append(found, "four"), all(t, l))
		require.NoError(t, l.Close())
		return found[:len(found):len(found)]
	}
	for at := range whole {
		want := texts[:kept(at)]
		assert.ElementsMatch(t, want, reopen(whole[:at:at]), "cut at %d", at)
		spoiled := slices.Clone(whole)
		spoiled[at] ^= 0x40
		if madeAt := len(magic) + 8; at >= madeAt && at < headerSize {
			want = texts // the time in the header says nothing about the events
		}
		assert.ElementsMatch(t, want, reopen(spoiled), "spoiled at %d", at)
		if at >= headerSize {
			zeros := append(slices.Clone(whole[:at]), make([]byte, 100)...)
			assert.ElementsMatch(t, texts[:kept(at)], reopen(zeros), "zeros from %d", at)
		}
	}
}

func TestTornEndIsSetAside(t *testing.T) {
	c := testConfig(t)
	l := open(t, c)
	appendAll(t, l, "one", "two")
	require.NoError(t, l.Close())
	path := segments(t, c)[0]
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	content[headerSize+frameHeader] ^= 1 // in "one"
	require.NoError(t, os.WriteFile(path, content, 0o600))
	assert.Empty(t, all(t, open(t, c)))
	aside, err := os.ReadFile(fmt.Sprintf("%s.%d.torn", path, headerSize))
	require.NoError(t, err)
	assert.Equal(t, content[headerSize:], aside)
}

func TestDamageInAnOldSegmentIsToldAndCanBePassed(t *testing.T) {
	c := testConfig(t)
	c.Limits.SegmentBytes = 100
	l := open(t, c)
	appendAll(t, l, "one", "two", "three", "four", "five", "six")
	paths := segments(t, c)
	require.Len(t, paths, 3)
	content, err := os.ReadFile(paths[1])
	require.NoError(t, err)
	content[len(content)-1] ^= 1 // in "four"
	require.NoError(t, os.WriteFile(paths[1], content, 0o600))
	events, err := l.Read(0, math.MaxUint64, 100)
	require.Len(t, events, 3)
	require.ErrorIs(t, err, ErrCorrupt)
	var gap *CorruptError
	require.ErrorAs(t, err, &gap)
	assert.Equal(t, filepath.Base(paths[1]), gap.Segment)
	events, err = l.Read(gap.Resume, math.MaxUint64, 100)
	require.NoError(t, err)
	assert.Len(t, events, 2)
}

func TestSegmentUnderAnotherNameIsRefused(t *testing.T) {
	c := testConfig(t)
	c.Limits.SegmentBytes = 50
	l := open(t, c)
	appendAll(t, l, "one", "two", "three")
	require.NoError(t, l.Close())
	require.NoError(t, os.Rename(segments(t, c)[0], filepath.Join(c.Dir, segmentName(0))))
	_, err := Open(c)
	assert.ErrorIs(t, err, ErrCorrupt)
}

func TestOldestSegmentsAreDeletedOverTheLimit(t *testing.T) {
	c := testConfig(t)
	c.Limits.SegmentBytes, c.Limits.RetainBytes = 100, 250
	l := open(t, c)
	appendAll(t, l, "one", "two", "three", "four", "five", "six", "seven", "eight")
	require.NoError(t, l.Retain())
	assert.Len(t, segments(t, c), 3)
	assert.Equal(t, []string{"three", "four", "five", "six", "seven", "eight"}, all(t, l))
}

func TestSegmentEndsWithItsAge(t *testing.T) {
	now := testTime
	c := testConfig(t)
	c.Now = func() time.Time { return now }
	c.Limits.SegmentAge, c.Limits.RetainAge = time.Hour, 2*time.Hour
	l := open(t, c)
	appendAll(t, l, "one", "two")
	now = now.Add(time.Hour)
	appendAll(t, l, "three")
	assert.Len(t, segments(t, c), 2)
	now = now.Add(2 * time.Hour)
	require.NoError(t, l.Retain())
	assert.Len(t, segments(t, c), 2, "the later segment began two hours ago, not more")
	now = now.Add(1)
	require.NoError(t, l.Retain())
	assert.Equal(t, []string{"three"}, all(t, l))
}

func TestEventIsSyncedInTheBackground(t *testing.T) {
	l := open(t, testConfig(t))
	appendAll(t, l, "one")
	assert.Eventually(t, func() bool { return l.Durable() == 1 }, 10*time.Second, time.Millisecond)
}

func TestWriteThatFailsIsTakenBack(t *testing.T) {
	l := open(t, testConfig(t))
	appendAll(t, l, "one")
	l.writing.Lock() // no write is under way
	file := l.active
	readOnly, err := os.Open(file.Name())
	require.NoError(t, err)
	l.active = readOnly
	l.writing.Unlock()
	require.Error(t, l.Append([]byte("two")))
	assert.Equal(t, []string{"one"}, all(t, l))
	l.writing.Lock()
	l.active = file
	l.writing.Unlock()
	require.NoError(t, readOnly.Close())
	assert.ErrorIs(t, l.Append([]byte("three")), ErrFailed, "because it could not be taken back")
}

func TestClosedLogTakesNothing(t *testing.T) {
	l := open(t, testConfig(t))
	require.NoError(t, l.Close())
	assert.ErrorIs(t, l.Append([]byte("one")), ErrClosed)
	assert.ErrorIs(t, l.Close(), ErrClosed)
}

func TestEventOverTheBoundIsRefused(t *testing.T) {
	l := open(t, testConfig(t))
	assert.ErrorIs(t, l.Append([]byte("one"), make([]byte, MaxEvent+1)), ErrTooLarge)
	assert.Empty(t, all(t, l))
}
