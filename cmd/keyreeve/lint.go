package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// lintFlags are the flags of lint.
type lintFlags struct {
	kind                    string
	account, region         string
	trusted                 []string
	format, out             string
	failOn                  string
	failUnknown             bool
	config                  string
	baseline, writeBaseline string
	fix, formOnly           bool
	grantAge                time.Duration
	explain                 string
	list                    bool
}

func newLint() *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint PATH…",
		Short: "Find what is wrong with policies and grants, before anybody applies them",
		Long: `lint checks key policies, IAM policies, VPC endpoint policies, SCPs, RCPs, permissions
boundaries, session policies, trust policies and grants: their form, the actions and
condition keys that they name, and what they decide. What is found by meaning comes
with a request that shows it, decided by the engine and ready to be a test case.

A PATH is a file, a directory, a world, or - for standard input. Policies are found in
JSON and YAML, Terraform plans and states (terraform show -json), CloudFormation
templates, and output of the AWS CLI (get-key-policy, list-grants, …). The kind of a
policy is told by --kind, by the name of the file (payroll.key.json, .iam., .vpce.,
.scp., .rcp., .boundary., .session., .trust., .grants.), by its place in a world, or
by its content.

` + check.ConfigName + ` in this directory or above it says which accounts are trusted and what
is ignored, why and until when.

Exit codes: 0 nothing that fails; 1 findings of --fail-on or worse; 2 wrong flags or
configuration; 3 something could not be read, or not be decided.`,
		Example: `  keyreeve lint policies/
  keyreeve lint --fix payroll.key.json
  keyreeve lint --explain KR_PUBLIC_KEY
  terraform show -json plan | keyreeve lint -
  aws kms get-key-policy --key-id $KEY | keyreeve lint -
  keyreeve lint --format text,sarif,junit -o reports/ policies/
  keyreeve lint --write-baseline lint-baseline.json policies/`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case f.list:
				return cannot(listRules(c.OutOrStdout()))
			case f.explain != "":
				return explainRule(c.OutOrStdout(), f.explain)
			case len(args) == 0:
				return errors.New("lint needs a file, a directory, a world, or - for standard input; see keyreeve lint --help")
			}
			return f.lint(c, args)
		},
	}
	f.define(c)
	return c
}

func (f *lintFlags) define(c *cobra.Command) {
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.kind, "kind", "", "what all policies are: "+strings.Join(extract.Kinds, ", "))
	flags.StringVar(&f.account, "account", "", "account `id` that policies are for, where the files do not tell")
	flags.StringVar(&f.region, "region", "", "`Region` that policies are for, where the files do not tell")
	flags.StringSliceVar(&f.trusted, "trusted", nil, "account `id`s that may have access, besides the owner's")
	flags.StringVar(&f.format, "format", "text", "text, json, sarif, junit, tap, github or markdown; several with commas between them, and -o")
	flags.StringVarP(&f.out, "output", "o", "", "`directory` for the files of all formats but text and github")
	flags.StringVar(&f.failOn, "fail-on", "", "mildest severity that makes the exit code 1: error, security (unless said otherwise), warning or suggestion")
	flags.BoolVar(&f.failUnknown, "fail-on-unknown", true, "what cannot be decided makes the exit code 3, unless something graver was found")
	flags.StringVar(&f.config, "config", "", "configuration `file`, or none; otherwise "+check.ConfigName+" here or above")
	flags.StringVar(&f.baseline, "baseline", "", "`file` of findings that were there before and do not count")
	flags.StringVar(&f.writeBaseline, "write-baseline", "", "write the findings to `file`, as a baseline, and fail on nothing")
	flags.BoolVar(&f.fix, "fix", false, "mend in place what can be mended mechanically")
	flags.BoolVar(&f.formOnly, "form-only", false, "leave out the checks by meaning")
	flags.DurationVar(&f.grantAge, "grant-age", 0, "age beyond which a grant is stale, such as 2160h")
	flags.StringVar(&f.explain, "explain", "", "show the page of a rule: what, why, bad, good, how to suppress (`id`)")
	flags.BoolVar(&f.list, "list", false, "list all rules")
	complete(c, "kind", extract.Kinds)
	complete(c, "fail-on", []string{"error", "security", "warning", "suggestion"})
	complete(c, "explain", check.RuleIDs())
	var formats []string
	for _, f := range report.Formats {
		formats = append(formats, string(f))
	}
	complete(c, "format", formats)
}

// complete gives a flag's values to the completion of shells.
func complete(c *cobra.Command, flag string, values []string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic("completion of --" + flag + ": " + err.Error()) // the flag is not there, or was completed before
	}
}

// listRules prints a table of all rules.
func listRules(out io.Writer) error {
	rows := make([][]string, 0, 200)
	for _, r := range check.Rules() {
		how := "form"
		if r.ByMeaning {
			how = "meaning"
		}
		rows = append(rows, []string{r.ID, r.Severity.String(), how, r.Title})
	}
	return styleOf(out).Table(out, []string{"RULE", "SEVERITY", "BY", "FINDS"}, rows)
}

// explainRule prints the page of a rule.
func explainRule(out io.Writer, id string) error {
	_, page, ok := check.Rule(id)
	if !ok {
		hint := "keyreeve lint --list names all rules"
		if near := nearest(strings.ToUpper(id), check.RuleIDs()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return fmt.Errorf("there is no rule %q; %s", id, hint)
	}
	_, err := io.WriteString(out, page)
	return cannot(err)
}

// options reads flags and configuration; flags win.
func (f *lintFlags) options(c *cobra.Command) (check.Options, lint.Severity, error) {
	o := check.Options{FormOnly: f.formOnly, GrantAge: f.grantAge, Now: time.Now()}
	o.Extract = extract.Options{Stdin: c.InOrStdin(), Account: f.account, Region: f.region}
	if f.kind != "" {
		var ok bool
		if o.Extract.Kind, ok = extract.KindNamed(f.kind); !ok {
			return o, 0, fmt.Errorf("--kind: there is no kind %q of policy; there are %s", f.kind, strings.Join(extract.Kinds, ", "))
		}
	}
	config, err := f.configuration()
	if err != nil {
		return o, 0, err
	}
	o.Trusted = f.trusted
	failOn := lint.Security
	baseline := f.baseline
	if config != nil {
		o.Config = config
		o.Trusted = append(o.Trusted, config.Trusted...)
		if o.Extract.Account == "" {
			o.Extract.Account = config.Account
		}
		if o.Extract.Region == "" {
			o.Extract.Region = config.Region
		}
		if config.FailOn != 0 {
			failOn = config.FailOn
		}
		if baseline == "" && f.writeBaseline == "" {
			baseline = config.BaselinePath()
		}
	}
	if f.failOn != "" {
		var ok bool
		if failOn, ok = lint.SeverityNamed(f.failOn); !ok {
			return o, 0, fmt.Errorf("--fail-on is error, security, warning or suggestion, not %q", f.failOn)
		}
	}
	if baseline != "" {
		if o.Baseline, err = check.ReadBaseline(baseline); err != nil {
			return o, 0, fmt.Errorf("%w; keyreeve lint --write-baseline %s makes one", err, baseline)
		}
	}
	return o, failOn, nil
}

func (f *lintFlags) configuration() (*check.Config, error) {
	switch f.config {
	case "none":
		return nil, nil
	case "":
		return check.FindConfig(".")
	}
	return check.ReadConfig(f.config)
}

func (f *lintFlags) lint(c *cobra.Command, paths []string) error {
	formats, err := report.ParseFormats(f.format)
	if err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	if len(formats) > 1 && f.out == "" {
		return fmt.Errorf("--format: %w", report.ErrSeveral)
	}
	o, failOn, err := f.options(c)
	if err != nil {
		return err
	}
	if f.writeBaseline != "" {
		if err := check.Replaceable(f.writeBaseline); err != nil {
			return fmt.Errorf("--write-baseline: %w", err)
		}
	}
	sharedFiles()
	told := startProgress(c.ErrOrStderr(), "linting")
	o.Progress = func(what string, done, all int) { told.tell("%s: %d of %d", what, done, all) }
	found, err := f.run(c, paths, o)
	told.stop()
	if err != nil {
		return cannot(err)
	}
	if f.writeBaseline != "" {
		return cannot(f.saveBaseline(c.ErrOrStderr(), found))
	}
	r := reportOf(found, failOn, f.failUnknown)
	files, err := report.Output{Formats: formats, Dir: f.out, Out: c.OutOrStdout(), Style: styleOf(c.OutOrStdout())}.Write(r)
	if err != nil {
		return cannot(err)
	}
	for _, file := range files {
		if _, err := fmt.Fprintln(c.ErrOrStderr(), "wrote", safetext.Text(file)); err != nil {
			return cannot(err)
		}
	}
	return f.verdict(c.ErrOrStderr(), found, r)
}

// reportOf is a result as reports have it.
func reportOf(found *check.Result, failOn lint.Severity, failUnknown bool) report.Lint {
	r := report.Lint{FailOn: failOn, FailOnUnknown: failUnknown, Version: version(), Rule: check.Rule, Source: found.Source}
	for _, f := range found.Findings {
		r.Findings = append(r.Findings, report.Finding{Finding: f.Finding, Fingerprint: f.Fingerprint, Ignored: f.Ignored, Known: f.Known})
	}
	for _, p := range found.Policies {
		kind := extract.Kind{Policy: p.Kind, Grants: p.Grants}.String()
		r.Policies = append(r.Policies, report.Policy{File: p.File, Name: p.Name, Kind: kind})
	}
	for _, p := range found.Problems {
		r.Problems = append(r.Problems, policytests.Problem{File: p.File, Line: p.Line, Column: p.Column, Message: p.Message})
	}
	return r
}

// verdict is the exit code, and on notes what else there is to say.
func (f *lintFlags) verdict(notes io.Writer, found *check.Result, r report.Lint) error {
	for _, n := range found.Notes {
		if _, err := fmt.Fprintln(notes, safetext.Text(n.Error())); err != nil {
			return cannot(err)
		}
	}
	if found.Stale > 0 {
		if _, err := fmt.Fprintf(notes, "%s of the baseline not found any more; --write-baseline takes that out\n", count(found.Stale, "finding")); err != nil {
			return cannot(err)
		}
	}
	unknown := 0
	for _, finding := range r.Findings {
		if finding.Unknown && finding.Ignored == "" {
			unknown++
		}
	}
	switch failed := r.Failed(); {
	case len(found.Problems) > 0:
		return cannot(fmt.Errorf("%s could not be linted, so nothing is said about what is in there", count(len(found.Problems), "place")))
	case len(found.Policies) == 0 && len(r.Findings) == 0:
		return cannot(errors.New("no policy was found; see keyreeve lint --help for what is looked for"))
	case failed > 0:
		return &exitError{exitFindings, fmt.Errorf("%s; keyreeve lint --explain RULE tells what one means", count(failed, "finding"))}
	case f.failUnknown && unknown > 0:
		return cannot(fmt.Errorf("%s could not be decided; --fail-on-unknown=false lets that pass", count(unknown, "finding")))
	}
	return nil
}

// count is "1 finding" or "3 findings".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
