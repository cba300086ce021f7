package policytests

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// try decides a case: for a line with lists, each combination.
func (a *Asker) try(ctx context.Context, j *job) ([]Result, error) {
	began := time.Now()
	c := j.line
	dir := path.Dir(j.file.name)
	base := Result{
		World: j.world, File: j.file.shown, Line: c.Pos.Line, Column: c.Pos.Column,
		Kind: c.Kind, Text: c.Text, Title: c.Title, Tags: c.Tags,
	}
	room, err := a.With(c.Given, dir)
	switch {
	case err != nil:
		return nil, err
	case c.Kind.Documents():
		base.Failure, err = room.tryDocument(ctx, c, dir)
	case c.Kind.Assertion():
		base.Asked, base.Failure, err = room.assert(ctx, j, a, dir)
	default:
		return room.tryRequests(ctx, j, base, dir)
	}
	if err != nil {
		return nil, err
	}
	base.Elapsed = time.Since(began)
	return []Result{base}, nil
}

// tryRequests decides a line about requests, each in a result of its own.
func (a *Asker) tryRequests(ctx context.Context, j *job, base Result, dir string) ([]Result, error) {
	c := j.line
	var results []Result
	for _, r := range c.Request.Each() {
		began := time.Now()
		d, err := a.Ask(ctx, r, dir)
		if err != nil {
			return results, err
		}
		j.noted.note(d, j)
		result := base
		result.Decision, result.Asked = d, 1
		if several(c.Request) {
			one := c
			one.Request = a.effective(r)
			result.Text = one.String()
		}
		if result.Failure, err = a.judge(c, d); err != nil {
			return results, err
		}
		result.Elapsed = time.Since(began)
		results = append(results, result)
	}
	return results, nil
}

func several(r caseline.Request) bool {
	return len(r.Principals) > 1 || len(r.Actions) > 1 || len(r.Resources) > 1
}

// judge holds a decision against what a line expects.
func (a *Asker) judge(c caseline.Case, d decision.Decision) (*Failure, error) {
	asExpected := (c.Kind == caseline.Allow) == d.Allowed
	if asExpected && len(c.Because) == 0 && c.Says == nil {
		return nil, nil
	}
	e := d.Evidence()
	wanted := c.Kind.String()
	if c.Kind == caseline.Text {
		wanted = caseline.Deny.String()
	}
	facts := a.facts(d, e)
	missing := slices.ContainsFunc(c.Because, func(w caseline.Word) bool { return !slices.Contains(facts, w.Text) })
	if len(c.Because) > 0 {
		wanted += " because"
		for _, w := range c.Because {
			wanted += " " + caseline.Quote(w.Text)
		}
	}
	if !asExpected || missing {
		return &Failure{Wanted: wanted, Got: verdict(d) + " because " + quoteAll(facts), Evidence: &e, grants: a.nearGrants(d), where: a.locator(d.Question())}, nil
	}
	if c.Says == nil {
		return nil, nil
	}
	sentence, err := a.fill(*c.Says)
	if err != nil {
		return nil, err
	}
	if sentence != d.Sentence() {
		return &Failure{Wanted: sentence, Got: d.Sentence(), Evidence: &e, where: a.locator(d.Question())}, nil
	}
	return nil, nil
}

func verdict(d decision.Decision) string {
	if d.Allowed {
		return caseline.Allow.String()
	}
	return caseline.Deny.String()
}

// facts are what "because" can name: the reason, the layer that settled, and of
// each statement or grant that settled its names.
func (a *Asker) facts(d decision.Decision, e decision.Evidence) []string {
	facts := []string{string(d.Reason), string(d.Layer)}
	for _, s := range e.SettledBy {
		for _, f := range []string{s.Sid, s.Path, s.Policy, s.ARN} {
			if f != "" && !slices.Contains(facts, f) {
				facts = append(facts, f)
			}
		}
	}
	for _, k := range a.cfg.World.Keys() {
		for _, g := range k.Grants {
			if slices.Contains(d.Grants, g.ID) {
				facts = append(facts, g.Name)
			}
		}
	}
	return facts
}

func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = caseline.Quote(t)
	}
	return strings.Join(quoted, " ")
}

// reference is the name of a thing of the world in a sentence: {key/payroll}.
var reference = regexp.MustCompile(`\{[^{}]*\}`)

// fill replaces the names in a sentence with their ARNs.
func (a *Asker) fill(w caseline.Word) (string, error) {
	var failed error
	text := reference.ReplaceAllStringFunc(w.Text, func(name string) string {
		arn, err := a.ARN(caseline.Word{Text: name[1 : len(name)-1], Pos: w.Pos})
		if err != nil && failed == nil {
			failed = err
		}
		return arn
	})
	return text, failed
}

// ARN is that of a principal or a key, by what case lines call it.
func (a *Asker) ARN(w caseline.Word) (string, error) {
	if strings.HasPrefix(w.Text, "key/") {
		k, err := a.key(w, "", "")
		if err != nil {
			return "", err
		}
		return k.ARN, nil
	}
	o, err := a.owner(w, caseline.Word{})
	switch {
	case err != nil:
		return "", err
	case o.role != nil:
		return o.role.ARN, nil
	}
	c, err := a.longTerm(o, w, caseline.Session{}, a.cfg.Now)
	return c.ARN, err
}
