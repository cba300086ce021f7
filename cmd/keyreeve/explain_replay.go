package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// isRecords tells whether arguments name a file of records, or standard input,
// rather than a request.
func isRecords(args []string) bool {
	if len(args) == 0 || args[0] == "-" {
		return len(args) > 0
	}
	info, err := os.Stat(args[0])
	return err == nil && info.Mode().IsRegular()
}

// replay explains records.
func (f *questionFlags) replay(c *cobra.Command, args []string) error {
	hints, err := hintsOf(args[1:])
	if err != nil {
		return err
	}
	text, err := readInput(c.InOrStdin(), args[0])
	if err != nil {
		return cannot(err)
	}
	records, err := query.Records(bytes.NewReader(text))
	if err != nil {
		return cannot(fmt.Errorf("reading records: %w", err))
	}
	r := &replayer{questionFlags: f, c: c, hints: hints}
	for _, record := range records {
		if err := r.one(record); err != nil {
			return err
		}
	}
	return r.verdict()
}

// hintsOf are values that a log masks.
func hintsOf(args []string) ([]caseline.Pair, error) {
	if len(args) == 0 {
		return nil, nil
	}
	r, err := caseline.ParseRequest(query.Join(append([]string{"x", "x"}, args...)))
	if err != nil || len(r.Resources) > 0 || len(r.Keys) != len(args) {
		return nil, errors.New("after a file of records come only values that it masks: kms:EncryptionContext:NAME=VALUE; see keyreeve explain --help")
	}
	return r.Keys, nil
}

// A replayer decides records again, and counts how that ends.
type replayer struct {
	*questionFlags
	c     *cobra.Command
	hints []caseline.Pair
	base  *query.Base // opened with the first record that needs it

	written, denied, different, unknown, failed int
}

func (r *replayer) one(record query.Record) error {
	if record.Source == query.FromQuestion {
		return r.question(record)
	}
	if r.base == nil {
		var err error
		if r.base, err = r.open(); err != nil {
			return err
		}
	}
	all, err := r.base.Replays(r.c.Context(), record, r.hints)
	if err != nil {
		return r.fail(err)
	}
	for _, x := range all {
		switch {
		case x.Verdict == "unknown":
			r.unknown++
		case x.Then.Allowed != nil && !x.Same():
			r.different++
		}
		if err := r.tell(x); err != nil {
			return err
		}
	}
	return nil
}

func (r *replayer) question(record query.Record) error {
	engine, err := r.engine()
	if err != nil {
		return cannot(err)
	}
	x, err := query.ExplainQuestion(r.c.Context(), engine, record)
	if err != nil {
		return r.fail(fmt.Errorf("question %s: %w", record.ID, err))
	}
	if !x.Allowed {
		r.denied++
	}
	return r.tell(x)
}

func (r *replayer) tell(x told) error {
	r.written++
	return cannot(r.write(r.c, r.written-1, x))
}

// fail tells of a record that cannot be decided, and goes on.
func (r *replayer) fail(err error) error {
	r.failed++
	_, err = fmt.Fprintln(r.c.ErrOrStderr(), "keyreeve:", safetext.Lines(err.Error()))
	return cannot(err)
}

// verdict is the exit code.
func (r *replayer) verdict() error {
	switch {
	case r.failed == 1:
		return cannot(errors.New("1 record could not be decided"))
	case r.failed > 0:
		return cannot(fmt.Errorf("%d records could not be decided", r.failed))
	case r.unknown > 0 && r.written == 1:
		return cannot(errors.New("the answer is unknown: it depends on what the record does not tell"))
	case r.unknown > 0:
		return cannot(fmt.Errorf("%d of %d answers are unknown: they depend on what the records do not tell", r.unknown, r.written))
	case r.different > 0:
		return &exitError{exitFindings, fmt.Errorf("%d of %d decisions are otherwise than then", r.different, r.written)}
	}
	return answerNo(r.denied, r.written)
}
