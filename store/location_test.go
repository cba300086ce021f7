package store

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// promptly fails the test if a call takes longer than a service manager waits.
func promptly(t *testing.T, call func() error) error {
	t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- call() }()
	select {
	case err := <-answer:
		return err
	case <-time.After(5 * time.Second):
		require.FailNow(t, "the call hangs")
		return nil
	}
}

// mine is a directory of the test: the store is in data/store in it.
func mine(t *testing.T) (string, Config) {
	t.Helper()
	top := t.TempDir()
	c := testConfig(t)
	c.Dir = filepath.Join(top, "data", "store")
	return top, c
}

func TestDirectoryThatIsGoneTakesNoChange(t *testing.T) {
	for name, lose := range map[string]func(top string) error{
		"the data directory is removed": func(top string) error {
			return os.RemoveAll(filepath.Join(top, "data"))
		},
		"the directory of the store is removed": func(top string) error {
			return os.RemoveAll(filepath.Join(top, "data", "store"))
		},
		"what is in it is removed": func(top string) error {
			entries, err := os.ReadDir(filepath.Join(top, "data", "store"))
			for _, e := range entries {
				err = os.RemoveAll(filepath.Join(top, "data", "store", e.Name()))
			}
			return err
		},
		"only the records are removed": func(top string) error {
			return os.RemoveAll(filepath.Join(top, "data", "store", "records"))
		},
		"only the events are removed": func(top string) error {
			return os.RemoveAll(filepath.Join(top, "data", "store", "events"))
		},
		"the data directory is moved away": func(top string) error {
			return os.Rename(filepath.Join(top, "data"), filepath.Join(top, "old"))
		},
		"a copy of it takes its place": func(top string) error {
			if err := os.Rename(filepath.Join(top, "data"), filepath.Join(top, "old")); err != nil {
				return err
			}
			return os.CopyFS(filepath.Join(top, "data"), os.DirFS(filepath.Join(top, "old")))
		},
		"a file takes the place of the directory": func(top string) error {
			data := filepath.Join(top, "data")
			if err := os.RemoveAll(data); err != nil {
				return err
			}
			return os.WriteFile(data, nil, 0o600)
		},
	} {
		for _, seen := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, seen before: %t", name, seen), func(t *testing.T) { losing(t, lose, seen) })
		}
	}
}

func losing(t *testing.T, lose func(top string) error, seen bool) {
	top, c := mine(t)
	s, err := Open(c)
	require.NoError(t, err)
	require.NoError(t, put(s, "k1", "kept"))
	require.NoError(t, s.Append([]byte("called")))
	require.NoError(t, s.InPlace())
	if seen {
		see(t, s)
	}

	require.NoError(t, lose(top))
	require.ErrorIs(t, s.InPlace(), ErrGone)
	err = put(s, "k2", "")
	require.ErrorIs(t, err, ErrGone)
	require.ErrorContains(t, err, "was removed or replaced while in use; no change is accepted")
	require.ErrorIs(t, s.Append([]byte("called")), ErrGone)
	require.NoError(t, read(s, "k1"), "reads go on")
	require.ErrorIs(t, read(s, "k2"), ErrNotFound)
	_ = promptly(t, s.Close) // whether it can flush depends on what is gone
}

// see has the store believe that its directories changed long ago, once it is
// certain that the next change of them has another time.
func see(t *testing.T, s *Store) {
	t.Helper()
	now := s.sighted(s.gen)
	require.NotNil(t, now.generation)
	elsewhere, later := t.TempDir(), unix.Stat_t{}
	require.Eventually(t, func() bool {
		require.NoError(t, os.Chmod(elsewhere, 0o700))
		require.NoError(t, unix.Stat(elsewhere, &later))
		return later.Ctim.Nano() > max(now.dir.Ctim.Nano(), now.records.Ctim.Nano())
	}, 5*time.Second, time.Millisecond)
	s.sight.Store(&now)
	again := s.sighted(s.gen)
	require.True(t, again.confirms(&now))
}

func TestSightIsTrustedOnceItIsSettledAndForASecond(t *testing.T) {
	_, c := mine(t)
	s := open(t, c)
	now := s.sighted(s.gen)
	require.NotNil(t, now.generation)
	last := time.Unix(max(now.dir.Ctim.Sec, now.records.Ctim.Sec)+1, 0)
	for _, row := range []struct {
		name    string
		at      time.Time
		settled bool
	}{
		{"a change at this very moment may be followed by one of the same time", last, false},
		{"so may one of the last seconds", last.Add(settling - 2*time.Second), false},
		{"an older one is not", last.Add(settling), true},
		{"a clock that was set back says nothing", last.Add(-time.Hour), false},
	} {
		looked := now
		looked.at = row.at
		assert.Equal(t, row.settled, looked.settled(), row.name)
		later := looked
		later.at = row.at.Add(sightFor - 1)
		assert.True(t, later.confirms(&looked))
		later.at = row.at.Add(sightFor)
		assert.False(t, later.confirms(&looked), "every path is looked at again")
	}
	assert.False(t, new(sight).settled(), "what cannot be seen")
}

func TestLinkedDirectoryIsAlwaysLookedAt(t *testing.T) {
	top := t.TempDir()
	target, link := filepath.Join(top, "target"), filepath.Join(top, "link")
	require.NoError(t, os.Mkdir(target, 0o700))
	require.NoError(t, os.Symlink(target, link))
	assert.True(t, location{path: target}.direct())
	assert.False(t, location{path: link}.direct())
	assert.False(t, location{path: filepath.Join(top, "absent")}.direct())
}

// TestClosingDoesNotWriteIntoADirectoryThatIsGone has more in memory than one
// log takes: this is what Badger would try to flush for ever.
func TestClosingDoesNotWriteIntoADirectoryThatIsGone(t *testing.T) {
	top, c := mine(t)
	var log bytes.Buffer
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	s, err := Open(c)
	require.NoError(t, err)
	for i := range 10 {
		require.NoError(t, put(s, fmt.Sprint("k", i), strings.Repeat("d", 200_000)))
	}
	require.NoError(t, os.RemoveAll(filepath.Join(top, "data")))
	require.ErrorIs(t, promptly(t, s.Close), ErrGone)
	assert.NoDirExists(t, filepath.Join(top, "data"))
	assert.NotContains(t, log.String(), "memtable")
}

func TestDirectoryThatComesBackTakesChangesAgain(t *testing.T) {
	top, c := mine(t)
	s := open(t, c)
	require.NoError(t, os.Rename(filepath.Join(top, "data"), filepath.Join(top, "away")))
	require.ErrorIs(t, put(s, "k1", ""), ErrGone)
	require.NoError(t, os.Rename(filepath.Join(top, "away"), filepath.Join(top, "data")))
	require.NoError(t, put(s, "k1", ""))
}

func TestRepackingDoesNotMakeTheDirectoryAnew(t *testing.T) {
	top, c := mine(t)
	s, err := Open(c)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(top, "data")))
	require.ErrorIs(t, s.repack(t.Context()), ErrGone)
	require.ErrorIs(t, promptly(t, s.Close), ErrGone)
	assert.NoDirExists(t, filepath.Join(top, "data"))
}

// TestDirectoryThatGoesDuringAChangeIsNoticed loses it after the first look
// and before the answer.
func TestDirectoryThatGoesDuringAChangeIsNoticed(t *testing.T) {
	top, c := mine(t)
	s, err := Open(c)
	require.NoError(t, err)
	err = s.Update(func(tx *Tx) error {
		require.NoError(t, os.RemoveAll(filepath.Join(top, "data")))
		return tx.PutKey(testKey("k1"))
	})
	require.ErrorIs(t, err, ErrGone)
	require.ErrorIs(t, err, ErrFailed, "what the disk holds is unknown")
	require.ErrorIs(t, promptly(t, s.Close), ErrGone)
}

func TestCloseGivesUpOnACallThatDoesNotEnd(t *testing.T) {
	c := testConfig(t)
	c.closeLimit = time.Millisecond
	s, err := Open(c)
	require.NoError(t, err)
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.View(func(*Tx) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	require.ErrorIs(t, promptly(t, s.Close), ErrStuck)
	_, err = Open(c)
	require.ErrorIs(t, err, ErrLocked, "nobody else gets what may still be written")
	close(end)
	require.NoError(t, <-ended)
}
