package repl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// A Lint is what lint answers.
type Lint struct {
	Findings []LintFinding `json:"findings"`
	Problems []string      `json:"problems"` // what could not be linted
}

// A LintFinding is one thing that is wrong with a policy.
type LintFinding struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Policy   string   `json:"policy,omitempty"`
	Message  string   `json:"message"`
	Unknown  bool     `json:"unknown,omitempty"` // it could not be decided
	Cases    []string `json:"cases,omitempty"`   // requests that show it
}

// lintWorld lints the policies of the session's world; with new only those
// findings are told that its changes brought.
func lintWorld(ctx context.Context, s *Session, rest string) (Answer, error) {
	if rest != "" && rest != "new" {
		return Answer{}, misuse("lint checks all policies; lint new tells only what the changes of this session brought")
	}
	dir, err := os.MkdirTemp("", "keyreeve-")
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is in the system's temporary directory
	o := check.Options{Now: s.cfg.Clock()}
	if s.cfg.Path != "" {
		if o.Config, err = check.FindConfig(filepath.Dir(s.cfg.Path)); err != nil {
			return Answer{}, err
		}
	}
	if o.Config != nil {
		o.Trusted = o.Config.Trusted
	}
	if rest == "new" {
		before, err := s.lintFiles(ctx, filepath.Join(dir, "world"), s.loaded.draft, o)
		if err != nil {
			return Answer{}, err
		}
		o.Baseline = before.result.NewBaseline()
		if err := os.RemoveAll(before.dir); err != nil { // the same path for both: fingerprints hold it
			return Answer{}, err
		}
	}
	found, err := s.lintFiles(ctx, filepath.Join(dir, "world"), s.current.draft, o)
	if err != nil {
		return Answer{}, err
	}
	return s.linted(found)
}

// A linted world is one that was written to a directory for it.
type linted struct {
	dir    string
	result *check.Result
}

func (s *Session) lintFiles(ctx context.Context, dir string, d draft.Draft, o check.Options) (linted, error) {
	if err := d.Write(dir); err != nil {
		return linted{}, err
	}
	r, err := check.Paths(ctx, []string{dir}, o)
	if err != nil {
		return linted{}, fmt.Errorf("linting: %w", err)
	}
	return linted{dir, r}, nil
}

// linted tells what was found, with files named as in the world.
func (s *Session) linted(l linted) (Answer, error) {
	inWorld := func(file string) string {
		rest, inside := strings.CutPrefix(file, l.dir)
		if !inside {
			return file
		}
		if s.cfg.Path == "" {
			return strings.TrimPrefix(rest, string(filepath.Separator))
		}
		return s.cfg.Path + rest
	}
	value := Lint{Findings: []LintFinding{}, Problems: []string{}}
	r := report.Lint{Rule: check.Rule, Source: func(file string) []byte {
		return l.result.Source(strings.Replace(file, inWorld(l.dir), l.dir, 1))
	}}
	for _, p := range l.result.Policies {
		r.Policies = append(r.Policies, report.Policy{File: inWorld(p.File), Name: p.Name, Kind: extract.Kind{Policy: p.Kind, Grants: p.Grants}.String()})
	}
	for _, f := range l.result.Findings {
		if f.Ignored != "" || f.Known {
			continue
		}
		one := f.Finding
		one.File = inWorld(one.File)
		r.Findings = append(r.Findings, report.Finding{Finding: one, Fingerprint: f.Fingerprint})
		value.Findings = append(value.Findings, findingOf(one))
	}
	for _, p := range l.result.Problems {
		value.Problems = append(value.Problems, fmt.Sprintf("%s: %s", inWorld(p.File), p.Message))
	}
	if len(value.Findings)+len(value.Problems) == 0 {
		return Answer{Value: value, Text: s.good("nothing found")}, nil
	}
	var b strings.Builder
	if err := r.Write(&b, report.Text, s.cfg.Style); err != nil {
		return Answer{}, err
	}
	text := strings.TrimRight(b.String(), "\n")
	if len(value.Problems) > 0 {
		text += "\n" + strings.Join(value.Problems, "\n")
	}
	return Answer{Value: value, Text: text, No: true}, nil
}

func findingOf(f lint.Finding) LintFinding {
	one := LintFinding{
		Rule: f.Rule, Severity: f.Severity.String(), File: f.File, Line: f.Span.Start.Line, Policy: f.Policy, Message: f.Message, Unknown: f.Unknown,
	}
	for _, w := range f.Witness {
		one.Cases = append(one.Cases, w.Case)
	}
	return one
}
