package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/testtool"
)

// childSync makes changes one by one, and says when it begins and when it has
// the answer.
func childSync(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	c.SyncEvents = true
	s, err := Open(c)
	if err != nil {
		return err
	}
	for i := range 5 {
		say("begin %d", i)
		k := testKey(fmt.Sprint("k", i))
		k.Description = strings.Repeat("d", 200_000) // soon a new log file
		if err := s.Update(func(tx *Tx) error { return tx.PutKey(k) }); err != nil {
			return err
		}
		say("answer %d", i)
	}
	for i := range 30 {
		k := testKey(fmt.Sprint("k", i%5))
		k.Description = strings.Repeat("e", 200_000)
		if err := s.Update(func(tx *Tx) error { return tx.PutKey(k) }); err != nil {
			return err
		}
	}
	if err := s.Append([]byte("first of its segment")); err != nil {
		return err
	}
	say("begin append")
	if err := s.Append([]byte("event")); err != nil {
		return err
	}
	say("answer append")
	return s.Close()
}

// TestDiskHasAChangeBeforeItsAnswer watches the system calls of a process: for
// each change, the log of the records must be synced between its beginning and
// its answer; a new log also needs its directory to be synced.
func TestDiskHasAChangeBeforeItsAnswer(t *testing.T) {
	strace := testtool.Need(t, "strace")
	dir, _ := childRoot(t)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := childCommand(t, "sync", dir, strace, "-f", "-y", "-e", "trace=mmap,msync,fsync,write,openat", "-s", "40", "-o", trace)
	cmd.Stdout = io.Discard
	require.NoError(t, cmd.Run())
	calls, err := os.ReadFile(trace)
	require.NoError(t, err)

	synced := syncedFiles(string(calls))
	for i := range 5 {
		assert.Contains(t, synced[fmt.Sprintf("answer %d", i)], ".mem", "change %d", i)
	}
	assert.Contains(t, synced["answer append"], ".log", "event")
	assert.Contains(t, synced["answer 0"], "directory", "of the first log")
	made := strings.Count(string(calls), ".mem\", O_RDWR|O_CREAT")
	assert.Greater(t, made, 1, "the test must see a new log file")
	assert.Contains(t, synced["begin append"], "directory", "of a later log")
}

var (
	callLine    = regexp.MustCompile(`^(\d+) +(.*)$`)
	resumedCall = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
	mmapCall    = regexp.MustCompile(`^mmap\(.*MAP_SHARED, \d+<(.*)>, 0\) += (0x[0-9a-f]+)`)
	msyncCall   = regexp.MustCompile(`^msync\((0x[0-9a-f]+),`)
	fsyncCall   = regexp.MustCompile(`^fsync\(\d+<(.*)>`)
	outputCall  = regexp.MustCompile(`^write\(1<.*>, "(.*)\\n"`)
)

// syncedFiles reads a trace: for each line that the process wrote, the kinds of
// files whose sync has ended since the line before. A line counts from the
// beginning of its call, a sync from its end.
func syncedFiles(trace string) map[string][]string {
	mapped := map[string]string{} // address → kind
	begun := map[string]string{}  // thread → the first half of a call that another thread's came between
	synced := map[string][]string{}
	var since []string
	for line := range strings.Lines(trace) {
		m := callLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		thread, call := m[1], m[2]
		if first, ok := strings.CutSuffix(call, " <unfinished ...>"); ok && !outputCall.MatchString(call) {
			begun[thread] = first
			continue
		}
		if half := resumedCall.FindStringSubmatch(call); half != nil {
			call = begun[thread] + half[1]
		}
		kind := ""
		if c := mmapCall.FindStringSubmatch(call); c != nil {
			mapped[c[2]] = fileKind(c[1])
		} else if c := msyncCall.FindStringSubmatch(call); c != nil {
			kind = mapped[c[1]]
		} else if c := fsyncCall.FindStringSubmatch(call); c != nil {
			kind = fileKind(c[1])
		} else if c := outputCall.FindStringSubmatch(call); c != nil {
			synced[c[1]] = since
			since = nil
		}
		if kind != "" && strings.HasSuffix(call, "= 0") {
			since = append(since, kind)
		}
	}
	return synced
}

// fileKind is the suffix of a file's name, or says that it is a directory of records.
func fileKind(path string) string {
	if filepath.Base(filepath.Dir(path)) == "records" {
		return "directory"
	}
	return filepath.Ext(path)
}

// childFail goes on making changes whose sync fails from some point on.
func childFail(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	s, err := Open(c)
	if err != nil {
		return err
	}
	for i, tries := 0, 6; tries > 0; i++ {
		err := put(s, fmt.Sprint("k", i), "")
		if err != nil || tries < 6 {
			tries--
		}
		switch {
		case err == nil:
			say("made k%d", i)
		case errors.Is(err, ErrFailed):
			say("failed")
		default:
			say("other: %v", err)
		}
	}
	if err := read(s, "k0"); err != nil {
		return err
	}
	say("read")
	return nil
}

func TestFailedSyncStopsAllChanges(t *testing.T) {
	strace := testtool.Need(t, "strace")
	dir, c := childRoot(t)
	cmd := childCommand(t, "fail", dir, strace, "-f", "-o", os.DevNull, "-e", "trace=msync", "-e", "inject=msync:error=EIO:when=30..31")
	var made []string
	failed, read := 0, false
	for line := range lines(t, cmd) {
		switch {
		case strings.HasPrefix(line, "made "):
			made = append(made, strings.TrimPrefix(line, "made "))
			assert.Zero(t, failed, "nothing is made after a failure")
		case line == "failed":
			failed++
		case line == "read":
			read = true
		default:
			assert.Fail(t, line)
		}
	}
	require.NoError(t, cmd.Wait())
	assert.NotEmpty(t, made)
	assert.NotZero(t, failed)
	assert.True(t, read, "reading goes on")
	s := open(t, c)
	view(t, s, func(tx *Tx) {
		for _, id := range made {
			_, err := tx.Key(addr(id))
			assert.NoError(t, err)
		}
	})
}

// childAppend appends until it is told that it cannot, and a few times more.
func childAppend(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	s, err := Open(c)
	if err != nil {
		return err
	}
	pace := time.NewTicker(5 * time.Millisecond) // a sync is due every ten events
	defer pace.Stop()
	runtime.LockOSThread() // strace counts the calls of each thread
	for i, tries := 0, 6; tries > 0; i++ {
		err := s.Append(fmt.Appendf(nil, "event %d", i))
		if err != nil || tries < 6 {
			tries--
		}
		switch {
		case err == nil:
			say("event %d", i)
		case errors.Is(err, ErrFull):
			say("full")
		case errors.Is(err, ErrFailed):
			say("failed")
		default:
			say("other: %v", err)
		}
		<-pace.C
	}
	return nil
}

func TestAppendThatFailsLeavesNothing(t *testing.T) {
	strace := testtool.Need(t, "strace")
	for _, c := range []struct {
		name, inject, says string
		recovers           bool
	}{
		{"a full disk passes", "pwrite64:error=ENOSPC:when=5..7", "full", true},
		{"a failed sync does not", "fsync:error=EIO:when=2+", "failed", false},
	} {
		dir, config := childRoot(t)
		syscall, _, _ := strings.Cut(c.inject, ":")
		cmd := childCommand(t, "append", dir, strace, "-f", "-o", os.DevNull,
			"-P", filepath.Join(config.Dir, "events", "0000000000000001.log"), "-e", "trace="+syscall, "-e", "inject="+c.inject)
		var kept []string
		refused, after := 0, 0
		for line := range lines(t, cmd) {
			switch {
			case strings.HasPrefix(line, "event "):
				kept = append(kept, line)
				if refused > 0 {
					after++
				}
			case line == c.says:
				refused++
			default:
				assert.Fail(t, line, c.name)
			}
		}
		require.NoError(t, cmd.Wait(), c.name)
		assert.NotEmpty(t, kept, c.name)
		assert.NotZero(t, refused, c.name)
		assert.Equal(t, c.recovers, after > 0, c.name)
		assert.Equal(t, kept, texts(allEvents(t, open(t, config))), c.name)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir, c := childRoot(t)
	cmd := childCommand(t, "lock", dir)
	require.Equal(t, "open", <-lines(t, cmd))
	_, err := Open(c)
	require.ErrorIs(t, err, ErrLocked)
	assert.ErrorContains(t, err, fmt.Sprintf("process %d has the directory %s open", cmd.Process.Pid, c.Dir))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	open(t, c)
}
