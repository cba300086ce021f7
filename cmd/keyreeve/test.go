package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

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
	count      int
	bench      bool
	watch      bool
	guardrails string
	grammar    bool

	format    string
	dir       string
	coverage  []string
	threshold float64
}

// What test says of itself.
const (
	testLong = `test decides the cases below each PATH with the engine that serves requests: worlds
(directories or .txtar files with *.cases in them), directories of worlds, and
.cases files inside a world. A case is one line:

  allow role/payroll  kms:Decrypt  key/payroll  kms:EncryptionContext:dept=finance
  deny  role/payroll  kms:Decrypt  key/payroll  because no-allow

or a cell of a table, or a line about all requests of a kind:

  table kms:EncryptionContext:dept=finance
    key/payroll  | kms:Encrypt  kms:Decrypt  kms:ScheduleKeyDeletion
    role/payroll | allow        allow        deny
    role/admin   | deny         deny         allow
  else deny
  only role/payroll may kms:Decrypt key/payroll
  no public access to key/payroll

A case that fails tells what was wanted, what came out, what each layer of policies
said, and the statement that would nearly have allowed it. --grammar prints all that
can stand in a line.

With --coverage it tells which statements and grants were ever the reason of a
decision, and which could be taken away without a test that notices.

Exit codes: 0 all as expected; 1 a case failed, or coverage is below the threshold;
2 wrong flags or arguments; 3 a world or a line cannot be decided.`
	testExample = `  keyreeve test policies/
  keyreeve test policies/payroll.cases --run 'Payroll key' --fail-only
  keyreeve test policies/ --watch
  keyreeve test policies/ --coverage --coverage-threshold 90
  keyreeve test policies/ --format text,junit --coverage=html -o results/
  keyreeve test --grammar`
)

func newTest() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:     "test PATH…",
		Short:   "Decide case lines in worlds: what should be allowed and denied, and why",
		Long:    testLong,
		Example: testExample,
		RunE: func(c *cobra.Command, args []string) error {
			if f.grammar && len(args) == 0 {
				_, err := io.WriteString(c.OutOrStdout(), policytests.Grammar)
				return cannot(err)
			}
			if err := f.check(args); err != nil {
				return fmt.Errorf("%w; see keyreeve test --help", err)
			}
			return f.test(c, args)
		},
	}
	f.add(c)
	return c
}

func (f *testFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.run, "run", "", "only cases whose file, line, title or text match a `regexp`")
	flags.BoolVar(&f.failOnly, "fail-only", false, "let the text tell only of cases that failed or cannot be decided")
	flags.BoolVar(&f.failEmpty, "fail-on-empty", false, "fail if no case was decided")
	flags.BoolVar(&f.watch, "watch", false, "test again whenever a file changes")
	flags.IntVar(&f.count, "count", 1, "decide everything `n` times, and fail if answers differ")
	flags.BoolVar(&f.bench, "bench", false, "measure how long it takes, in the form of Go benchmarks")
	flags.StringVar(&f.format, "format", "text", "`formats` of the results, several with -o: text, json, sarif, junit, tap, github, markdown")
	flags.StringVarP(&f.dir, "output", "o", "", "`directory` for the results, a file for each format; text and github are still printed")
	flags.StringSliceVar(&f.coverage, "coverage", nil, "tell which statements were decisive: text, or with -o also json and html")
	flags.Lookup("coverage").NoOptDefVal = "text"
	flags.Float64Var(&f.threshold, "coverage-threshold", 0, "fail if less than `percent` of statements and grants were decisive")
	flags.StringVar(&f.guardrails, "guardrails", "", "`directory` of the organization's own Rego, which takes part")
	flags.BoolVar(&f.grammar, "grammar", false, "print the grammar of case lines, with examples")
	complete(c, "format", formatNames())
	complete(c, "coverage", []string{"text", "json", "html"})
}

// test runs the cases as often as the flags say.
func (f *testFlags) test(c *cobra.Command, paths []string) error {
	switch {
	case f.bench:
		return f.measure(c, paths)
	case f.watch:
		return f.watched(c, paths)
	}
	return f.once(c, paths)
}

// once runs the cases, tells of them, and answers with what ends the command.
func (f *testFlags) once(c *cobra.Command, paths []string) error {
	p := startProgress(c.ErrOrStderr(), "deciding cases")
	report, err := f.decide(c, paths, func(world string, done, all int) { p.tell("deciding cases of %s: %d of %d", world, done, all) })
	p.stop()
	if err != nil {
		return cannot(err)
	}
	if err := f.tell(c, report); err != nil {
		return cannot(err)
	}
	return f.verdict(report)
}

// decide runs the cases, and if need be once more to see that answers stay.
func (f *testFlags) decide(c *cobra.Command, paths []string, progress func(string, int, int)) (policytests.Report, error) {
	var first policytests.Report
	for i := range f.count {
		o, err := f.options()
		if err != nil {
			return first, err
		}
		o.Progress = progress
		report, err := policytests.Run(c.Context(), paths, o)
		var problems policytests.Problems
		if err != nil && !errors.As(err, &problems) {
			return first, err
		}
		if i == 0 {
			first = report
		} else if difference := unlike(first, report); difference != "" {
			return first, fmt.Errorf("run %d came out unlike the first: %s", i+1, difference)
		}
	}
	return first, nil
}

// options make a run with an engine of its own, which remembers nothing.
func (f *testFlags) options() (policytests.Options, error) {
	o := policytests.Options{Coverage: len(f.coverage) > 0 || f.threshold > 0}
	var err error
	if f.run != "" {
		if o.Select, err = regexp.Compile(f.run); err != nil {
			return o, err
		}
	}
	rails, err := loadGuardrails(f.guardrails)
	if err != nil {
		return o, err
	}
	o.Engine, err = decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit, GuardrailLimit: time.Second, Guardrails: func() *guardrail.Set { return rails }})
	return o, err
}

// unlike says where two reports of the same cases differ; empty if nowhere.
func unlike(a, b policytests.Report) string {
	if len(a.Results) != len(b.Results) || len(a.Problems) != len(b.Problems) {
		return fmt.Sprintf("%d results and %d problems, then %d and %d", len(a.Results), len(a.Problems), len(b.Results), len(b.Problems))
	}
	for i := range a.Results {
		first, second := a.Results[i], b.Results[i]
		if (first.Failure == nil) != (second.Failure == nil) || first.Failure != nil && first.Failure.String() != second.Failure.String() {
			return first.Name()
		}
	}
	return ""
}

// verdict is what ends the command after a run.
func (f *testFlags) verdict(report policytests.Report) error {
	findings := func(format string, args ...any) error { return &exitError{exitFindings, fmt.Errorf(format, args...)} }
	failed := len(report.Failed())
	percent, any := 0.0, false
	if report.Coverage != nil {
		percent, any = report.Coverage.Percent()
	}
	switch {
	case len(report.Problems) > 0:
		return cannot(fmt.Errorf("%s could not be decided", counted(len(report.Problems), "line or world", "lines or worlds")))
	case failed > 0:
		return findings("%d of %s failed", failed, counted(len(report.Results), "case", "cases"))
	case f.failEmpty && len(report.Results) == 0:
		return findings("no case was decided; look at --run, or leave --fail-on-empty out")
	case f.threshold > 0 && !any:
		return cannot(errors.New("--coverage-threshold: there are no statements and no grants that could be covered"))
	case f.threshold > 0 && percent < f.threshold:
		return findings("coverage is %.1f %%, and --coverage-threshold %g %%", percent, f.threshold)
	}
	return nil
}

// counted is a number with the word for what was counted.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
