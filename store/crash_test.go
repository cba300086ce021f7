package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var randReader = rand.Reader

const (
	loadWorkers = 6
	loadKept    = 4 // a worker deletes its key of so many steps before
)

// loadKey is the key of a step. Two of the workers share an account, and so meet.
func loadKey(worker, step int) KeyAddr {
	return KeyAddr{Account: fmt.Sprint("11112222333", max(worker, 1)), Region: "us-east-1", ID: fmt.Sprintf("w%d-%08d", worker, step)}
}

// loadStep makes a key with two aliases, three grants and an event, and
// deletes an earlier one, all in one transaction.
func loadStep(s *Store, worker, step int) error {
	a := loadKey(worker, step)
	return s.Update(func(tx *Tx) error {
		k := testKey(a.ID)
		k.Addr = a
		k.Description = strings.Repeat("d", 20_000)
		k.DeletionDate = testTime.Add(time.Duration(step))
		if err := tx.PutKey(k); err != nil {
			return err
		}
		for i := range 2 {
			alias := testAlias(fmt.Sprintf("alias/%s/%d", a.ID, i), a.ID)
			alias.Account = a.Account
			if err := tx.PutAlias(alias); err != nil {
				return err
			}
		}
		for i := range 3 {
			g := testGrant(a, fmt.Sprint("g", i))
			g.Name, g.Subset = fmt.Sprint("n", i), map[string]string{"a": fmt.Sprint(i)}
			if err := tx.PutGrant(g); err != nil {
				return err
			}
		}
		if step >= loadKept {
			old := loadKey(worker, step-loadKept)
			if _, err := tx.DeleteGrantsOf(old, 100); err != nil {
				return err
			}
			if err := tx.DeleteKey(old); err != nil {
				return err
			}
		}
		return tx.AppendEvent(fmt.Appendf(nil, "made %d %d", worker, step))
	})
}

// childLoad works on from where the store is, acknowledges each step, and packs
// the store all the while.
func childLoad(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	s, err := Open(quiet(c))
	if err != nil {
		return err
	}
	say("open")
	go func() {
		for s.repack(context.Background()) == nil {
			time.Sleep(60 * time.Millisecond) // between packings there is time to work
		}
		os.Exit(1)
	}()
	return errors.Join(together(loadWorkers, func(worker int) error {
		for step := loadNext(s, worker); ; step++ {
			if err := loadStep(s, worker, step); err != nil {
				return err
			}
			say("made %d %d", worker, step)
			if err := s.Append(fmt.Appendf(nil, "used %d %d", worker, step)); err != nil {
				return err
			}
			say("used %d %d", worker, step)
		}
	})...)
}

// loadNext is the step that a worker has not made yet.
func loadNext(s *Store, worker int) int {
	next := 0
	a := loadKey(worker, 0)
	_ = s.View(func(tx *Tx) error { // an error shows as a step made twice
		ids, _, err := tx.KeyIDsOf(a.Account, a.Region, "", 1000)
		for _, id := range ids {
			var w, step int
			if _, err := fmt.Sscanf(id, "w%d-%d", &w, &step); err == nil && w == worker {
				next = step + 1
			}
		}
		return err
	})
	return next
}

// TestKilledProcessLosesNothing kills a process under load at a random moment,
// again and again on one directory.
func TestKilledProcessLosesNothing(t *testing.T) {
	dir, c := childRoot(t)
	acknowledged := map[string]bool{}
	for round := range 20 {
		cmd := childCommand(t, "load", dir)
		said := lines(t, cmd)
		require.Equal(t, "open", <-said, "round %d", round)
		acknowledged[<-said] = true
		kill := time.After(time.Duration(mathrand.IntN(200)) * time.Millisecond)
		for alive := true; alive; {
			select {
			case line := <-said:
				acknowledged[line] = true
			case <-kill:
				alive = false
			}
		}
		require.NoError(t, cmd.Process.Kill())
		for line := range said {
			acknowledged[line] = true
		}
		require.ErrorContains(t, cmd.Wait(), "killed")
		afterKill(t, c, acknowledged)
	}
	t.Logf("%d acknowledged", len(acknowledged))
}

func afterKill(t *testing.T, c Config, acknowledged map[string]bool) {
	t.Helper()
	s, err := Open(c)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.Check())
	kept := map[string]bool{}
	for _, e := range allEvents(t, s) {
		assert.False(t, kept[string(e.Data)], "%s came twice", e.Data)
		kept[string(e.Data)] = true
	}
	for line := range acknowledged {
		assert.True(t, kept[line], "%q was acknowledged", line)
	}
	for worker := range loadWorkers {
		next := loadNext(s, worker)
		assert.False(t, kept[fmt.Sprintf("made %d %d", worker, next)], "event without its key")
		for step := range next {
			assert.True(t, kept[fmt.Sprintf("made %d %d", worker, step)], "key without its event")
			checkStep(t, s, worker, step, step >= next-loadKept)
		}
	}
}

// checkStep tells whether all of a step is there, or nothing of it.
func checkStep(t *testing.T, s *Store, worker, step int, there bool) {
	t.Helper()
	a := loadKey(worker, step)
	view(t, s, func(tx *Tx) {
		_, err := tx.Key(a)
		assert.Equal(t, there, err == nil, "key %s", a)
		aliases, err := tx.CountAliases(a)
		require.NoError(t, err)
		grants, err := tx.CountGrants(a)
		require.NoError(t, err)
		want := [2]int{0, 0}
		if there {
			want = [2]int{2, 3}
		}
		assert.Equal(t, want, [2]int{aliases, grants}, "aliases and grants of %s", a)
	})
}
