// Package check lints files: it takes the policies out of them, runs all checks, and sets aside what people have given reasons for.
package check

import (
	"cmp"
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Options say how files are linted. Now is required; all other zero values are
// usable.
type Options struct {
	Extract extract.Options
	// Trusted accounts, besides the owner's own.
	Trusted []string
	// Config has what is set aside; nil: nothing is.
	Config *Config
	// Baseline has the findings that were there before; nil: none.
	Baseline *Baseline
	// Now decides what has expired.
	Now time.Time
	// GrantAge is how old a grant may be before it is stale; zero: any age.
	GrantAge time.Duration
	// FormOnly leaves out the checks by meaning.
	FormOnly bool
	// Progress is told what is being done and how much of it is; nil: nobody is.
	Progress func(what string, done, all int)
}

// A Result is what linting found.
type Result struct {
	// Findings in the order of files and places. Spans and edits are those of
	// the file, paths those within the policy.
	Findings []Finding
	Policies []*extract.Policy
	// Problems are files, and worlds, that could not be linted.
	Problems []extract.Error
	// Notes are what was passed over in a directory though it might hold
	// policies, and what was assumed of a template: the defaults of parameters,
	// stand-ins for accounts.
	Notes []extract.Error
	// Stale counts the entries of the baseline that were not found again,
	// though their file was linted.
	Stale int

	sources map[string]*extract.Source
}

// A Finding is one thing that was found.
type Finding struct {
	lint.Finding
	// Fingerprint is the same as long as the finding is, wherever it moves.
	Fingerprint string
	// Ignored says why it is set aside; empty: it counts.
	Ignored string
	// Known: it is in the baseline.
	Known bool

	policy *extract.Policy // nil: it is about the configuration
	inside lint.Span       // in the policy's text
}

// Source is the text of a file that was linted, nil for others.
func (r *Result) Source(file string) []byte {
	if s := r.sources[file]; s != nil {
		return s.Text
	}
	return nil
}

// Paths lints all policies below paths. The error says that a path cannot be
// read at all, or that ctx ended.
func Paths(ctx context.Context, paths []string, o Options) (*Result, error) {
	found, err := extract.Paths(paths, o.Extract)
	if err != nil {
		return nil, err
	}
	return run(ctx, found, o, wholeTree(paths, o.Config))
}

// Text lints the policies of one text that is called name.
func Text(ctx context.Context, name string, text []byte, o Options) (*Result, error) {
	return run(ctx, extract.Text(name, text, o.Extract), o, false)
}

// run lints what was found; all tells that it is all that the configuration is
// about.
func run(ctx context.Context, found *extract.Found, o Options, all bool) (*Result, error) {
	r := &Result{Policies: found.Policies, Problems: found.Errors, Notes: found.Notes, sources: map[string]*extract.Source{}}
	for _, p := range found.Policies {
		r.sources[p.File] = p.Source().Root()
		for _, assumed := range p.Notes {
			if note := (extract.Error{File: p.File, Message: assumed}); !slices.Contains(r.Notes, note) {
				r.Notes = append(r.Notes, note)
			}
		}
	}
	worlds := r.load(found.Worlds, o)
	perPolicy, err := r.each(ctx, o, worlds)
	if err != nil {
		return nil, err
	}
	if err := r.byWorld(ctx, o, worlds, perPolicy); err != nil {
		return nil, err
	}
	for i, p := range r.Policies {
		r.Findings = append(r.Findings, located(p, perPolicy[i])...)
	}
	for _, u := range found.Unsettled {
		r.Findings = append(r.Findings, unsettled(u))
	}
	number(r.Findings)
	o.Config.apply(r, o.Now, all)
	o.Baseline.apply(r)
	r.sort()
	return r, ctx.Err()
}

// each lints the policies, several at a time.
func (r *Result) each(ctx context.Context, o Options, worlds map[string]*world.World) ([][]lint.Finding, error) {
	results := make([][]lint.Finding, len(r.Policies))
	err := parallel(ctx, len(r.Policies), func(i int) (err error) {
		results[i], err = one(ctx, r.Policies[i], o, worlds)
		return err
	}, func(done int) { o.tell("linting policies", done, len(r.Policies)) })
	return results, err
}

func (o Options) tell(what string, done, all int) {
	if o.Progress != nil {
		o.Progress(what, done, all)
	}
}

// parallel does n things, several at a time, and tells how many are done, one
// call at a time. It answers with the first error in the order of the things.
func parallel(ctx context.Context, n int, do func(i int) error, tell func(done int)) error {
	errs := make([]error, n)
	var next atomic.Int64
	var group sync.WaitGroup
	var told sync.Mutex
	done := 0
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				errs[i] = do(i)
				told.Lock()
				done++
				tell(done)
				told.Unlock()
			}
		})
	}
	group.Wait()
	return cmp.Or(first(errs), ctx.Err())
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// one lints one policy, with spans in the policy's text.
func one(ctx context.Context, p *extract.Policy, o Options, worlds map[string]*world.World) ([]lint.Finding, error) {
	options := optionsOf(p, o, worlds[p.World])
	if p.Grants {
		return resolved(p, append(lint.CheckGrants(p.Text, options), truncated(p)...)), nil
	}
	found, doc := lint.CheckText(p.Kind, p.Text, options)
	if o.FormOnly {
		return resolved(p, found), nil
	}
	if len(p.Unknown) > 0 {
		doc = nil
	}
	if doc == nil {
		more, err := byRemainder(ctx, remaining(p), options, found)
		return resolved(p, append(found, more...)), err
	}
	if err := show(ctx, doc, options, found, true); err != nil {
		return nil, err
	}
	more, err := byMeaning(ctx, p, doc, options, worlds[p.World])
	return resolved(p, append(found, more...)), err
}

// truncated says of a list of grants that there are more, which nobody linted.
func truncated(p *extract.Policy) []lint.Finding {
	var list struct{ Truncated any }
	if json.Unmarshal(p.Text, &list) != nil || list.Truncated != true {
		return nil
	}
	return []lint.Finding{{Rule: ruleUnsettled, Severity: lint.Warning, Unknown: true,
		Message: "The list is truncated: the grants after it are not here, and nothing is said of them. List them with --marker, or without a limit.",
		Span:    lint.Span{Path: "$.Truncated"}}}
}

// optionsOf is what is known of the place that a policy is for.
func optionsOf(p *extract.Policy, o Options, w *world.World) lint.Options {
	options := lint.Options{
		Account: p.Account, Region: p.Region, Partition: p.Partition, KeySpec: p.Key.Spec, KeyUsage: p.Key.Usage,
		AWSManaged: p.Key.AWSManaged || slices.ContainsFunc(p.Key.Aliases, func(a string) bool { return strings.HasPrefix(a, "alias/aws/") }),
		Trusted:    o.Trusted, Now: o.Now, GrantAge: o.GrantAge,
	}
	if w != nil {
		options.Known = func(principal policy.Principal) bool { return exists(w, principal) }
	}
	return options
}

func exists(w *world.World, p policy.Principal) bool {
	if p.Type == policy.Service {
		return true // worlds list only the services that they let act
	}
	_, ok := w.Principal(p.ARN())
	return ok
}

// resolved leaves out what was found in a stand-in, and says instead what is
// not settled there.
func resolved(p *extract.Policy, found []lint.Finding) []lint.Finding {
	if len(p.Unknown) == 0 {
		return found
	}
	found = slices.DeleteFunc(found, func(f lint.Finding) bool {
		return slices.ContainsFunc(p.Unknown, func(u extract.Unknown) bool {
			return u.Start <= f.Span.Start.Offset && f.Span.Start.Offset < u.End
		})
	})
	for _, u := range p.Unknown {
		found = append(found, lint.Finding{Rule: ruleUnsettled, Severity: lint.Warning, Unknown: true, Kind: p.Kind,
			Message: "Only a deployment decides this: " + u.Message + ".",
			Span:    lint.Span{Start: lint.Point{Offset: u.Start}, End: lint.Point{Offset: u.End}}})
	}
	return found
}

// unsettled is a policy of which only a deployment knows anything.
func unsettled(e extract.Error) Finding {
	return Finding{Finding: lint.Finding{Rule: ruleUnsettled, Severity: lint.Warning, Unknown: true, Message: "Only a deployment decides this policy: " + e.Message + ".",
		File: e.File, Span: lint.Span{Start: lint.Point{Line: e.Line, Column: e.Column, Offset: e.Offset},
			End: lint.Point{Line: e.Line, Column: e.Column + 1, Offset: e.Offset + 1}}}}
}

// load loads the worlds, for checks by meaning and for which principals exist.
// What is wrong with one is a problem, unless a finding will tell it: the faults
// of policies.
func (r *Result) load(paths []string, o Options) map[string]*world.World {
	worlds := map[string]*world.World{}
	for _, path := range paths {
		w, err := o.Extract.Open.World(path)
		if err == nil {
			worlds[path] = w
			continue
		}
		problems := r.worldProblems(path, err)
		if len(problems) == 0 && !o.FormOnly {
			f := undecided(0, nil)
			f.File, f.Message = path, "This world does not load until the errors in its policies are mended, so nobody asked who may use its keys."
			r.Findings = append(r.Findings, Finding{Finding: f})
		}
		r.Problems = append(r.Problems, problems...)
	}
	return worlds
}

// sort puts findings in the order of files, places and rules.
func (r *Result) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Span.Start.Line, b.Span.Start.Line), cmp.Compare(a.Span.Start.Column, b.Span.Start.Column),
			strings.Compare(a.Policy, b.Policy), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	slices.SortStableFunc(r.Problems, func(a, b extract.Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
}
