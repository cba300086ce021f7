package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/keyreeve/keyreeve/crypto/testtool"
)

func init() {
	childParts["full"] = childFull
	childParts["fill"] = childFill
	childParts["files"] = childFiles
}

// TestFullDisk lets a process work on a small disk of its own until it is full.
func TestFullDisk(t *testing.T) {
	dir, _ := childRoot(t)
	cmd := childCommand(t, "full", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.Output()
	if cmd.ProcessState == nil || strings.Contains(string(out), "no mount") {
		testtool.CannotRun(t, fmt.Sprintf("a process may not mount a disk of its own here: %v %s", err, out))
	}
	require.NoError(t, err)
	said := strings.Split(strings.TrimSpace(string(out)), "\n")
	assert.Equal(t, "done", said[len(said)-1])
	t.Log(said)
}

// A smallDisk is where the store of a child lies.
type smallDisk struct{ dir string }

// free is the free space in bytes.
func (d smallDisk) free() (int64, error) {
	var fs unix.Statfs_t
	err := unix.Statfs(d.dir, &fs)
	return int64(fs.Bavail) * fs.Bsize, err
}

// fillTo takes space, under a name, until at most so many bytes are free.
func (d smallDisk) fillTo(name string, left int64) error {
	file, err := os.Create(filepath.Join(d.dir, name))
	if err != nil {
		return err
	}
	free, err := d.free()
	if err == nil && free > left {
		err = unix.Fallocate(int(file.Fd()), 0, 0, free-left)
	}
	return errors.Join(err, file.Close())
}

func (d smallDisk) release(name string) error { return os.Remove(filepath.Join(d.dir, name)) }

// expect tells where a step did not answer what it should.
func expect(step string, got, want error) error {
	if errors.Is(got, want) {
		return nil
	}
	return fmt.Errorf("%s: %w, not %w", step, orNone(got), orNone(want))
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// childFull makes a disk and goes through its fullness.
func childFull(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = errors.Join(os.Mkdir(c.Dir, 0o700), unix.Mount("tmpfs", c.Dir, "tmpfs", 0, "size=144m"))
	}
	if err != nil {
		say("no mount: %v", err)
		return nil
	}
	disk := smallDisk{c.Dir}
	if err := filledFromOutside(c, disk); err != nil {
		return fmt.Errorf("filled from outside: %w", err)
	}
	if err := filledByItself(dir, c, disk); err != nil {
		return fmt.Errorf("filled by itself: %w", err)
	}
	say("done")
	return nil
}

// filledFromOutside lets others take the space of an open store.
func filledFromOutside(c Config, disk smallDisk) error {
	s, err := Open(c)
	if err != nil {
		return err
	}
	err = errors.Join(
		expect("change", put(s, "before", ""), nil),
		disk.fillTo("some", DefaultMinFree-1<<20),
		expect("change on a nearly full disk", put(s, "refused", ""), ErrFull),
		expect("event on a nearly full disk", s.Append(make([]byte, 1000)), nil),
		disk.fillTo("rest", 0),
		expect("event on a full disk", s.Append(make([]byte, 100_000)), ErrFull),
		expect("change on a full disk", put(s, "refused", ""), ErrFull),
		expect("reading on a full disk", read(s, "before"), nil),
		expect("reading what was refused", read(s, "refused"), ErrNotFound),
		disk.release("rest"),
		expect("event with some space again", s.Append(make([]byte, 100_000)), nil),
		expect("change with too little space", put(s, "refused", ""), ErrFull),
		disk.release("some"),
		expect("change with space again", put(s, "after", ""), nil),
		expect("check", s.Check(), nil),
		expect("close", s.Close(), nil),
		disk.fillTo("some", DefaultMinFree-1<<20),
	)
	_, again := Open(c)
	return errors.Join(err, expect("open on a full disk", again, ErrFull), disk.release("some"))
}

// filledByItself lets a process write until it is refused, and close.
func filledByItself(dir string, c Config, disk smallDisk) error {
	if err := disk.fillTo("some", DefaultMinFree+40<<20); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(os.Environ(), childEnv+"=fill", childDir+"="+dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("process that fills the disk: %w", err)
	}
	if err := errors.Join(disk.release("some"), disk.release("rest")); err != nil {
		return err
	}
	s, err := Open(c)
	if err != nil {
		return err
	}
	return errors.Join(
		expect("check", s.Check(), nil),
		expect("the last change that was answered", read(s, "last"), nil),
		expect("change with space again", put(s, "more", ""), nil),
		expect("close", s.Close(), nil),
	)
}

// childFill makes changes until it is refused. With every answer it replaces
// the key "last", so that old versions are there to be compacted.
func childFill(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	s, err := Open(c)
	if err != nil {
		return err
	}
	disk := smallDisk{c.Dir}
	least, made := int64(1<<62), 0
	for ; err == nil; made++ {
		err = put(s, fmt.Sprint("k", made), strings.Repeat("x", 100_000))
		if err == nil {
			err = put(s, "last", fmt.Sprint(made))
		}
		if free, ferr := disk.free(); ferr == nil {
			least = min(least, free)
		}
	}
	say("%d changes, at least %d MiB free", made, least>>20)
	return errors.Join(
		expect("change", err, ErrFull),
		expect("reading", read(s, "k0"), nil),
		expect("check", s.Check(), nil),
		disk.fillTo("rest", DefaultMinFree/2),
		expect("close", s.Close(), ErrFull),
	)
}

// childFiles makes changes while the process can open hardly any more files.
func childFiles(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	s, err := Open(c)
	if err != nil {
		return err
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	few := before
	few.Cur = 16 // the store alone has about that many open
	return errors.Join(
		expect("change", put(s, "before", ""), nil),
		unix.Setrlimit(unix.RLIMIT_NOFILE, &few),
		expect("change without files", put(s, "refused", ""), ErrFull),
		expect("reading without files", read(s, "before"), nil),
		unix.Setrlimit(unix.RLIMIT_NOFILE, &before),
		expect("change with files again", put(s, "after", ""), nil),
		expect("check", s.Check(), nil),
		expect("close", s.Close(), nil),
	)
}

func TestNothingIsBegunWithoutFiles(t *testing.T) {
	dir, _ := childRoot(t)
	require.NoError(t, childCommand(t, "files", dir).Run())
}
