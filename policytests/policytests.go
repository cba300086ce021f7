// Package policytests decides case lines in worlds: what a policy author
// expects, held against the engine that serves requests.
package policytests

import (
	"context"
	_ "embed"
	"errors"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/overlay"
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
	// Workers is how many cases are decided at a time; zero: one for each
	// processor.
	Workers int
	// Coverage asks which statements and grants were ever the reason.
	Coverage bool
	// Progress is told of each case of a world that was decided, of how many.
	// It must be safe for concurrent use. Nil: nobody wants to know.
	Progress func(world string, done, all int)
	// Open tells of files that an editor holds; nil: none is.
	Open overlay.Texts
}

// Grammar describes case lines: GRAMMAR.md.
//
//go:embed GRAMMAR.md
var Grammar string

// Schema is the JSON Schema of cases in YAML and JSON.
//
//go:embed cases.schema.json
var Schema []byte

// DefaultTime is the time of requests that name none, so that a case has the
// same answer every day.
var DefaultTime = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// Run decides the cases below paths: worlds (directories or .txtar files with
// *.cases in them), directories of worlds, and .cases files inside a world.
//
// What could not be read or decided comes back as Problems, which are in the
// report too; the report has the results of all other cases. Any other error
// means that there is no report.
func Run(ctx context.Context, paths []string, o Options) (Report, error) {
	began := time.Now()
	if o.Now.IsZero() {
		o.Now = DefaultTime
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Engine == nil {
		engine, err := decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit})
		if err != nil {
			return Report{}, err
		}
		o.Engine = engine
	}
	places, err := find(paths, o.Open)
	if err != nil {
		return Report{}, err
	}
	var report Report
	if o.Coverage {
		report.Coverage = &Coverage{Statements: []CoveredStatement{}, Grants: []CoveredGrant{}}
	}
	for _, p := range places {
		if err := p.run(ctx, o, &report); err != nil {
			return Report{}, err
		}
	}
	if report.Coverage != nil {
		report.Coverage.sort()
	}
	report.Elapsed = time.Since(began)
	if len(report.Problems) > 0 {
		report.Problems = report.Problems.sorted()
		return report, report.Problems
	}
	return report, nil
}

// A job is a case that is to be decided, and what came of it.
type job struct {
	world string
	file  *caseFile
	line  caseline.Case
	peers []caseline.Case // all cases of its file, which else lines are about
	noted *collector      // nil: nobody asks for coverage

	results []Result
	err     error
}

// run decides the cases of one world. An error ends the whole run.
func (p place) run(ctx context.Context, o Options, report *Report) error {
	room, err := p.load(o)
	if err != nil {
		report.Problems = append(report.Problems, p.problems(err)...)
		return nil
	}
	var jobs []*job
	var noted *collector
	if o.Coverage {
		noted = newCollector()
	}
	for i := range p.cases {
		file := &p.cases[i]
		parsed, err := file.parse()
		report.Problems = append(report.Problems, lineProblems(file.shown, caseline.Pos{}, err)...)
		for _, c := range parsed.Cases {
			if o.Select == nil || o.Select.MatchString(name(file.shown, c.Pos.Line, c.Title, c.Text)) {
				jobs = append(jobs, &job{world: p.path, file: file, line: c, peers: parsed.Cases, noted: noted})
			}
		}
	}
	room.all(ctx, o, p.path, jobs)
	for _, j := range jobs {
		report.Results = append(report.Results, j.results...)
		report.Problems = append(report.Problems, lineProblems(j.file.shown, j.line.Pos, j.err)...)
	}
	if noted != nil {
		p.coverage(room.rooms(), noted, report.Coverage)
	}
	return ctx.Err()
}

// all decides jobs, several at a time.
func (a *Asker) all(ctx context.Context, o Options, world string, jobs []*job) {
	var next, done atomic.Int64
	var group sync.WaitGroup
	for range min(o.Workers, len(jobs)) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) || ctx.Err() != nil {
					return
				}
				jobs[i].results, jobs[i].err = a.try(ctx, jobs[i])
				if n := done.Add(1); o.Progress != nil {
					o.Progress(world, int(n), len(jobs))
				}
			}
		})
	}
	group.Wait()
}

// lineProblems gives what is wrong with a line its place, if it has none of
// its own.
func lineProblems(file string, pos caseline.Pos, err error) Problems {
	var many caseline.Errors
	var one caseline.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
	case errors.As(err, &one):
		many = caseline.Errors{one}
	default:
		many = caseline.Errors{{Pos: pos, Message: err.Error()}}
	}
	problems := make(Problems, len(many))
	for i, e := range many {
		problems[i] = Problem{File: file, Line: e.Pos.Line, Column: e.Pos.Column, Message: e.Message}
	}
	return problems
}

// problems are what is wrong with a world, at its places.
func (p place) problems(err error) Problems {
	var wrong world.Problems
	if !errors.As(err, &wrong) {
		return Problems{{File: p.path, Message: err.Error()}}
	}
	var problems Problems
	for _, w := range wrong {
		message := w.Message
		if w.Field != "" {
			message = w.Field + ": " + message
		}
		file := p.path
		if w.File != "" {
			file = p.shown(w.File)
		}
		problems = append(problems, Problem{File: file, Line: w.Line, Column: w.Column, Message: message})
	}
	return problems
}
