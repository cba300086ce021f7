package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/policytests/format"
	"github.com/keyreeve/keyreeve/policytests/safetext"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// fmtFlags are the flags of fmt.
type fmtFlags struct {
	check, diff bool
}

func newFmt() *cobra.Command {
	var f fmtFlags
	c := &cobra.Command{
		Use:   "fmt PATH…",
		Short: "Lay out policies in one canonical order",
		Long: `fmt lays out the JSON policies below each PATH: Version, Id, Statement; in a statement
Sid, Effect, Principal, Action, Resource, Condition; conditions by name; short values
on one line. Statements and lists keep their order, and no policy changes its meaning:
that is checked before a file is written.

It names the files that it changes. What is not a file of its own (policies in
templates, plans and world files) stays as it is. For - it reads standard input and
writes to standard output.

Exit codes: 0 done, or with --check nothing to do; 1 --check found files to lay out;
2 wrong flags; 3 a file is no policy that can be laid out.`,
		Example: `  keyreeve fmt policies/
  keyreeve fmt --check policies/        # in CI
  keyreeve fmt --diff payroll.key.json
  aws kms get-key-policy --key-id $KEY --query Policy --output text | keyreeve fmt -`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("fmt needs a file, a directory, a world, or - for standard input; see keyreeve fmt --help")
			}
			return f.fmt(c, args)
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.check, "check", false, "write nothing, name the files that are laid out otherwise, and exit with 1 if there are any")
	flags.BoolVar(&f.diff, "diff", false, "write nothing, and show what would change")
	return c
}

func (f fmtFlags) fmt(c *cobra.Command, paths []string) error {
	changed := 0
	var wrong []string
	for _, path := range paths {
		if path == "-" {
			n, err := f.stdin(c)
			if err != nil {
				return cannot(err)
			}
			changed += n
			continue
		}
		n, faults, err := f.path(c.OutOrStdout(), path)
		if err != nil {
			return cannot(err)
		}
		changed += n
		wrong = append(wrong, faults...)
	}
	switch {
	case len(wrong) > 0:
		return cannot(fmt.Errorf("%s; keyreeve lint says more\n%s", count(len(wrong), "file")+" not laid out", strings.Join(wrong, "\n")))
	case f.check && changed > 0:
		return &exitError{exitFindings, fmt.Errorf("%s laid out otherwise; keyreeve fmt mends that", count(changed, "file"))}
	}
	return nil
}

func (f fmtFlags) stdin(c *cobra.Command) (changed int, err error) {
	text, err := io.ReadAll(c.InOrStdin())
	if err != nil {
		return 0, err
	}
	laid, err := format.Policy(text)
	if err != nil {
		return 0, fmt.Errorf("standard input is no policy that can be laid out:\n%w", err)
	}
	if !f.check && !f.diff {
		_, err := c.OutOrStdout().Write(laid)
		return 0, err
	}
	return f.tell(c.OutOrStdout(), "standard input", text, laid)
}

// path lays out the policies below a path that are files of their own.
func (f fmtFlags) path(out io.Writer, path string) (changed int, wrong []string, err error) {
	found, err := extract.Paths([]string{path}, extract.Options{})
	if err != nil {
		return 0, nil, err
	}
	seen := map[string]bool{}
	for _, p := range found.Policies {
		source := p.Source()
		if at, ok := p.Verbatim(); !ok || at != 0 || len(p.Text) != len(source.Text) || p.Generated || p.Grants || seen[source.Path] {
			continue
		}
		seen[source.Path] = true
		laid, err := format.Policy(p.Text)
		if err != nil {
			wrong = append(wrong, firstFault(p.File, err))
			continue
		}
		if same, known := format.Same(p.Kind, p.Text, laid); known && !same {
			return changed, wrong, fmt.Errorf("%s would change its meaning, so it stays as it is: please report this policy", p.File)
		}
		n, err := f.tell(out, p.File, p.Text, laid)
		if err != nil {
			return changed, wrong, err
		}
		changed += n
		if n > 0 && !f.check && !f.diff {
			if err := replaceFile(source.Path, laid); err != nil {
				return changed, wrong, err
			}
		}
	}
	for _, e := range found.Errors {
		wrong = append(wrong, safetext.Text(e.Error()))
	}
	if len(seen) == 0 && len(wrong) == 0 {
		return 0, nil, fmt.Errorf("%s holds no policy that is a file of its own", path)
	}
	return changed, wrong, nil
}

// tell names a file that is laid out otherwise, or shows how.
func (f fmtFlags) tell(out io.Writer, name string, before, after []byte) (changed int, err error) {
	if bytes.Equal(before, after) {
		return 0, nil
	}
	name = safetext.Text(name)
	if f.diff {
		_, err = io.WriteString(out, safetext.Lines(string(diff.Diff(name, before, name+" (laid out)", after))))
		return 1, err
	}
	_, err = fmt.Fprintln(out, safetext.Lines(name))
	return 1, err
}

// firstFault says where a file is wrong.
func firstFault(file string, err error) string {
	var faults policy.Errors
	if errors.As(err, &faults) && len(faults) > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", safetext.Text(file), faults[0].Pos.Line, faults[0].Pos.Column, faults[0].Message)
	}
	return safetext.Text(file) + ": " + err.Error()
}
