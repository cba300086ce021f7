package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/lsp"
)

func newLSP() *cobra.Command {
	return &cobra.Command{
		Use:   "lsp",
		Short: "Serve an editor: diagnostics, completion, hover, lenses, formatting",
		Long: `lsp speaks the Language Server Protocol (3.17) on standard input and output. An editor
starts it; there is nothing to type. examples/editors has the settings for VS Code and
Neovim.

While you type it shows
  diagnostics     what keyreeve lint finds, with fixes, and the cases that fail now;
  completion      actions, condition keys that requests for them hold, operators that
                  fit, principals and keys of the world; also in files of cases;
  hover           what an action, a condition key, an operator or an ARN is;
  code lenses     who may use a key, and how each case comes out;
  formatting      what keyreeve fmt does; and statements by Sid in the outline.

A file belongs to the world whose world.yaml lies beside or above it. What other open
files hold counts, saved or not. It reads files and writes none, and opens no
connections. What goes wrong is told in the editor's output panel.

Exit codes: 0 the editor said shutdown and exit; 1 it went away without; 2 wrong flags;
3 what it sent is no message of the protocol.`,
		Example: `  keyreeve lsp                                                 # what an editor runs
  vim.lsp.config('keyreeve', {cmd = {'keyreeve', 'lsp'}, …})   # Neovim, see examples/editors`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			err := lsp.Serve(c.Context(), lsp.Config{In: c.InOrStdin(), Out: c.OutOrStdout(), Version: version(), Now: time.Now})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return &exitError{exitFindings, err}
			}
			return cannot(err)
		},
	}
}
