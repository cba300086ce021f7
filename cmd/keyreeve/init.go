package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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

The workflow goes to .github at the root of the git repository that DIR is in, where
GitHub looks for it. Files that are there already are not touched: then nothing is
written.`,
		Example: `  keyreeve init policies
  cd policies && keyreeve lint . && keyreeve test .`,
		Args: oneDirectory,
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			sharedFiles()
			root := repositoryOf(dir)
			names, err := examples.WriteStarter(dir, root)
			switch {
			case errors.Is(err, fs.ErrExist):
				return cannot(fmt.Errorf("%w; nothing was written: name another directory, or move those away", err))
			case err != nil:
				return cannot(err)
			}
			return cannot(welcome(c, dir, root, names))
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

// repositoryOf is the root of the git repository that a directory is in, which
// need not be there yet, from the root of the file system; empty if it is in
// none.
func repositoryOf(dir string) string {
	at, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		up := filepath.Dir(at)
		if up == at {
			return ""
		}
		at = up
	}
}

// welcome says what was written and what to do next.
func welcome(c *cobra.Command, dir, root string, names []string) error {
	for _, name := range names {
		if _, err := fmt.Fprintln(c.OutOrStdout(), name); err != nil {
			return err
		}
	}
	place := dir
	if absolute, err := filepath.Abs(dir); err == nil && filepath.Clean(dir) == "." {
		place = "this directory, " + filepath.Base(absolute)
	}
	note := ""
	if root == "" {
		note = fmt.Sprintf("\nGitHub runs the workflow where %s is the root of a repository; in a larger one, move .github\nto its root and have the job work in the directory.\n", place)
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), `
A world with one key and three roles is in %[2]s. Next:

  keyreeve lint %[1]s
  keyreeve test %[1]s
  keyreeve repl %[1]s
%[3]s`, dir, place, note)
	return err
}
