package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// questionFlags are the flags of the commands that ask a world.
type questionFlags struct {
	world      string
	guardrails string
	json       bool
}

func (f *questionFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.world, "world", "w", "", "`directory` or .txtar file that is asked about (default: the one at hand)")
	flags.StringVar(&f.guardrails, "guardrails", "", "`directory` of the organization's own Rego, which takes part")
	flags.BoolVar(&f.json, "json", false, "write JSON, which is stable")
	c.ValidArgsFunction = f.words
}

// path is that of the world. Without --world it is the one in the directory at
// hand.
func (f *questionFlags) path() (string, error) {
	if f.world != "" {
		return f.world, nil
	}
	if _, err := os.Stat("world.yaml"); err != nil {
		return "", errors.New("which world? There is no world.yaml here; name one with --world PATH (a directory or .txtar file)")
	}
	return ".", nil
}

// open reads the world.
func (f *questionFlags) open() (*query.Base, error) {
	path, err := f.path()
	if err != nil {
		return nil, err
	}
	engine, err := f.engine()
	if err != nil {
		return nil, cannot(err)
	}
	b, err := query.Open(path, query.Config{Engine: engine})
	return b, cannot(err)
}

func (f *questionFlags) engine() (*decision.Engine, error) {
	rails, err := loadGuardrails(f.guardrails)
	if err != nil {
		return nil, err
	}
	return decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit, GuardrailLimit: time.Second, Guardrails: func() *guardrail.Set { return rails }})
}

// requests reads a request from the arguments of a command.
func requests(c *cobra.Command, args []string) ([]caseline.Request, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("%s needs a request: PRINCIPAL ACTION [KEY] and what the request brings; see %s --help", c.Name(), c.CommandPath())
	}
	line := query.Join(args)
	all, err := query.Parse(line)
	if err != nil {
		return nil, wrongRequest(line, err)
	}
	return all, nil
}

// wrongRequest shows where in a request something is wrong.
func wrongRequest(line string, err error) error {
	var e caseline.Error
	if errors.As(err, &e) && e.Pos.Column < 1 {
		return errors.New(e.Message)
	}
	if !errors.As(err, &e) || e.Pos.Column > len(line)+1 || strings.Contains(line, "\n") {
		return err
	}
	return fmt.Errorf("%s\n  %s\n  %s^", e.Message, line, strings.Repeat(" ", e.Pos.Column-1))
}

// misunderstood is an error of a request that cannot be, or one of the work.
func misunderstood(line string, err error) error {
	if e := new(caseline.Error); errors.As(err, e) {
		return wrongRequest(line, err)
	}
	return cannot(err)
}

// writeJSON writes a value for programs.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func newExplain() *cobra.Command {
	var f questionFlags
	c := &cobra.Command{
		Use:   "explain PRINCIPAL ACTION [KEY] [CLAUSE…] | explain FILE [PAIR…]",
		Short: "Say why a request is allowed or denied: each layer, its statements, and the rule that decided",
		Long: `explain decides a request in a world, with the engine that serves requests, and says
why: the rule that decided, in words; what each layer of policies said, with the
statements and their files; the nearest miss; when the same would be allowed; and what
the caller would read.

A request is written as in case lines, without allow or deny: who, what, on which
key, and what the request brings (policytests/GRAMMAR.md). Lists in brackets ask
about each combination.

Instead of a request it takes a FILE of records, or - for standard input: audit
events of CloudTrail or of keyreeve, lines of a decision log (engine/decisionlog).
Each is decided again in the world of now, and what differs from then is told. Values
that a log masks can be given as kms:EncryptionContext:NAME=VALUE; without them the
answer may be "unknown". Self-contained questions (keyreeve decide --schema) are
explained, too, and need no world.

Exit codes: 0 allowed, or as then; 1 denied, or otherwise than then; 2 the request
makes no sense; 3 the world or a record cannot be read, or the answer is unknown.`,
		Example: `  keyreeve explain -w world/ role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance
  keyreeve explain -w world/ user/bob kms:Encrypt alias/payroll via endpoint vpce-0123456789abcdef0
  keyreeve explain -w world/ '[user/ann, user/bob] kms:CreateKey aws:RequestTag/team=finance' --json
  keyreeve explain -w world/ event.json
  tail -1 data/decisions.jsonl | keyreeve explain -w world/ - kms:EncryptionContext:dept=finance`,
		RunE: func(c *cobra.Command, args []string) error {
			if isRecords(args) {
				return f.replay(c, args)
			}
			return f.explain(c, args)
		},
	}
	f.add(c)
	return c
}

func (f *questionFlags) explain(c *cobra.Command, args []string) error {
	denied, all, err := f.each(c, args, func(b *query.Base, r caseline.Request) (told, bool, error) {
		x, err := query.ExplainFully(c.Context(), b, r)
		return x, x.Allowed, err
	})
	if err != nil {
		return err
	}
	return answerNo(denied, all)
}

// each asks about the requests of a command line, writes what is told of each,
// and counts those of which the answer is "no".
func (f *questionFlags) each(c *cobra.Command, args []string, ask func(*query.Base, caseline.Request) (told, bool, error)) (no, all int, err error) {
	list, err := requests(c, args)
	if err != nil {
		return 0, 0, err
	}
	b, err := f.open()
	if err != nil {
		return 0, 0, err
	}
	for i, r := range list {
		x, yes, err := ask(b, r)
		if err != nil {
			return 0, 0, misunderstood(query.Join(args), err)
		}
		if !yes {
			no++
		}
		if err := f.write(c, i, x); err != nil {
			return 0, 0, cannot(err)
		}
	}
	return no, len(list), nil
}

// A told answer is written for people or for programs.
type told interface {
	WriteText(io.Writer, report.Style) error
}

// write writes the i-th answer of a command.
func (f *questionFlags) write(c *cobra.Command, i int, a told) error {
	out := c.OutOrStdout()
	if f.json {
		return writeJSON(out, a)
	}
	if i > 0 {
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	return a.WriteText(out, styleOf(out))
}

// answerNo ends a command with the exit code for "no" if requests were denied.
func answerNo(denied, all int) error {
	switch {
	case denied == 0:
		return nil
	case all == 1:
		return &exitError{exitFindings, errors.New("the request is denied")}
	}
	return &exitError{exitFindings, fmt.Errorf("%d of %d requests are denied", denied, all)}
}
