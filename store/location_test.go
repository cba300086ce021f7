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
		t.Run(name, func(t *testing.T) {
			top, c := mine(t)
			s, err := Open(c)
			require.NoError(t, err)
			require.NoError(t, put(s, "k1", "kept"))
			require.NoError(t, s.Append([]byte("called")))
			require.NoError(t, s.InPlace())

			require.NoError(t, lose(top))
			require.ErrorIs(t, s.InPlace(), ErrGone)
			err = put(s, "k2", "")
			require.ErrorIs(t, err, ErrGone)
			require.ErrorContains(t, err, "was removed or replaced while in use; no change is accepted")
			require.ErrorIs(t, s.Append([]byte("called")), ErrGone)
			require.NoError(t, read(s, "k1"), "reads go on")
			require.ErrorIs(t, read(s, "k2"), ErrNotFound)
			_ = promptly(t, s.Close) // whether it can flush depends on what is gone
		})
	}
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
