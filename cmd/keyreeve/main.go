// Command keyreeve is a key management service that speaks the AWS KMS
// protocol and decides every call with compiled policies.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of all commands.
const (
	exitFindings = 1 // the command worked and the answer is "no"
	exitMisuse   = 2 // wrong flags or arguments
	exitCannot   = 3 // the command could not do its work
)

// An exitError ends the process with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "keyreeve:", err)
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitMisuse
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "keyreeve",
		Short: "A key management service whose heart is authorization",
		Long: `keyreeve speaks the AWS KMS protocol and decides every call with an embedded
OPA, from key policies, IAM policies, grants and sessions compiled to Rego.`,
		Example: `  keyreeve serve --dev
  keyreeve tls-probe localhost:8443`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newTLSProbe())
	return root
}

// cannot marks an error of the work itself, as opposed to one of usage.
func cannot(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitCannot, err}
}
