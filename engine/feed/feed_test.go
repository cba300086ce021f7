package feed_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/feed"
	"github.com/keyreeve/keyreeve/store"
)

// open opens a store below a directory, with some events.
func open(t *testing.T, dir string, events int) *store.Store {
	t.Helper()
	root, err := seal.CreateRootKey(filepath.Join(dir, "root.key"), rand.Reader)
	require.NoError(t, err)
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "store"), Root: root})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for i := range events {
		if i%100 == 1 { // of a change
			require.NoError(t, s.Update(func(tx *store.Tx) error { return tx.AppendEvent(fmt.Appendf(nil, `{"n":%d}`, i)) }))
			continue
		}
		require.NoError(t, s.Append(fmt.Appendf(nil, `{"n":%d}`, i)))
	}
	return s
}

// serving gives out the events of a store until the test ends.
func serving(t *testing.T, dir string, s *store.Store) {
	t.Helper()
	server, err := feed.Listen(dir, s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running errgroup.Group
	running.Go(func() error { return server.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		require.NoError(t, running.Wait())
		require.NoError(t, server.Close())
		assert.NoFileExists(t, filepath.Join(dir, "events.sock"))
	})
}

// all collects what read calls it with.
func all(t *testing.T, read func(f func(feed.Record) error) error) (texts []string) {
	t.Helper()
	last := store.Seq(0)
	require.NoError(t, read(func(r feed.Record) error {
		assert.Greater(t, r.Seq, last)
		assert.False(t, r.Time.IsZero())
		last = r.Seq
		texts = append(texts, string(r.Event))
		return nil
	}))
	return texts
}

// asking asks at the socket of a directory.
func asking(t *testing.T, dir string, after store.Seq) func(f func(feed.Record) error) error {
	t.Helper()
	return func(f func(feed.Record) error) error {
		_, err := feed.Ask(t.Context(), dir, after, f)
		return err
	}
}

func TestSocketGivesOutWhatTheStoreHas(t *testing.T) {
	for name, dir := range map[string]string{
		"a directory": t.TempDir(), "one with a long path": filepath.Join(t.TempDir(), strings.Repeat("long/", 20)),
	} {
		require.NoError(t, os.MkdirAll(dir, 0o700))
		s := open(t, dir, 2_500)
		serving(t, dir, s)
		own := all(t, func(f func(feed.Record) error) error { return feed.Read(s, 0, f) })
		require.Len(t, own, 2_500, name)
		assert.Equal(t, own, all(t, asking(t, dir, 0)), name)
		info, err := os.Stat(filepath.Join(dir, "events.sock"))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
		enough := errors.New("enough")
		assert.ErrorIs(t, asking(t, dir, 0)(func(feed.Record) error { return enough }), enough)
		assert.Empty(t, all(t, asking(t, dir, 1<<40)), "behind the end")
	}
}

func TestNobodyAnswers(t *testing.T) {
	dir := t.TempDir()
	never := func(feed.Record) error { return errors.New("called") }
	assert.ErrorIs(t, asking(t, dir, 0)(never), feed.ErrNobody)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "events.sock"), nil, 0o600))
	assert.ErrorIs(t, asking(t, dir, 0)(never), feed.ErrNobody, "what a dead process left")
}

// TestDamageIsToldAndReadingGoesOn has a byte of the first segment changed.
func TestDamageIsToldAndReadingGoesOn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 300)
	serving(t, dir, s)
	segments, err := filepath.Glob(filepath.Join(dir, "store", "events", "*"))
	require.NoError(t, err)
	require.Len(t, segments, 1)
	text, err := os.ReadFile(segments[0])
	require.NoError(t, err)
	at := bytes.Index(text, []byte(`{"n":150}`))
	require.Positive(t, at)
	file, err := os.OpenFile(segments[0], os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("XX"), int64(at))
	require.NoError(t, errors.Join(err, file.Close()))
	var own, asked []feed.Record
	require.NoError(t, feed.Read(s, 0, func(r feed.Record) error { own = append(own, r); return nil }))
	require.NoError(t, asking(t, dir, 0)(func(r feed.Record) error { asked = append(asked, r); return nil }))
	assert.Equal(t, own, asked)
	lost := 0
	for _, r := range own {
		if r.Lost != "" {
			lost++
			assert.Contains(t, r.Lost, "no event")
		}
	}
	assert.Equal(t, 1, lost)
}

// TestPageIsBoundedAndTakenWhole: a reader may stop between two events for as
// long as it likes, and the process that gives them out may end; they are read
// elsewhere from that place on.
func TestPageIsBoundedAndTakenWhole(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	const events = 20
	for i := range events {
		require.NoError(t, s.Append(fmt.Appendf(nil, `{"n":"%0200000d"}`, i)))
	}
	server, err := feed.Listen(dir, s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	var running errgroup.Group
	running.Go(func() error { return server.Run(t.Context()) })
	taken := 0
	after, err := feed.Ask(t.Context(), dir, 0, func(feed.Record) error {
		if taken++; taken == 1 {
			require.NoError(t, server.Close())
		}
		return nil
	})
	require.NoError(t, running.Wait())
	require.ErrorIs(t, err, feed.ErrNobody)
	assert.Equal(t, 6, taken, "the page that was under way: a mebibyte of 200,000 each")
	require.NoError(t, feed.Read(s, after, func(feed.Record) error { taken++; return nil }))
	assert.Equal(t, events, taken, "each once")
}
