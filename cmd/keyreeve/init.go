package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/examples"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a starter world: policies, cases, and a workflow that checks them",
		Long: `init writes a small world to DIR, or to this directory: a key with its policy, roles,
case lines that say what you expect, the configuration of lint, and a workflow for
GitHub that lints and tests every change. All of it is green, and yours to change.

Files that are there already are not touched: then nothing is written.`,
		Example: `  keyreeve init policies
  cd policies && keyreeve lint . && keyreeve test .`,
		Args: oneDirectory,
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			sharedFiles()
			names, err := examples.WriteStarter(dir)
			switch {
			case errors.Is(err, fs.ErrExist):
				return cannot(fmt.Errorf("%w; nothing was written: name another directory, or move those away", err))
			case err != nil:
				return cannot(err)
			}
			return cannot(welcome(c, dir, names))
		},
	}
}

// oneDirectory refuses more than one argument.
func oneDirectory(c *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return fmt.Errorf("%s takes one directory, not %d; see %s --help", c.Name(), len(args), c.CommandPath())
}

// welcome says what was written and what to do next.
func welcome(c *cobra.Command, dir string, names []string) error {
	for _, name := range names {
		if _, err := fmt.Fprintln(c.OutOrStdout(), name); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), `
A world with one key and three roles is in %[1]s. Next:

  keyreeve lint %[1]s
  keyreeve test %[1]s
  keyreeve repl %[1]s
`, dir)
	return err
}
