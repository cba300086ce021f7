// Package policytests decides case lines in worlds: what a policy author
// expects, held against the engine that serves requests.
package policytests

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// Options are how cases are run. The zero value is usable.
type Options struct {
	// Engine decides; nil: one that is made for this run.
	Engine *decision.Engine
	// Now is the time of requests that name none; zero: DefaultTime.
	Now time.Time
	// Select picks cases: their file, line and title, as Result.Name has them,
	// must match. Nil: all.
	Select *regexp.Regexp
}

// DefaultTime is the time of requests that name none, so that a case has the
// same answer every day.
var DefaultTime = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// A Report is the outcome of a run, in the order of files and lines.
type Report struct {
	Results []Result
}

// Failed lists the results of cases that did not come out as expected.
func (r Report) Failed() []Result {
	var failed []Result
	for _, result := range r.Results {
		if result.Failure != nil {
			failed = append(failed, result)
		}
	}
	return failed
}

// A Result is the outcome of one case; a line that asks about several
// principals, actions or resources has several.
type Result struct {
	File  string // as found; for a part of an archive the archive
	Line  int
	Kind  caseline.Kind
	Text  string // the line; where it asks about several, the one at hand
	Title string
	Tags  []string

	// Decision is the engine's; the zero value in cases about documents.
	Decision decision.Decision
	Failure  *Failure // nil: as expected
}

// Run decides the cases below paths: worlds (directories or .txtar files with
// *.cases in them), directories of worlds, and .cases files inside a world. An
// error means that some cases could not be read or decided; the report has the
// others.
func Run(ctx context.Context, paths []string, o Options) (Report, error) {
	if o.Now.IsZero() {
		o.Now = DefaultTime
	}
	if o.Engine == nil {
		engine, err := decision.New(decision.Config{Cache: true})
		if err != nil {
			return Report{}, err
		}
		o.Engine = engine
	}
	places, err := find(paths)
	if err != nil {
		return Report{}, err
	}
	var report Report
	var errs []error
	for _, p := range places {
		if err := p.run(ctx, o, &report); err != nil {
			errs = append(errs, err)
		}
	}
	return report, errors.Join(errs...)
}

// run decides the cases of one world.
func (p place) run(ctx context.Context, o Options, report *Report) error {
	room, err := p.open(o)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range p.cases {
		parsed, err := caseline.Parse(file.shown, file.text, file.offset)
		if err != nil {
			errs = append(errs, err)
		}
		for _, c := range parsed.Cases {
			if o.Select != nil && !o.Select.MatchString(name(file.shown, c)) {
				continue
			}
			results, err := room.try(ctx, file, c)
			if err != nil {
				errs = append(errs, located(file.shown, c.Pos, err))
			}
			report.Results = append(report.Results, results...)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// located gives an error of a case its place, if it has none of its own.
func located(file string, pos caseline.Pos, err error) error {
	var e caseline.Error
	if errors.As(err, &e) {
		e.File = file
		return e
	}
	return caseline.Error{File: file, Pos: pos, Message: err.Error()}
}
