package check

import (
	"context"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// traps are the rules of form and table by which more may get through than a
// statement says, with what a request does to get through.
var traps = map[string]func(s *policy.Statement, number int, k *policy.Condition, v *policy.Value) []analysis.Trap{
	"KR_VIASERVICE_WILDCARD":                                         otherServices,
	"KR_FORALLVALUES_NO_NULL_CHECK":                                  withoutKey,
	"FORALLVALUES_WITH_SINGLE_VALUED_KEY":                            withoutKey,
	"UNSUPPORTED_ACTION_FOR_CONDITION_KEY":                           notCarried,
	"ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE":           notCarried,
	"ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": notCarried,
}

// A trapped finding is one about a trap.
type trapped struct {
	finding int // its number
	traps   []analysis.Trap
}

// show adds to findings by form and table the requests that show them. Where it
// is proved of a whole policy that there is none, nobody gets through, and the
// finding is no more than a suggestion; where it is not known, the finding says
// so.
func show(ctx context.Context, doc *policy.Document, o lint.Options, found []lint.Finding, whole bool) error {
	var all []trapped
	var asked []analysis.Trap
	for i := range found {
		if t := trapsOf(doc, &found[i]); len(t) > 0 {
			all = append(all, trapped{i, t})
			asked = append(asked, t...)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	escapes, err := analysis.Escapes(ctx, doc, o, asked)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		for _, t := range all {
			unshown(&found[t.finding], err.Error())
		}
		return nil
	}
	for _, t := range all {
		if err := showOne(&found[t.finding], escapes[:len(t.traps)], whole); err != nil {
			return err
		}
		escapes = escapes[len(t.traps):]
	}
	return nil
}

func showOne(f *lint.Finding, escapes []analysis.Escape, whole bool) error {
	why := ""
	for _, e := range escapes {
		switch e.State {
		case analysis.Unknown:
			why = e.Why
		case analysis.Found:
			note := ""
			if e.Besides {
				note = "another statement allows it as well"
			}
			w, err := e.Witness.Lint(note)
			if err != nil {
				return err
			}
			f.Witness = append(f.Witness, w)
		}
	}
	switch {
	case len(f.Witness) > 0:
	case why != "":
		unshown(f, why)
	case whole:
		f.Severity = lint.Suggestion
		f.Message += " As the policy stands, no request gets through by it."
	}
	return nil
}

// unshown says that no request was found, though there may be one.
func unshown(f *lint.Finding, why string) {
	f.Unknown = true
	f.Message += " Whether a request gets through by it could not be decided: " + why + "."
}

// trapsOf are those that a finding is about; none, if it is about something
// else.
func trapsOf(doc *policy.Document, f *lint.Finding) []analysis.Trap {
	trapsBy := traps[f.Rule]
	if trapsBy == nil || f.Severity > lint.Security || f.Severity == lint.Error || doc.Kind == policy.Trust {
		return nil
	}
	for i := range doc.Statements {
		s := &doc.Statements[i]
		for j := range s.Conditions {
			k := &s.Conditions[j]
			at := slices.IndexFunc(k.Values, func(v policy.Value) bool { return v.Pos.Offset == f.Span.Start.Offset })
			switch {
			case s.Effect != policy.Allow:
			case at >= 0:
				return trapsBy(s, i, k, &k.Values[at])
			case k.Pos.Offset == f.Span.Start.Offset:
				return trapsBy(s, i, k, nil)
			}
		}
	}
	return nil
}

// withoutKey is a request that lacks the key of a condition.
func withoutKey(_ *policy.Statement, number int, k *policy.Condition, _ *policy.Value) []analysis.Trap {
	return []analysis.Trap{{Statement: number, Absent: k.KeyText}}
}

// notCarried is a request for an action that never holds the key, or which the
// spec of the key keeps from holding it.
func notCarried(s *policy.Statement, number int, k *policy.Condition, _ *policy.Value) []analysis.Trap {
	row, _ := policy.ConditionKeyNamed(k.Key)
	var actions []string
	for _, v := range s.Actions {
		for _, name := range policy.ExpandAction(v.Text) {
			if a, ok := policy.ActionNamed(name); ok && !s.NotAction && !slices.Contains(a.ConditionKeys, row.Name) {
				actions = append(actions, name)
			}
		}
	}
	return []analysis.Trap{{Statement: number, Absent: k.KeyText, Actions: actions}}
}

// otherServices are requests through two services that a pattern admits.
func otherServices(_ *policy.Statement, number int, _ *policy.Condition, v *policy.Value) []analysis.Trap {
	if v == nil || !strings.ContainsAny(v.Text, "*?") {
		return nil // no service is called so, and none gets through
	}
	var all []analysis.Trap
	label, _, _ := strings.Cut(v.Text, ".")
	for _, name := range lint.ServicesLike(label, 2) {
		all = append(all, analysis.Trap{Statement: number, Through: name, Pattern: v})
	}
	if len(all) == 0 { // of the services that are known, none fits
		return []analysis.Trap{{Statement: number, Pattern: v}}
	}
	return all
}
