package store

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
)

// The tests of what outlives a process run a child: the test binary, which
// then plays the part that childEnv names on the store in childDir.
const (
	childEnv = "KEYREEVE_STORE_TEST_CHILD"
	childDir = "KEYREEVE_STORE_TEST_DIR"
)

var childParts = map[string]func(dir string) error{
	"lock":   childLock,
	"load":   childLoad,
	"sync":   childSync,
	"fail":   childFail,
	"append": childAppend,
	"repack": childRepack,
}

func TestMain(m *testing.M) {
	name := os.Getenv(childEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := childParts[name](os.Getenv(childDir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childCommand is a child that plays a part in dir, behind the command wrap.
func childCommand(t testing.TB, part, dir string, wrap ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := append(wrap, self)
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+part, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// childRoot makes the directory of a child with its root key.
func childRoot(t testing.TB) (dir string, c Config) {
	t.Helper()
	dir = t.TempDir()
	root, err := seal.CreateRootKey(filepath.Join(dir, "root.key"), randReader)
	require.NoError(t, err)
	return dir, Config{Dir: filepath.Join(dir, "store"), Root: root}
}

// childConfig is the store of childRoot, as the child sees it.
func childConfig(dir string) (Config, error) {
	root, err := seal.LoadRootKey(filepath.Join(dir, "root.key"))
	return Config{Dir: filepath.Join(dir, "store"), Root: root,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 1}))}, err
}

// say writes one line to the parent, in one system call.
func say(format string, args ...any) {
	if _, err := os.Stdout.WriteString(fmt.Sprintf(format, args...) + "\n"); err != nil {
		os.Exit(2) // the parent is gone
	}
}

// lines collects what a child says, until it ends.
func lines(t testing.TB, cmd *exec.Cmd) <-chan string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := make(chan string, 1<<16)
	go func() {
		defer close(said)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			said <- strings.TrimSpace(scanner.Text())
		}
	}()
	return said
}

// childLock opens the store, and keeps it until it is killed.
func childLock(dir string) error {
	c, err := childConfig(dir)
	if err != nil {
		return err
	}
	if _, err := Open(c); err != nil {
		return err
	}
	say("open")
	select {}
}
