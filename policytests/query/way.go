package query

import (
	"context"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// way is one of the analysis, with what then allows.
func (b *Base) way(w analysis.Way) Way {
	d := w.Witness.Decision
	q := d.Question()
	out := Way{When: []Term{}, Through: d.Layer, Case: w.Witness.Case(), Note: w.Witness.Note()}
	for _, s := range d.Evidence().SettledBy {
		out.By = append(out.By, b.located(&q, s))
	}
	for _, id := range d.Grants {
		out.Grants = append(out.Grants, b.grantName(&q, id))
	}
	for _, t := range w.When {
		out.When = append(out.When, Term{
			Text: b.termText(t, &q), Key: t.Key, Operator: t.Operator, Values: t.Values, Holds: t.Holds, Policy: t.Policy, Sid: t.Sid, Path: t.Path,
		})
	}
	return out
}

// mandated are the ways that a service can go, since the world lets it act for
// the account: that of the key, or of the source that it calls for.
func (b *Base) mandated(ctx context.Context, c analysis.Caller, row Access) []Way {
	service, known := b.cfg.World.Service(strings.TrimPrefix(c.Name, "service/"))
	if !known {
		return nil
	}
	var accounts []string
	for _, m := range service.ActsFor {
		accounts = append(accounts, m.Accounts...)
	}
	var kept []Way
	for _, w := range row.Ways {
		plain, isAllow := strings.CutPrefix(w.Case, "allow ")
		lines := []string{plain}
		if !strings.Contains(plain, "aws:Source") {
			for _, a := range accounts {
				lines = append(lines, plain+"  aws:SourceAccount="+a)
			}
		}
		for _, line := range lines {
			if isAllow && b.allows(ctx, line) {
				w.Case = "allow " + line
				kept = append(kept, w)
				break
			}
		}
	}
	return kept
}

// allows tells whether a line is a request that can be, and is allowed.
func (b *Base) allows(ctx context.Context, line string) bool {
	all, err := Parse(line)
	if err != nil || len(all) != 1 {
		return false
	}
	q, err := b.Question(all[0])
	if err != nil {
		return false
	}
	d, err := b.Decide(ctx, q)
	return err == nil && d.Allowed
}

// termText is a condition in words; a grant's constraint with its pairs.
func (b *Base) termText(t analysis.Term, q *decision.Question) string {
	if t.Grant == "" {
		return t.String()
	}
	for _, g := range q.Grants {
		if b.grantName(q, g.ID) != t.Grant {
			continue
		}
		verb, pairsOf := "contains", g.Subset
		if g.Equals != nil {
			verb, pairsOf = "is exactly", g.Equals
		}
		if !t.Holds {
			verb = map[string]string{"contains": "does not contain", "is exactly": "is not exactly"}[verb]
		}
		return "the encryption context " + verb + " " + policytests.Pairs(pairsOf)
	}
	return t.String()
}

// because says in short why a plain request is refused; empty where there is no
// plain request.
func (b *Base) because(ctx context.Context, row Access) string {
	if row.Anyone {
		return "nothing on the key's side lets them in"
	}
	r := caseline.Request{Principals: []caseline.Word{{Text: row.Principal}}, Actions: []caseline.Word{{Text: row.Action}}}
	if row.Resource != "*" {
		r.Resources = []caseline.Word{{Text: row.Resource}}
	}
	q, err := b.Question(r)
	if err != nil {
		return ""
	}
	d, err := b.Decide(ctx, q)
	if err != nil || d.Allowed {
		return ""
	}
	if d.Layer == decision.LayerGuardrail { // who is allowed by no policy needs no guardrail to be refused
		q.Unguarded = true
		if bare, err := b.Decide(ctx, q); err == nil && !bare.Allowed {
			d = bare
		}
	}
	return short(d, &q)
}

// short says in a few words why a request was refused.
func short(d decision.Decision, q *decision.Question) string {
	switch {
	case d.Reason == decision.ExplicitDeny:
		return "explicit deny in " + article(inLayer[d.Layer]) + " " + inLayer[d.Layer]
	case d.Reason == decision.CrossAccount:
		return "not possible across accounts"
	case d.Layer == decision.LayerResource && q.Rule == decision.GrantOnly:
		return "not one of those who may retire the grant"
	case d.Layer == decision.LayerResource:
		return "the key policy does not allow it, nor does a grant"
	case d.Layer == decision.LayerIdentity:
		return "no IAM policy allows it"
	case d.Layer == decision.LayerSession:
		return "the session policy does not allow it"
	}
	return "no " + inLayer[d.Layer] + " allows it"
}
