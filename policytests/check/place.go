package check

import (
	"errors"
	"path"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// located puts findings from the text of a policy into its file.
func located(p *extract.Policy, found []lint.Finding) []Finding {
	all := make([]Finding, len(found))
	prints := newPrinter(p)
	for i, f := range found {
		inside := f.Span
		f.File, f.Policy = p.File, p.Name
		start, end := p.Range(inside.Start.Offset, inside.End.Offset)
		f.Span.Start, f.Span.End = lint.Point(start), lint.Point(end)
		f.Fixes = movedFixes(p, f.Fixes)
		all[i] = Finding{Finding: f, Fingerprint: prints.of(f.Rule, inside), policy: p, inside: inside}
	}
	return all
}

// movedFixes are fixes whose edits are those of the file. There are none where
// the policy's text is not the file's own, or a program wrote the file.
func movedFixes(p *extract.Policy, fixes []lint.Fix) []lint.Fix {
	base, ok := p.Verbatim()
	if !ok || p.Generated {
		return nil
	}
	moved := make([]lint.Fix, len(fixes))
	for i, fix := range fixes {
		moved[i].Title = fix.Title
		for _, e := range fix.Edits {
			e.Offset += base
			moved[i].Edits = append(moved[i].Edits, e)
		}
	}
	return moved
}

// worldProblems are what keeps a world from loading, without the faults in the
// form of its policies, which findings tell.
func (r *Result) worldProblems(root string, err error) []extract.Error {
	var problems world.Problems
	if !errors.As(err, &problems) {
		return []extract.Error{{File: root, Message: err.Error()}}
	}
	var all []extract.Error
	for _, p := range problems {
		if strings.HasPrefix(p.Field, "$") && r.faulty(root, p.File) {
			continue
		}
		e := extract.Error{File: root, Line: p.Line, Column: p.Column, Message: p.Message}
		if p.Field != "" {
			e.Message = p.Field + ": " + p.Message
		}
		switch {
		case p.File == "":
		case path.Ext(root) == ".txtar":
			e.Line, e.Column, e.Message = 0, 0, p.Error()
		default:
			e.File = path.Join(root, p.File)
		}
		all = append(all, e)
	}
	return all
}

// faulty tells whether a file of a world holds a policy that is refused.
func (r *Result) faulty(root, file string) bool {
	for _, p := range r.Policies {
		if p.World != root || p.Grants || path.Ext(root) != ".txtar" && p.File != path.Join(root, file) {
			continue
		}
		if _, err := policy.Parse(p.Kind, p.Text); err != nil {
			return true
		}
	}
	return false
}
