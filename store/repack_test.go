package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/testtool"
)

// quiet keeps the store from packing by itself.
func quiet(c Config) Config {
	c.repackTables = math.MaxInt
	return c
}

func TestPackedStoreHasAllThatWasThere(t *testing.T) {
	c := quiet(testConfig(t))
	s := open(t, c)
	fill(t, s, 300)
	fillGrants(t, s, addr("key-00000007"), 300, distinct)
	update(t, s, func(tx *Tx) error { return tx.AppendEvent([]byte("event")) })
	update(t, s, func(tx *Tx) error { return tx.DeleteKey(addr("key-00000011")) })
	for generation := uint64(2); generation < 4; generation++ {
		require.NoError(t, s.repack(t.Context()))
		assert.Equal(t, generation, s.current().number)
		assert.Zero(t, s.current().db.Levels()[0].NumTables, "nothing is on top")
		require.NoError(t, s.Check())
		view(t, s, func(tx *Tx) {
			n, err := tx.CountKeys("111122223333", "us-east-1")
			require.NoError(t, err)
			assert.Equal(t, 299, n)
			_, err = tx.Key(addr("key-00000011"))
			assert.ErrorIs(t, err, ErrNotFound)
		})
		assert.Equal(t, []string{"event"}, texts(allEvents(t, s)))
		require.NoError(t, put(s, "key-00000011", "again"))
		update(t, s, func(tx *Tx) error { return tx.DeleteKey(addr("key-00000011")) })
	}
	entries, err := os.ReadDir(filepath.Join(c.Dir, "records"))
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.Equal(t, "3", entries[0].Name())
	require.NoError(t, s.Close())
	assert.Equal(t, uint64(3), open(t, c).current().number)
}

func TestPackingTwiceAtOnceIsOneAfterTheOther(t *testing.T) {
	s := open(t, quiet(testConfig(t)))
	fill(t, s, 50)
	for _, err := range together(3, func(int) error { return s.repack(t.Context()) }) {
		require.NoError(t, err)
	}
	assert.Equal(t, uint64(4), s.current().number)
	require.NoError(t, s.Check())
	view(t, s, func(tx *Tx) {
		n, err := tx.CountKeys("111122223333", "us-east-1")
		require.NoError(t, err)
		assert.Equal(t, 50, n)
	})
}

func TestPackingDoesNotLoseChangesMadeMeanwhile(t *testing.T) {
	s := open(t, quiet(testConfig(t)))
	require.NoError(t, put(s, "k", ""))
	const callers, each = 4, 50
	var running atomic.Int64
	running.Store(callers)
	done := make(chan []error)
	go func() {
		done <- together(callers, func(int) error {
			defer running.Add(-1)
			for range each {
				err := s.Update(func(tx *Tx) error {
					k, err := tx.Key(addr("k"))
					if err != nil {
						return err
					}
					k.PendingWindowDays++
					return errors.Join(tx.PutKey(k), tx.AppendEvent([]byte("more")))
				})
				if err != nil {
					return err
				}
				if err := s.Append([]byte("read")); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	packed := 0
	for ; running.Load() > 0; packed++ {
		require.NoError(t, s.repack(t.Context()))
	}
	require.NoError(t, errors.Join(<-done...))
	assert.NotZero(t, packed)
	view(t, s, func(tx *Tx) {
		k, err := tx.Key(addr("k"))
		require.NoError(t, err)
		assert.Equal(t, callers*each, k.PendingWindowDays)
	})
	assert.Len(t, allEvents(t, s), 2*callers*each)
}

func TestSnapshotOutlivesPacking(t *testing.T) {
	s := open(t, quiet(testConfig(t)))
	require.NoError(t, put(s, "k", "before"))
	packed := make(chan error)
	view(t, s, func(tx *Tx) {
		go func() { packed <- s.repack(context.WithoutCancel(t.Context())) }()
		for s.current().number == 1 {
			require.NoError(t, put(s, "k", "after"))
		}
		k, err := tx.Key(addr("k"))
		require.NoError(t, err)
		assert.Equal(t, "before", k.Description)
	})
	require.NoError(t, <-packed)
	view(t, s, func(tx *Tx) {
		k, err := tx.Key(addr("k"))
		require.NoError(t, err)
		assert.Equal(t, "after", k.Description)
	})
}

func TestStoreIsPackedWhenTablesGather(t *testing.T) {
	s := open(t, quiet(testConfig(t)))
	for range 2 {
		for i := range 60 {
			require.NoError(t, put(s, fmt.Sprint("k", i), strings.Repeat("x", 100_000)))
		}
	}
	size, due := s.current().packing(1)
	assert.True(t, due)
	assert.Greater(t, size, int64(4<<20))
	require.NoError(t, s.repack(t.Context()))
	packed, due := s.current().packing(1)
	assert.False(t, due)
	assert.InDelta(t, 6e6, packed, 1e6, "old versions are gone")
}

func TestPackingNeedsSpace(t *testing.T) {
	s := open(t, quiet(testConfig(t)))
	require.NoError(t, put(s, "k", ""))
	s.config.MinFree = 1 << 60
	assert.ErrorIs(t, s.repack(t.Context()), ErrFull)
	s.config.MinFree = DefaultMinFree
	require.NoError(t, put(s, "k", "again"))
	assert.Equal(t, uint64(1), s.current().number)
}

func TestStoppedPackingLeavesNothing(t *testing.T) {
	c := quiet(testConfig(t))
	s := open(t, c)
	fill(t, s, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.repack(ctx), context.Canceled)
	assert.NoDirExists(t, filepath.Join(c.Dir, "records", "2"))
	require.NoError(t, s.repack(t.Context()))
}

func TestLeftoversOfPackingAreRemoved(t *testing.T) {
	c := testConfig(t)
	s := open(t, c)
	require.NoError(t, put(s, "k", ""))
	require.NoError(t, s.Close())
	records := filepath.Join(c.Dir, "records")
	require.NoError(t, os.CopyFS(filepath.Join(records, "2"), os.DirFS(filepath.Join(records, "1"))))
	require.NoError(t, os.WriteFile(filepath.Join(records, "current.new"), []byte("2"), 0o600))
	s = open(t, c)
	require.NoError(t, read(s, "k"))
	assert.NoDirExists(t, filepath.Join(records, "2"))
	assert.NoFileExists(t, filepath.Join(records, "current.new"))
}

// childRepack packs while the first table of the copy cannot be made.
func childRepack(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	s, err := Open(quiet(c))
	if err != nil {
		return err
	}
	for i := range 20 {
		if err := put(s, fmt.Sprint("k", i), ""); err != nil {
			return err
		}
	}
	if err := s.repack(context.Background()); err == nil {
		return errors.New("packed although a table could not be made")
	}
	if err := put(s, "more", ""); err != nil {
		return err
	}
	return errors.Join(s.Check(), read(s, "k0"), read(s, "more"), s.Close())
}

func TestTableThatCannotBeMadeLosesNothing(t *testing.T) {
	strace := testtool.Need(t, "strace")
	dir, c := childRoot(t)
	table := filepath.Join(c.Dir, "records", "2", "000001.sst")
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := childCommand(t, "repack", dir, strace, "-f", "-o", trace, "-P", table, "-e", "trace=openat", "-e", "inject=openat:error=EMFILE")
	cmd.Stdout = io.Discard
	require.NoError(t, cmd.Run())
	calls, err := os.ReadFile(trace)
	require.NoError(t, err)
	assert.Contains(t, string(calls), "EMFILE", "the test must see the failure")
	s := open(t, c)
	require.NoError(t, s.repack(t.Context()))
	assert.NoError(t, read(s, "k19"))
	assert.NoError(t, read(s, "more"))
}
