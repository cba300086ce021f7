package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/repl"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

// replFlags are the flags of repl.
type replFlags struct {
	command string
	json    bool
}

func newREPL() *cobra.Command {
	var f replFlags
	c := &cobra.Command{
		Use:   "repl WORLD",
		Short: "Try policies: ask who may do what, and what would change it",
		Long: `repl opens a world (a directory or .txtar file) for questions: say who asks
(as), for what (do), on which key (on), and ask (can, why). Changes (policy,
grant, off) are of the session only, until they are saved. help tells all
commands.

With -c, or with commands on standard input, it runs a script and ends at the
first command that fails. The exit code is 1 if the last question was answered
"no", 2 if a command makes no sense.`,
		Example: `  keyreeve repl world/
  keyreeve repl world/ -c 'can role/payroll kms:Decrypt key/payroll'
  keyreeve repl world/ -c 'as role/payroll; on key/payroll; off scp; can [kms:Encrypt, kms:Decrypt]'
  keyreeve repl world/ --json < questions.repl`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c, args)
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.command, "command", "c", "", "run `commands`, separated by semicolons or line ends")
	flags.BoolVar(&f.json, "json", false, "answer with one JSON object a line")
	return c
}

func (f replFlags) run(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("repl needs a world; see keyreeve repl --help")
	}
	d, err := draft.Read(args[0])
	if err != nil {
		return cannot(err)
	}
	s, err := repl.New(repl.Config{Draft: d, Path: args[0]})
	var problems world.Problems
	if errors.As(err, &problems) {
		return cannot(fmt.Errorf("the world %s is wrong:\n%w", args[0], problems.In(args[0])))
	}
	if err != nil {
		return cannot(err)
	}
	commands := repl.Split(f.command)
	if !c.Flags().Changed("command") {
		if commands, err = repl.ReadScript(c.InOrStdin()); err != nil {
			return cannot(err)
		}
	}
	return f.script(c, s, commands)
}

// script runs commands that nobody types.
func (f replFlags) script(c *cobra.Command, s *repl.Session, commands []string) error {
	outcome, err := s.Script(c.Context(), commands, c.OutOrStdout(), f.json)
	var failure *repl.Failure
	var misuse *repl.Misuse
	switch {
	case errors.As(err, &failure) && errors.As(err, &misuse):
		return fmt.Errorf("%s: %w", failure.Command, err)
	case errors.As(err, &failure):
		return cannot(fmt.Errorf("%s: %w", failure.Command, err))
	case err != nil:
		return cannot(err)
	case outcome.No:
		return &exitError{code: exitFindings, err: errNo}
	}
	return nil
}

var errNo = errors.New(`the answer is "no"`)

var _ = io.Discard
var _ = os.Stdin
