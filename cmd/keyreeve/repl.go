package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/dump"
	"github.com/keyreeve/keyreeve/policytests/repl"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// replFlags are the flags of repl.
type replFlags struct {
	command string
	json    bool
	history string
	server  string
	dump    string
}

func newREPL() *cobra.Command {
	var f replFlags
	c := &cobra.Command{
		Use:   "repl WORLD | repl --server URL [WORLD] | repl --aws-dump DIR",
		Short: "Try policies: ask who may do what, and what would change it",
		Long: `repl opens a world (a directory or .txtar file) for questions: say who asks
(as), for what (do), on which key (on), through what and when (via, at), and ask
(can, why). Changes (policy, grant, off) are of the session only, until they are
saved. help tells all commands, with examples.

On a terminal there is a history, completion by Tab, and lines that go on while
a bracket is open; what is changed on disk is loaded again.

--server asks a running keyreeve, or another service that speaks the KMS protocol,
for its keys, with their policies, aliases, tags and grants; who there is comes from
WORLD. Credentials, Region and CA bundle are found as AWS's SDKs find them
(AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_REGION, AWS_CA_BUNDLE, …).

--aws-dump reads a directory of what the AWS CLI prints, as examples/aws-dump/dump.sh
makes it: IAM, keys, VPC endpoints and the organization of an account.

With -c, or with commands on standard input, repl runs a script and ends at the
first command that fails. The exit code is 1 if the last question was answered
"no", 2 if a command makes no sense, 3 if it could not be carried out.`,
		Example: `  keyreeve repl world/
  keyreeve repl world/ -c 'can role/payroll kms:Decrypt key/payroll'
  keyreeve repl world/ -c 'as role/payroll; on key/payroll; off scp; can [kms:Encrypt, kms:Decrypt]'
  keyreeve repl world/ --json < questions.repl
  AWS_PROFILE=acme keyreeve repl --server https://localhost:8443 world/
  keyreeve repl --aws-dump acme-2026-11-23/ -c 'who-can kms:Decrypt alias/payroll'`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c, args)
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.command, "command", "c", "", "run `commands`, separated by semicolons or line ends")
	flags.BoolVar(&f.json, "json", false, "answer with one JSON object a line")
	flags.StringVar(&f.server, "server", "", "take the keys from a running service at `URL`")
	flags.StringVar(&f.dump, "aws-dump", "", "take the world from a `directory` of the AWS CLI's answers")
	_ = c.MarkFlagDirname("aws-dump") // the flag is there
	flags.StringVar(&f.history, "history", "", "`file` for what is typed (default keyreeve/history in $XDG_STATE_HOME, ~/.local/state without it); - keeps none")
	return c
}

func (f replFlags) run(c *cobra.Command, args []string) error {
	if err := f.check(args); err != nil {
		return fmt.Errorf("%w; see keyreeve repl --help", err)
	}
	live := !c.Flags().Changed("command") && isTerminal(os.Stdin) && isTerminal(c.OutOrStdout()) && !f.json
	cfg := repl.Config{Style: styleOf(c.OutOrStdout()), Interactive: live}
	told := startProgress(c.ErrOrStderr(), "reading the world")
	if f.server != "" {
		told.tell("asking %s", f.server)
	}
	err := f.open(c.Context(), args, &cfg)
	told.stop()
	if err != nil {
		return cannot(err)
	}
	if live {
		cfg.Out, cfg.Edit = c.OutOrStdout(), editText
	} else {
		for _, n := range cfg.Notes {
			_, _ = fmt.Fprintln(c.ErrOrStderr(), "note:", n) // what matters is the answers
		}
	}
	s, err := repl.New(cfg)
	var problems world.Problems
	if errors.As(err, &problems) {
		return cannot(fmt.Errorf("the world is wrong:\n%w", problems.In(cfg.Path)))
	}
	if err != nil {
		return cannot(err)
	}
	if live {
		return cannot(f.talk(c, s))
	}
	commands := repl.Split(f.command)
	if !c.Flags().Changed("command") {
		if commands, err = repl.ReadScript(c.InOrStdin()); err != nil {
			return cannot(err)
		}
	}
	return f.script(c, s, commands)
}

// check refuses sources that contradict each other.
func (f replFlags) check(args []string) error {
	switch {
	case f.server != "" && f.dump != "":
		return errors.New("--server and --aws-dump are two sources; name one")
	case f.dump != "" && len(args) > 0:
		return errors.New("--aws-dump brings a whole world, so there is no other")
	case f.server == "" && f.dump == "" && len(args) == 0:
		return errors.New("repl needs a world: a directory, a .txtar file, --server or --aws-dump")
	}
	return nil
}

// open reads the world from where the flags say.
func (f replFlags) open(ctx context.Context, args []string, cfg *repl.Config) (err error) {
	if len(args) > 0 {
		if cfg.Draft, err = draft.Read(args[0]); err != nil {
			return err
		}
	}
	switch {
	case f.server != "":
		return f.ask(ctx, len(args) > 0, cfg)
	case f.dump != "":
		told, err := dump.Read(f.dump)
		if err != nil {
			return err
		}
		files, err := told.Files()
		cfg.Draft, cfg.Notes = draft.Of(files), told.Notes
		return err
	}
	cfg.Path = args[0]
	return nil
}

// ask takes the keys from a server; into the world, if one is given.
func (f replFlags) ask(ctx context.Context, into bool, cfg *repl.Config) error {
	told, err := dump.FromServer(ctx, f.server)
	if err != nil {
		return err
	}
	if into {
		w, err := cfg.Draft.World()
		if err != nil {
			return err
		}
		told.Known = func(arn string) bool {
			_, known := w.UniqueID(arn)
			return known
		}
	}
	files, err := told.Files()
	if err != nil {
		return err
	}
	cfg.Notes = told.Notes
	if !into {
		cfg.Draft = draft.Of(files)
		return nil
	}
	cfg.Draft, err = cfg.Draft.Merge(draft.Of(files))
	return err
}

// talk serves somebody at the terminal, whom Ctrl-C does not throw out.
func (f replFlags) talk(c *cobra.Command, s *repl.Session) error {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(c.Context()), syscall.SIGTERM)
	defer stop()
	style := func() report.Style { return styleOf(c.OutOrStdout()) }
	return s.Terminal(ctx, repl.TerminalConfig{History: f.historyFile(), Watch: true, Style: style})
}

// historyFile is where what is typed is kept; empty: nowhere.
func (f replFlags) historyFile() string {
	switch {
	case f.history == "-":
		return ""
	case f.history != "":
		return f.history
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // as the XDG Base Directory Specification asks
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "keyreeve", "history")
}

// script runs commands that nobody types.
func (f replFlags) script(c *cobra.Command, s *repl.Session, commands []string) error {
	outcome, err := s.Script(c.Context(), commands, c.OutOrStdout(), f.json)
	var failure *repl.Failure
	var misuse *repl.Misuse
	switch {
	case errors.As(err, &failure) && errors.As(err, &misuse):
		return fmt.Errorf("%s: %w", headline(failure.Command), err)
	case errors.As(err, &failure):
		return cannot(fmt.Errorf("%s: %w", headline(failure.Command), err))
	case err != nil:
		return cannot(err)
	case outcome.No:
		return &exitError{code: exitFindings, err: errNo}
	}
	return nil
}

var errNo = errors.New(`the last answer is "no"`)

// headline is the first line of a command.
func headline(command string) string {
	first, _, more := strings.Cut(command, "\n")
	if more {
		first += " …"
	}
	return first
}

// editText has somebody change a text in $VISUAL or $EDITOR.
func editText(name, text string) (string, error) {
	editor := strings.Fields(os.Getenv("VISUAL"))
	if len(editor) == 0 {
		editor = strings.Fields(os.Getenv("EDITOR"))
	}
	if len(editor) == 0 {
		return "", errors.New("neither VISUAL nor EDITOR is set; replace the policy with: policy PLACE { … }")
	}
	dir, err := os.MkdirTemp("", "keyreeve-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in the system's temporary directory
	file := filepath.Join(dir, strings.Map(plainLetter, name)+".json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	run := exec.Command(editor[0], append(editor[1:], file)...) //nolint:noctx // it ends when its user says so
	run.Stdin, run.Stdout, run.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := run.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", editor[0], err)
	}
	changed, err := os.ReadFile(file)
	return string(changed), err
}

func plainLetter(r rune) rune {
	if strings.ContainsRune("/\\ @:", r) {
		return '-'
	}
	return r
}
