package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// testFlags are the flags of test.
type testFlags struct {
	run        string
	failOnly   bool
	failEmpty  bool
	format     string
	guardrails string
}

func newTest() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test PATH…",
		Short: "Decide case lines in worlds: what should be allowed and denied, and why",
		Long: `test decides the cases below each PATH with the engine that serves requests: worlds
(directories or .txtar files with *.cases in them), directories of worlds, and
.cases files inside a world. A case is one line:

  allow role/payroll  kms:Decrypt  key/payroll  kms:EncryptionContext:dept=finance
  deny  role/payroll  kms:Decrypt  key/payroll  because no-allow

A case that fails tells what was wanted, what came out, what each layer of policies
said, and the statement that would nearly have allowed it.

Exit codes: 0 all as expected; 1 a case failed; 2 wrong flags or arguments; 3 a
world or a line cannot be decided.`,
		Example: `  keyreeve test policies/
  keyreeve test policies/payroll.cases --run 'Payroll key' --fail-only`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("test needs a world, a directory of worlds, or a .cases file; see keyreeve test --help")
			}
			return f.test(c, args)
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.run, "run", "", "only cases whose file, line, title or text match a `regexp`")
	flags.BoolVar(&f.failOnly, "fail-only", false, "tell only of cases that failed or cannot be decided")
	flags.BoolVar(&f.failEmpty, "fail-on-empty", false, "fail if no case was decided")
	flags.StringVar(&f.format, "format", "text", "text or json")
	flags.StringVar(&f.guardrails, "guardrails", "", "`directory` of the organization's own Rego, which takes part")
	return c
}

func (f testFlags) test(c *cobra.Command, paths []string) error {
	var o policytests.Options
	var err error
	if f.run != "" {
		if o.Select, err = regexp.Compile(f.run); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	rails, err := loadGuardrails(f.guardrails)
	if err != nil {
		return cannot(err)
	}
	if o.Engine, err = decision.New(decision.Config{Cache: true, Guardrails: func() *guardrail.Set { return rails }}); err != nil {
		return cannot(err)
	}
	report, err := policytests.Run(c.Context(), paths, o)
	var problems policytests.Problems
	if err != nil && !errors.As(err, &problems) {
		return cannot(err)
	}
	if f.format == "json" {
		err = json.NewEncoder(c.OutOrStdout()).Encode(report)
	} else {
		err = f.text(c.OutOrStdout(), report)
	}
	if err != nil {
		return cannot(err)
	}
	return f.verdict(report)
}

func (f testFlags) text(out io.Writer, report policytests.Report) error {
	for _, r := range report.Results {
		switch {
		case r.Failure != nil:
			if _, err := fmt.Fprintf(out, "FAIL %s\n%s\n", r.Name(), r.Failure); err != nil {
				return err
			}
		case !f.failOnly:
			if _, err := fmt.Fprintf(out, "ok   %s\n", r.Name()); err != nil {
				return err
			}
		}
	}
	for _, p := range report.Problems {
		if _, err := fmt.Fprintf(out, "???? %s\n", p); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the exit code of a run.
func (f testFlags) verdict(report policytests.Report) error {
	failed := len(report.Failed())
	switch {
	case len(report.Problems) > 0:
		return cannot(fmt.Errorf("%d lines or worlds could not be decided", len(report.Problems)))
	case failed > 0:
		return &exitError{exitFindings, fmt.Errorf("%d of %d cases failed", failed, len(report.Results))}
	case f.failEmpty && len(report.Results) == 0:
		return &exitError{exitFindings, errors.New("no case was decided")}
	}
	return nil
}
