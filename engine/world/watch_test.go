package world

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched is a Watcher of a fresh directory, with what it told.
type watched struct {
	*Watcher
	dir     string
	changes int
	refused []error

	restored int
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{dir: write(t, t.TempDir(), withBob)}
	var err error
	w.Watcher, err = NewWatcher(WatcherConfig{
		Path:    w.dir,
		Changed: func(old, next *World) { w.changes++; assert.NotSame(t, old, next); assert.Same(t, next, w.World()) },
		Refused: func(err error) { w.refused = append(w.refused, err) },

		Restored: func(now *World) { w.restored++; assert.Same(t, now, w.World()) },
	})
	require.NoError(t, err)
	return w
}

func (w *watched) has(user string) bool {
	_, ok := w.World().Principal("arn:aws:iam::111122223333:user/" + user)
	return ok
}

func TestChangeIsTakenUpWhenItHasSettled(t *testing.T) {
	w := watch(t)
	w.Look()
	w.Look()
	assert.Zero(t, w.changes, "nothing changed")
	write(t, w.dir, withoutBob)
	w.Look()
	assert.True(t, w.has("bob"), "the files may not be complete yet")
	w.Look()
	assert.False(t, w.has("bob"))
	assert.True(t, w.has("carol"))
	assert.Equal(t, 1, w.changes)
	assert.Empty(t, w.refused)
}

func TestBrokenVersionIsRefusedOnceAndTheOldOneServes(t *testing.T) {
	w := watch(t)
	for name, spoil := range map[string]func(){
		"a world that is wrong": func() { write(t, w.dir, noWorld) },
		"no world at all":       func() { require.NoError(t, os.Remove(filepath.Join(w.dir, "world.yaml"))) },
		"no directory":          func() { require.NoError(t, os.RemoveAll(w.dir)) },
	} {
		before := len(w.refused)
		spoil()
		for range 4 {
			w.Look()
		}
		assert.Len(t, w.refused, before+1, name)
		assert.True(t, w.has("bob"), name)
		require.NoError(t, os.MkdirAll(w.dir, 0o700))
		write(t, w.dir, withBob)
		w.Look()
		w.Look()
	}
	assert.Zero(t, w.changes)
	assert.Equal(t, 3, w.restored, "each mistake was undone, and that is told once")
}

func TestEachProblemIsToldAloneWithThePathOfTheWorld(t *testing.T) {
	w := watch(t)
	broken := "accounts:\n  \"111122223333\": {uzers: {}, rolls: {}}\n"
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "world.yaml"), []byte(broken), 0o600))
	w.Look()
	w.Look()
	require.Len(t, w.refused, 2)
	assert.ErrorContains(t, w.refused[0], w.dir+"/world.yaml:2:20: accounts.111122223333.uzers: unknown field")
	assert.ErrorContains(t, w.refused[1], "rolls")
	assert.NotContains(t, w.refused[0].Error(), "\n")
}

func TestVersionThatComesBackIsRefusedAgain(t *testing.T) {
	w := watch(t)
	for _, version := range []string{noWorld, withoutBob, noWorld} {
		write(t, w.dir, version)
		w.Look()
		w.Look()
	}
	assert.Len(t, w.refused, 2)
	assert.Equal(t, 1, w.changes)
	assert.Zero(t, w.restored)
}

func TestRunLooksUntilItsContextEnds(t *testing.T) {
	dir := write(t, t.TempDir(), withBob)
	changed := make(chan *World)
	w, err := NewWatcher(WatcherConfig{Path: dir, Every: time.Millisecond, Changed: func(_, next *World) { changed <- next }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	write(t, dir, withoutBob)
	assert.Len(t, (<-changed).Principals(), 1)
	cancel()
	require.NoError(t, <-done)
}

func TestWatcherNeedsAWorldToBeginWith(t *testing.T) {
	_, err := NewWatcher(WatcherConfig{})
	require.Error(t, err)
	_, err = NewWatcher(WatcherConfig{Path: write(t, t.TempDir(), noWorld)})
	require.Error(t, err)
}
