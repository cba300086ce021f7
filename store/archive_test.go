package store

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/store/eventlog"
)

// tree is what is in a directory: modes, times and digests by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		found[path] = fmt.Sprint(info.Mode(), info.ModTime())
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[path] += fmt.Sprintf(" %x", sha256.Sum256(content))
		}
		return nil
	}))
	return found
}

// someEvents appends n events, every third with a change.
func someEvents(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		data := fmt.Appendf(nil, `{"n":%d}`, i)
		if i%3 == 0 {
			require.NoError(t, s.Update(func(tx *Tx) error { return tx.AppendEvent(data) }))
			continue
		}
		require.NoError(t, s.Append(data))
	}
}

// TestArchiveHasTheEventsAndWritesNothing: after a clean end, with a torn end of
// the log, and from the files of a process that has not closed them.
func TestArchiveHasTheEventsAndWritesNothing(t *testing.T) {
	c := Config{Dir: filepath.Join(t.TempDir(), "store"), Root: rootKey(t)}
	t.Setenv("TMPDIR", t.TempDir())
	s := open(t, c)
	someEvents(t, s, 30)
	want, err := s.Events(0, 100)
	require.NoError(t, err)
	require.Len(t, want, 30)
	running := filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.CopyFS(running, os.DirFS(c.Dir)), "as a kill would leave it")
	_, err = OpenArchive(c.Dir, c.Root)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, s.Close())
	torn := filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.CopyFS(torn, os.DirFS(c.Dir)))
	segments, err := filepath.Glob(filepath.Join(torn, "events", "*.log"))
	require.NoError(t, err)
	require.Len(t, segments, 1)
	text, err := os.ReadFile(segments[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(segments[0], append(text, "torn"...), 0o600))
	for name, dir := range map[string]string{"closed": c.Dir, "killed": running, "torn": torn} {
		before := tree(t, dir)
		a, err := OpenArchive(dir, c.Root)
		require.NoError(t, err, name)
		for _, limit := range []int{1, 7, 100} {
			var got []Event
			for after := Seq(0); ; after = got[len(got)-1].Seq {
				events, err := a.Events(after, limit)
				require.NoError(t, err, name)
				if len(events) == 0 {
					break
				}
				got = append(got, events...)
			}
			assert.Equal(t, want, got, "%s, %d at a time", name, limit)
		}
		require.ErrorIs(t, a.log.Append([]byte("{}")), eventlog.ErrClosed)
		left, err := os.ReadDir(os.Getenv("TMPDIR"))
		require.NoError(t, err)
		assert.Empty(t, left, "the copy, also while it is read")
		a.Close()
		assert.Equal(t, before, tree(t, dir), name)
	}
}

// TestStoreOpensBesideAnArchive: both have what is theirs, whatever the store does.
func TestStoreOpensBesideAnArchive(t *testing.T) {
	c := Config{Dir: filepath.Join(t.TempDir(), "store"), Root: rootKey(t)}
	s := open(t, c)
	someEvents(t, s, 30)
	want, err := s.Events(0, 100)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	a, err := OpenArchive(c.Dir, c.Root)
	require.NoError(t, err)
	defer a.Close()
	s = open(t, c)
	someEvents(t, s, 30)
	require.NoError(t, s.repack(t.Context()))
	got, err := a.Events(0, 100)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	got, err = s.Events(0, 100)
	require.NoError(t, err)
	assert.Len(t, got, 60)
	require.NoError(t, s.Close())
}

// TestOpenWaitsForThoseWhoShareTheLock has somebody share it until Open waits.
func TestOpenWaitsForThoseWhoShareTheLock(t *testing.T) {
	c := Config{Dir: filepath.Join(t.TempDir(), "store"), Root: rootKey(t)}
	s := open(t, c)
	require.NoError(t, s.Close())
	release, err := shareDir(c.Dir)
	require.NoError(t, err)
	again, err := shareDir(c.Dir)
	require.NoError(t, err, "and others share it")
	again()
	var opening errgroup.Group
	opening.Go(func() error {
		s, err := Open(c)
		if err != nil {
			return err
		}
		return s.Close()
	})
	release()
	require.NoError(t, opening.Wait())
}

func TestArchiveOfLittle(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenArchive(dir, rootKey(t))
	require.NoError(t, err)
	events, err := a.Events(0, math.MaxInt32)
	require.NoError(t, err)
	assert.Empty(t, events, "a directory in which no store was opened")
	assert.Empty(t, tree(t, filepath.Join(dir))[filepath.Join(dir, lockName)])
	a.Close()
}
