package repl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/repl"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

// What the environment of a process of this test says if it is to be a session
// at its terminal: the world, and the file of the history.
const (
	worldVariable   = "KEYREEVE_TEST_WORLD"
	historyVariable = "KEYREEVE_TEST_HISTORY"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(worldVariable); path != "" {
		if err := beSession(path); err != nil {
			fmt.Println("session failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beSession(path string) error {
	d, err := draft.Read(path)
	if err != nil {
		return err
	}
	s, err := repl.New(repl.Config{Draft: d, Path: path, Interactive: true, Out: os.Stdout})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return s.Terminal(ctx, repl.TerminalConfig{History: os.Getenv(historyVariable), Watch: true})
}

// A screen is a session under a pseudo-terminal.
type screen struct {
	t     *testing.T
	tty   *os.File
	run   *exec.Cmd
	parts chan string // what is written to the terminal; closed at its end
	seen  string      // since the last expectation that was met
}

const patience = 10 * time.Second

// start begins a session on a world.
func start(t *testing.T, world, history string) *screen {
	t.Helper()
	settings := filepath.Join(t.TempDir(), "inputrc") // the editor would ask this terminal where its cursor is
	require.NoError(t, os.WriteFile(settings, []byte("set cursor-position-probe off\n"), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	s := &screen{t: t, run: exec.CommandContext(ctx, os.Args[0]), parts: make(chan string, 1024)}
	s.run.Env = append(os.Environ(), worldVariable+"="+world, historyVariable+"="+history, "TERM=xterm-256color", "INPUTRC="+settings)
	var err error
	s.tty, err = pty.StartWithSize(s.run, &pty.Winsize{Rows: 40, Cols: 120})
	if errors.Is(err, pty.ErrUnsupported) {
		t.Skip("there are no pseudo-terminals here")
	}
	require.NoError(t, err)
	go s.read()
	t.Cleanup(func() {
		_ = s.tty.Close() // ends the session, if it is still there
		for range s.parts {
		}
	})
	s.expect("Ctrl-D leaves")
	s.expect("> ")
	return s
}

func (s *screen) read() {
	defer close(s.parts)
	buffer := make([]byte, 4096)
	for {
		n, err := s.tty.Read(buffer)
		if n > 0 {
			s.parts <- string(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// escapes are what moves the cursor and gives colours.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]|\r`)

// expect waits until a text stands on the terminal.
func (s *screen) expect(text string) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		plain := escapes.ReplaceAllString(s.seen, "")
		if i := strings.LastIndex(plain, text); i >= 0 {
			s.seen = plain[i+len(text):]
			return
		}
		select {
		case part, open := <-s.parts:
			if !open {
				require.FailNow(s.t, "the session ended", "%q was expected after %q", text, plain)
			}
			s.seen += part
		case <-deadline:
			require.FailNow(s.t, "nothing came", "%q was expected after %q", text, plain)
		}
	}
}

// send types.
func (s *screen) send(keys string) {
	s.t.Helper()
	_, err := io.WriteString(s.tty, keys)
	require.NoError(s.t, err)
}

// enters types a line, and waits for what it is answered with.
func (s *screen) enters(line, answer string) {
	s.t.Helper()
	s.send(line + enter)
	s.expect(answer)
}

// leave ends the session in order.
func (s *screen) leave() {
	s.t.Helper()
	s.expect("> ")
	s.send(controlD)
	require.NoError(s.t, s.ended())
}

// ended waits for the end of the session, and tells how it ended.
func (s *screen) ended() error {
	for part := range s.parts {
		s.seen += part
	}
	return s.run.Wait()
}

// Keys of a terminal.
const (
	enter, tab, up       = "\r", "\t", "\x1b[A"
	controlC, controlD   = "\x03", "\x04"
	pasteBegin, pasteEnd = "\x1b[200~", "\x1b[201~"
)

func TestTabCompletesWhatTheWorldHas(t *testing.T) {
	s := start(t, world(t), "")
	s.send("can role/pay" + tab)
	s.expect("can role/payroll")
	s.send("kms:Decr" + tab)
	s.expect("kms:Decrypt")
	s.send("alias/" + tab)
	s.expect("alias/payroll")
	s.send("kms:EncryptionCon" + tab)
	s.expect("kms:EncryptionContext:dept=finance")
	s.send("dept=fin" + tab)
	s.expect("dept=finance")
	s.send(enter)
	s.expect("allow  role/payroll kms:Decrypt alias/payroll")
	s.send("quit" + enter)
	require.NoError(t, s.ended())
}

func TestControlCTakesBackTheLineAndControlDLeaves(t *testing.T) {
	s := start(t, world(t), "")
	s.send("can role/pay")
	s.expect("can role/pay")
	s.send(controlC)
	s.expect("> ")
	s.enters("do kms:Encrypt", "do kms:Encrypt")
	s.enters("policy key/payroll {", "…")
	s.send(controlC)
	s.expect("> ")
	s.enters("show layers", "boundary")
	s.leave()
}

const pasted = `policy role/payroll use {
	"Version": "2012-10-17",
	"Statement": [
		{"Sid": "Pasted", "Effect": "Allow", "Action": "kms:Sign", "Resource": "*"}
	]
}`

func TestPastedPolicyIsOneCommandAndOneEntryOfTheHistory(t *testing.T) {
	history := filepath.Join(t.TempDir(), "state", "history")
	dir := world(t)
	s := start(t, dir, history)
	s.send(pasteBegin + pasted + pasteEnd)
	s.expect(`"Resource": "*"`)
	s.send(enter)
	s.expect("changed: policy role/payroll@111122223333 use")
	s.enters("can role/payroll kms:Sign key/signing", "allow  role/payroll kms:Sign key/signing")
	s.leave()

	text, err := os.ReadFile(history)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 2)
	var entry string
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &entry))
	assert.Equal(t, pasted, entry)
	info, err := os.Stat(history)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	again := start(t, dir, history)
	again.send(up + up)
	again.expect(`"Sid": "Pasted"`)
	again.send(enter)
	again.expect("changed: policy role/payroll@111122223333 use")
	again.expect("> ")
	again.enters(up, "changed: policy role/payroll@111122223333 use")
	again.leave()
}

func TestCommandGoesOnWhileABracketIsOpen(t *testing.T) {
	s := start(t, world(t), "")
	s.enters("can role/payroll [kms:Decrypt,", "…")
	s.enters("kms:Encrypt] key/payroll", "deny   role/payroll kms:Encrypt key/payroll")
	s.enters("policy key/payroll {"+enter+enter, "this is no key policy")
	s.leave()
}

func TestWorldThatChangesOnDiskIsLoadedAgain(t *testing.T) {
	dir := world(t)
	s := start(t, dir, "")
	const ask = "can role/payroll kms:Encrypt key/payroll"
	s.enters(ask, "deny   role/payroll kms:Encrypt key/payroll")
	name := filepath.Join(dir, "use.json")
	text, err := os.ReadFile(name)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(name, []byte(`{"Version": "2012-10-17"`), 0o600))
	s.expect("the world on disk is wrong")
	s.enters(ask, "this session still has the one before")
	s.expect("deny   role/payroll kms:Encrypt key/payroll")

	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(string(text), "kms:Decrypt", "kms:Encrypt", 1)), 0o600))
	s.expect("the world changed on disk")
	s.enters("can role/payroll kms:Encrypt key/payroll kms:EncryptionContext:dept=finance", "the world was loaded again")
	s.expect("allow  role/payroll kms:Encrypt key/payroll")
	s.leave()
}

func TestSessionInOPAsREPLComesBack(t *testing.T) {
	s := start(t, world(t), "")
	s.enters("as role/payroll; do kms:Decrypt; on key/payroll", "on key/payroll")
	s.enters(":rego", "comes back")
	s.expect("> ")
	s.enters("data.keyreeve.answer.decision.reason", `"no-allow"`)
	s.expect("> ")
	s.enters("exit", "role/payroll key/payroll> ")
	s.enters("show layers", "boundary")
	s.leave()
}

func TestSignalEndsTheSessionInOrder(t *testing.T) {
	s := start(t, world(t), "")
	s.send("can role/" + tab)
	s.expect("role/payroll")
	require.NoError(t, s.run.Process.Signal(syscall.SIGTERM))
	require.NoError(t, s.ended())
}
