package check

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// askedOfWorlds are the rules that a world answers better than a key policy by
// itself: who the principals are, and what other policies give them.
var askedOfWorlds = []string{
	"KR_PUBLIC_KEY", "KR_CROSS_ACCOUNT", "KR_STAR_IS_NOT_DELEGATION", "KR_LOCKOUT_ALL", "KR_LOCKOUT_CALLER", "KR_ROOT_DELEGATION_MISSING",
	"KR_ROOT_DELEGATION_NARROW", "KR_ESCALATION_PUTKEYPOLICY", "KR_ESCALATION_CREATEGRANT", "KR_ADMIN_AND_USER", "KR_ATTESTATION_NOT_ENFORCED",
	"KR_ATTESTATION_BYPASS",
}

// byMeaning asks what a policy decides by itself. What the world that it is in
// answers is left to the world.
func byMeaning(ctx context.Context, p *extract.Policy, doc *policy.Document, o lint.Options, w *world.World) ([]lint.Finding, error) {
	found, err := byDocument(ctx, doc, o)
	if w != nil && p.Kind == policy.Key {
		found = slices.DeleteFunc(found, func(f lint.Finding) bool { return slices.Contains(askedOfWorlds, f.Rule) })
	}
	return found, err
}

// byDocument asks what a document decides.
func byDocument(ctx context.Context, doc *policy.Document, o lint.Options) ([]lint.Finding, error) {
	found, err := analysis.CheckDocument(ctx, doc, o)
	if err != nil && ctx.Err() == nil {
		found, err = append(found, undecided(doc.Kind, err)), nil
	}
	return found, err
}

// undecided says that a policy, or a key of a world, could not be asked about.
func undecided(kind policy.Kind, err error) lint.Finding {
	at := lint.Point{Line: 1, Column: 1}
	f := lint.Finding{Rule: ruleUndecided, Severity: lint.Warning, Kind: kind, Unknown: true, Span: lint.Span{Start: at, End: at, Path: "$"}}
	if err != nil {
		f.Message = "What this decides could not be found out, so only its form is checked: " + err.Error()
	}
	return f
}

// byWorld asks who may use the keys of the worlds, and adds findings to those
// of the policies that they are about.
func (r *Result) byWorld(ctx context.Context, o Options, worlds map[string]*world.World, perPolicy [][]lint.Finding) error {
	if o.FormOnly {
		return nil
	}
	for _, path := range slices.Sorted(maps.Keys(worlds)) {
		keys := worlds[path].Keys()
		options := analysis.Options{Trusted: o.Trusted, Locate: r.locator(path)}
		found := make([][]lint.Finding, len(keys))
		err := parallel(ctx, len(keys), func(i int) error {
			var err error
			found[i], err = analysis.CheckKey(ctx, worlds[path], keys[i], options)
			if err != nil && ctx.Err() == nil {
				found[i], err = append(found[i], undecided(0, err)), nil
			}
			return err
		}, func(done int) { o.tell("asking about keys of "+path, done, len(keys)) })
		if err != nil {
			return err
		}
		for i, k := range keys {
			r.take(path, k.Name, found[i], perPolicy)
		}
	}
	return nil
}

// locator names a policy by its index among those that were found, as a file.
func (r *Result) locator(path string) func(decision.Policy) (file, policy string) {
	at := r.documents(path)
	return func(p decision.Policy) (string, string) {
		if i, ok := at[text{p.Document.Kind, p.Document.Text}]; ok {
			return strconv.Itoa(i), ""
		}
		return "", p.Name
	}
}

// take adds findings about a key to those of the policies, by the index that
// stands for their file. What is about a policy that no file holds, such as the
// default key policy, is about the world.
func (r *Result) take(path, key string, found []lint.Finding, perPolicy [][]lint.Finding) {
	for _, f := range found {
		i, err := strconv.Atoi(f.File)
		switch {
		case err != nil:
			f.File, f.Policy, f.Span = path, strings.TrimSpace("key/"+key+" "+f.Policy), lint.Span{Path: f.Span.Path}
			r.Findings = append(r.Findings, Finding{Finding: f})
		case !slices.ContainsFunc(perPolicy[i], func(have lint.Finding) bool { return alike(have, f) }):
			perPolicy[i] = append(perPolicy[i], f)
		}
	}
}

// A text is how a policy of a world is known again.
type text struct {
	kind policy.Kind
	text string
}

func (r *Result) documents(path string) map[text]int {
	at := map[text]int{}
	for i, p := range r.Policies {
		key := text{p.Kind, string(p.Text)}
		if _, taken := at[key]; !taken && p.World == path && !p.Grants {
			at[key] = i
		}
	}
	return at
}

// alike tells whether two findings say the same: several keys show what is
// wrong with one policy.
func alike(a, b lint.Finding) bool {
	return a.Rule == b.Rule && a.Span == b.Span && a.Message == b.Message
}
