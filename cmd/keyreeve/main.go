// Command keyreeve is a key management service that speaks the AWS KMS
// protocol and decides every call with compiled policies.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/safetext"
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
	ownFiles()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run carries out a command line and returns the exit code.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "keyreeve:", message(err, args))
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitMisuse
}

// message is an error for the terminal. Arguments that it repeats are one line.
func message(err error, args []string) string {
	text := plainly(err)
	for _, arg := range args {
		_, value, _ := strings.Cut(arg, "=")
		for _, part := range []string{arg, value} {
			if plain := safetext.Text(part); plain != part {
				text = strings.ReplaceAll(text, part, plain)
			}
		}
	}
	return safetext.Lines(text)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "keyreeve",
		Short: "A key management service whose heart is authorization",
		Long: `keyreeve speaks the AWS KMS protocol and decides every call with an embedded
OPA, from key policies, IAM policies, grants and sessions compiled to Rego.

Exit codes: 0 fine; 1 the command worked and the answer is "no"; 2 wrong flags
or arguments; 3 the command could not do its work.`,
		Example: `  keyreeve init policies && keyreeve lint policies && keyreeve test policies
  keyreeve explain -w policies role/payroll kms:Decrypt key/payroll
  keyreeve serve --dev
  keyreeve tls-probe localhost:8443`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(misused)
	root.SetVersionTemplate("keyreeve {{.Version}}\n")
	root.AddGroup(&cobra.Group{ID: groupAuthors, Title: "For policy authors and CI:"}, &cobra.Group{ID: groupService, Title: "The service:"},
		&cobra.Group{ID: groupItself, Title: "The command itself:"})
	addGroup(root, groupAuthors,
		newCompile(),
		newDecide(),
		newDiff(),
		newExplain(),
		newFmt(),
		newInit(),
		newLint(),
		newLSP(),
		newMan(),
		newWhatCan(),
		newWhoCan(),
		newWhyNot(),
		newREPL(),
		newSchema(),
		newTest(),
	)
	addGroup(root, groupService,
		newServe(),
		newCreateData(),
		newEvents(),
		newTLSProbe(),
	)
	describeItself(root)
	return root
}

// Groups of commands in the help.
const (
	groupAuthors = "authors"
	groupService = "service"
	groupItself  = "itself"
)

// addGroup adds commands to root, as members of a group.
func addGroup(root *cobra.Command, id string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = id
		root.AddCommand(c)
	}
}

// version is that of the module, with the revision of the source it was built
// from where the build knows one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	version := cmp.Or(info.Main.Version, "(devel)")
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.revision"] == "" {
		return version
	}
	version += ", revision " + settings["vcs.revision"]
	if settings["vcs.modified"] == "true" {
		version += " with changes"
	}
	return version
}

// cannot marks an error of the work itself, as opposed to one of usage.
func cannot(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitCannot, err}
}
