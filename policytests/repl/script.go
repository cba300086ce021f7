package repl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Pending tells whether a command goes on in the next line: it ends inside of
// quotes that may span lines, brackets or braces, or in a backslash.
func Pending(text string) bool {
	if strings.HasSuffix(strings.TrimRight(text, " \t"), `\`) {
		return true
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case quoted && c == '\n':
			quoted = false // no text spans lines: this one is a slip, told when it is read
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '#' && depth == 0 && (i == 0 || strings.IndexByte(" \t\n", text[i-1]) >= 0):
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case c == '{' || c == '[' && (depth > 0 || i == 0 || strings.IndexByte(" \t\n=", text[i-1]) >= 0):
			depth++
		case (c == '}' || c == ']') && depth > 0:
			depth--
		}
	}
	return depth > 0
}

// Split takes a script apart into commands: at line ends and semicolons outside
// of quotes, lists and policies. A line that begins with a blank goes on with
// the one before, as in case files.
func Split(text string) []string {
	var all []string
	current := ""
	end := func() {
		if command := strings.TrimSpace(joined(current)); command != "" && command[0] != '#' {
			all = append(all, command)
		}
		current = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		goesOn := line != "" && (line[0] == ' ' || line[0] == '\t')
		if current != "" && !Pending(current) && !goesOn {
			end()
		}
		if current != "" {
			current += "\n"
		}
		for _, part := range semicolons(current, line) {
			if part == ";" {
				end()
				continue
			}
			current += part
		}
	}
	end()
	return all
}

// semicolons takes a line apart at semicolons where a command can end, given
// what of the command came before.
func semicolons(before, line string) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '#' && !quoted && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t' || line[i-1] == ';') && !Pending(before+line[start:i]):
			return append(parts, line[start:])
		case c == ';' && !quoted && !Pending(before+line[start:i]):
			parts = append(parts, line[start:i], ";")
			before, start = "", i+1
		}
	}
	return append(parts, line[start:])
}

// joined is a command without the backslashes that end its lines.
func joined(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(strings.TrimRight(l, " \t"), `\`)
	}
	return strings.Join(lines, "\n")
}

// An Outcome is how a script ended.
type Outcome struct {
	No bool // the last question was answered "no", or found something
}

// A Failure says at which command a script ended.
type Failure struct {
	Command string
	Err     error
}

// Error is the message of the command's error.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap is the command's error.
func (f *Failure) Unwrap() error { return f.Err }

// A Line is what a command came to, as one line of JSON.
type Line struct {
	Command string `json:"command"`
	Result  any    `json:"result,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Script carries out commands and writes their answers to out, as text or as
// one JSON object a line. It ends at the first command that fails.
func (s *Session) Script(ctx context.Context, commands []string, out io.Writer, asJSON bool) (Outcome, error) {
	var outcome Outcome
	for _, c := range commands {
		a, err := s.Eval(ctx, c)
		if err != nil {
			failure := &Failure{c, err}
			if asJSON {
				return outcome, errors.Join(failure, writeLine(out, Line{Command: c, Error: err.Error()}))
			}
			return outcome, failure
		}
		if a.Quit || ctx.Err() != nil {
			return outcome, ctx.Err()
		}
		if isQuestion(c) {
			outcome.No = a.No
		}
		if asJSON {
			err = writeLine(out, Line{Command: c, Result: a.Value})
		} else {
			err = writeText(out, a)
		}
		if err != nil {
			return outcome, err
		}
	}
	return outcome, nil
}

// questions are the commands whose answer is yes or no.
var questions = []string{"can", "why", "explain", "why-not", "diff", "lint"}

func isQuestion(line string) bool {
	name, _ := cutWord(line)
	return slices.Contains(questions, name)
}

// writeLine writes what a command came to as a line of JSON.
func writeLine(out io.Writer, l Line) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(l)
}

// writeText writes an answer for people, if there is anything to say.
func writeText(out io.Writer, a Answer) error {
	if a.Text == "" {
		return nil
	}
	_, err := fmt.Fprintln(out, a.Text)
	return err
}

// maxScript bounds what is read as a script, in bytes.
const maxScript = 8 << 20

// ReadScript reads all commands of a script.
func ReadScript(in io.Reader) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(bufio.NewReader(in), maxScript+1))
	if err == nil && len(text) > maxScript {
		err = errors.New("the script is larger than 8 MiB")
	}
	return Split(string(text)), err
}
