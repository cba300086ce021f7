package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/testtool"
)

var update = flag.Bool("update", false, "write into README.md what the commands print, and the status table")

const readme = "../../README.md"

// A sample is one command of the README with what it prints, or, with Await, a
// line of the server's log to wait for.
type sample struct {
	Command, Output, Await string

	first, last int // lines of the output, as [first, last)
}

var (
	heredoc   = regexp.MustCompile(`<<'?(\w+)'?`)
	awaitMark = regexp.MustCompile(`^<!-- await: (.*) -->$`)
)

// samples finds the commands in the console blocks of a document.
func samples(lines []string) []sample {
	var all []sample
	inside := false
	for n := 0; n < len(lines); n++ {
		line := lines[n]
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch mark := awaitMark.FindStringSubmatch(line); {
		case mark != nil:
			all = append(all, sample{Await: mark[1]})
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside && isCommand:
			s := sample{Command: command}
			for strings.HasSuffix(s.Command, `\`) {
				n++
				s.Command += "\n" + lines[n]
			}
			if m := heredoc.FindStringSubmatch(s.Command); m != nil {
				for lines[n] != m[1] {
					n++
					s.Command += "\n" + lines[n]
				}
			}
			s.first, s.last = n+1, n+1
			all = append(all, s)
		case inside:
			s := &all[len(all)-1]
			s.Output += line + "\n"
			s.last = n + 1
		}
	}
	return all
}

// encodedMessage is the message at the end of a refusal, which the README
// shows as an ellipsis.
var encodedMessage = regexp.MustCompile(`(Encoded authorization failure message: )[\w-]+`)

// varying is what differs from run to run.
var varying = []struct {
	what *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`/(bob|carol)-[0-9a-f]{6}`), "/$1-SESSION"},
	{encodedMessage, "$1…"},
	{regexp.MustCompile(`(?m)^aws: \[ERROR\]: `), ""}, // the AWS CLI, version 2
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
	{regexp.MustCompile(`\n+`), "\n"},
}

// steady is text without what varies.
func steady(text string) string {
	for _, v := range varying {
		text = v.what.ReplaceAllString(text, v.name)
	}
	return strings.TrimSpace(text)
}

// A shell runs commands one after the other, as a terminal does.
type shell struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func newShell(t *testing.T, dir string) *shell {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc")
	c.Dir = dir
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	c.Env = append(c.Env, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	c.Stderr = c.Stdout
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = in.Close() // ends the shell
		_ = c.Wait()   // with the code of its last command
	})
	s := &shell{t: t, in: in, out: bufio.NewReader(out)}
	s.run(`go() { shift 2; keyreeve "$@"; }`) // the README says: go run ./cmd/keyreeve …
	return s
}

// run returns what a command prints, on both outputs.
func (s *shell) run(command string) string {
	s.t.Helper()
	const end = "--- end of the command ---"
	_, err := fmt.Fprintf(s.in, "%s\nprintf '\\n%%s\\n' '%s'\n", command, end)
	require.NoError(s.t, err)
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		require.NoError(s.t, err, "%s\n%s", command, &text)
		if line == end+"\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

// TestReadmeCommandsPrintWhatItSays follows the README with a server of its own.
// With -update it writes what the commands print into the README.
func TestReadmeCommandsPrintWhatItSays(t *testing.T) {
	testtool.Client(t, "aws", "--version")
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	all := samples(lines)
	require.Greater(t, len(all), 20)

	dir := t.TempDir()
	p := serve(t, dir, "--dev")
	terminal := newShell(t, dir)
	for line := range strings.Lines(p.Out.String()) {
		if strings.HasPrefix(line, "export ") || strings.HasPrefix(line, "unset ") {
			terminal.run(line)
		}
	}
	got := make([]string, len(all))
	for i, s := range all {
		if s.Await != "" {
			p.await(p.Err, s.Await)
			continue
		}
		got[i] = terminal.run(s.Command)
		if !*update {
			assert.Equal(t, steady(s.Output), steady(got[i]), "$ %s", s.Command)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(readme, []byte(rewritten(lines, all, got)), 0o644))
	}
}

// rewritten is the document with other outputs.
func rewritten(lines []string, all []sample, outputs []string) string {
	for i, s := range slices.Backward(all) {
		if s.Command == "" || steady(s.Output) == steady(outputs[i]) {
			continue
		}
		var now []string
		if text := strings.TrimRight(encodedMessage.ReplaceAllString(outputs[i], "$1…"), "\n"); text != "" {
			now = strings.Split(text, "\n")
		}
		lines = slices.Replace(lines, s.first, s.last, now...)
	}
	return strings.Join(lines, "\n")
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestReadmeLinksLeadSomewhere(t *testing.T) {
	for _, file := range []string{readme, "../README.md", "../../examples/README.md", "../../examples/recipes/README.md", "../../examples/tutorial/README.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(file), m[1]))
			assert.NoError(t, err, "%s: %s", file, m[1])
		}
	}
}
