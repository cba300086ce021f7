package lsp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// Sources of diagnostics.
const (
	fromLint = "keyreeve lint"
	fromTest = "keyreeve test"
)

// A diagnosed is what was found in a document, for code actions.
type diagnosed struct {
	doc      *document
	findings []placed
	policies []*extract.Policy
}

// A placed finding is one with its diagnostic.
type placed struct {
	finding check.Finding
	shown   diagnostic
}

// maxShown bounds the diagnostics of one document.
const maxShown = 500

// diagnose looks at all documents, those of one world together, and tells the
// client: a change in one can be seen in each of the others.
func (v *view) diagnose(ctx context.Context) {
	groups := map[string][]*document{}
	for _, uri := range slices.Sorted(maps.Keys(v.docs)) {
		d := v.docs[uri]
		root := cmp.Or(d.worldOf(), d.uri)
		groups[root] = append(groups[root], d)
	}
	for _, root := range slices.Sorted(maps.Keys(groups)) {
		docs := groups[root]
		linted := v.lint(ctx, docs)
		for _, d := range docs {
			one := linted[d.uri]
			shown := v.configFaults(d)
			for _, p := range one.findings {
				shown = append(shown, p.shown)
			}
			shown = append(shown, one.others...)
			shown = append(shown, v.tested(ctx, d)...)
			if ctx.Err() != nil {
				return
			}
			v.publish(d, one, shown)
		}
	}
}

func (v *view) publish(d *document, l linted, shown []diagnostic) {
	v.mu.Lock()
	current := v.server.docs[d.uri] == d
	if current {
		v.found[d.uri] = diagnosed{d, l.findings, l.policies}
	}
	v.mu.Unlock()
	if !current {
		return // it was changed, and will be looked at again
	}
	shown = append([]diagnostic{}, shown[:min(len(shown), maxShown)]...)
	v.notify("textDocument/publishDiagnostics", published{URI: d.uri, Version: &d.version, Diagnostics: shown})
}

// linted is what linting says of a document.
type linted struct {
	findings []placed
	others   []diagnostic // what keeps from linting
	policies []*extract.Policy
}

// lint lints documents that belong together: those of a world, or one.
func (v *view) lint(ctx context.Context, docs []*document) map[string]linted {
	first := docs[0]
	world := first.worldOf()
	o := check.Options{Now: v.cfg.Now(), Extract: extract.Options{Open: v.texts()}}
	v.configure(first, &o)
	var r *check.Result
	var err error
	switch {
	case world != "":
		r, err = check.Paths(ctx, []string{world}, o)
	case !mayHoldPolicies(first.path):
		return nil
	default:
		r, err = check.Text(ctx, filepath.ToSlash(first.path), []byte(first.text.body), o)
	}
	all := map[string]linted{}
	if err != nil {
		return all // ctx ended, or the world went away meanwhile
	}
	for _, d := range docs {
		all[d.uri] = v.pick(r, d, world)
	}
	return all
}

func mayHoldPolicies(name string) bool {
	if filepath.Base(name) == check.ConfigName || (part{name: name}).isCases() {
		return false
	}
	return slices.Contains([]string{".json", ".yaml", ".yml", ".template", ".txtar"}, strings.ToLower(path.Ext(name)))
}

// pick takes out of a result what is about one document.
func (v *view) pick(r *check.Result, d *document, world string) linted {
	var l linted
	about := func(file string) bool {
		name := filepath.Clean(filepath.FromSlash(file))
		return name == d.path || file == world && name == filepath.Dir(d.path) && isMain(filepath.Base(d.path))
	}
	for _, p := range r.Policies {
		if about(p.File) {
			l.policies = append(l.policies, p)
		}
	}
	for _, f := range r.Findings {
		if about(f.File) && f.Ignored == "" {
			l.findings = append(l.findings, placed{f, shownFinding(d, f)})
		}
	}
	_, told := extract.KindOfFile(d.path)
	if world == "" && !told && len(l.policies) == 0 {
		return l // any JSON or YAML may be open in an editor
	}
	for _, p := range r.Problems {
		if about(p.File) && !slices.ContainsFunc(r.Findings, func(f check.Finding) bool { return f.File == p.File && f.Span.Start.Line == p.Line && p.Line > 0 }) {
			l.others = append(l.others, diagnostic{Range: d.text.span(p.Offset, p.Offset), Severity: asError, Source: fromLint, Message: p.Message})
			if p.Line > 0 {
				l.others[len(l.others)-1].Range = d.text.lineSpan(p.Line - 1)
			}
		}
	}
	return l
}

// configure takes the configuration around a document, or the last one that was
// right.
func (v *view) configure(d *document, o *check.Options) {
	if !d.saved {
		return
	}
	dir := filepath.Dir(d.path)
	config, err := check.FindConfig(dir)
	v.mu.Lock()
	if err != nil {
		config = v.configs[dir]
	} else {
		v.configs[dir] = config
	}
	v.mu.Unlock()
	if config == nil {
		return
	}
	o.Config, o.Trusted, o.Extract.Account, o.Extract.Region = config, config.Trusted, config.Account, config.Region
	if name := config.BaselinePath(); name != "" {
		o.Baseline, _ = check.ReadBaseline(name) // without it everything is new, which keyreeve lint tells
	}
}

// shownFinding is a finding as editors show it.
func shownFinding(d *document, f check.Finding) diagnostic {
	start, end := f.Span.Start.Offset, f.Span.End.Offset
	shown := diagnostic{Range: d.text.span(start, max(start, end)), Code: f.Rule, Source: fromLint, Message: f.Message}
	if len(f.Witness) > 0 {
		shown.Message += "\nFor example: " + f.Witness[0].Case
	}
	switch {
	case f.Known:
		shown.Severity = asHint
	case f.Unknown:
		shown.Severity = asInformation
	case f.Severity == lint.Error || f.Severity == lint.Security:
		shown.Severity = asError
	case f.Severity == lint.Warning:
		shown.Severity = asWarning
	default:
		shown.Severity = asInformation
	}
	return shown
}

var lineOfFault = regexp.MustCompile(`^line ([0-9]+): `)

// configFaults says what is wrong with a configuration of lint.
func (v *view) configFaults(d *document) []diagnostic {
	if filepath.Base(d.path) != check.ConfigName {
		return nil
	}
	_, err := check.ParseConfig(d.path, filepath.Dir(d.path), []byte(d.text.body))
	var wrong *check.ConfigError
	if !errors.As(err, &wrong) {
		return nil
	}
	var all []diagnostic
	for _, line := range wrong.Lines {
		at := 1
		if m := lineOfFault.FindStringSubmatch(line); m != nil {
			at, _ = strconv.Atoi(m[1]) // digits
		}
		all = append(all, diagnostic{Range: d.text.lineSpan(at - 1), Severity: asError, Source: fromLint, Message: line})
	}
	return all
}

// tested are the cases of a document that did not come out as expected, and
// what keeps cases from being decided.
func (v *view) tested(ctx context.Context, d *document) []diagnostic {
	if !slices.ContainsFunc(d.parts(), part.isCases) || !d.saved {
		return nil
	}
	report, err := v.run(ctx, d)
	if err != nil {
		return []diagnostic{{Range: d.text.lineSpan(0), Severity: asWarning, Source: fromTest, Message: err.Error()}}
	}
	var all []diagnostic
	for _, r := range report.Failed() {
		message := fmt.Sprintf("wanted %s, got %s", r.Failure.Wanted, r.Failure.Got)
		if len(r.Failure.Witnesses) > 0 {
			message += "\nFor example: " + r.Failure.Witnesses[0]
		}
		all = append(all, diagnostic{Range: d.text.lineSpan(r.Line - 1), Severity: asError, Source: fromTest, Message: message})
	}
	for _, p := range report.Problems {
		if line, ok := v.lineOf(d, p); ok {
			all = append(all, diagnostic{Range: d.text.lineSpan(line), Severity: asError, Source: fromTest, Message: p.Message})
		}
	}
	return all
}

// lineOf is where a problem with cases stands in a document. A problem of
// another file keeps all cases from being decided, so it stands at the top.
func (v *view) lineOf(d *document, p policytests.Problem) (int, bool) {
	if filepath.Clean(p.File) == d.path {
		return max(0, p.Line-1), true
	}
	_, other := v.docs[uriOf(p.File)]
	return 0, !other || (part{name: d.path}).isCases()
}
