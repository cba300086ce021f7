package oracle

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A facts is one reading of the request by one statement.
type facts struct {
	action, resource string
	context          map[string][]string
	version          string // of the document: what ${…} means
	effect           policy.Effect
}

// matchStatement tells by what a statement matches the request; nil if it
// does not.
func matchStatement(q *decision.Question, p decision.Policy, s *policy.Statement) []decision.Via {
	f := facts{action: q.Action, resource: q.Resource.ARN, context: visible(q.Context, p.Document.Kind), version: p.Document.Version,
		effect: s.Effect}
	if !f.actionNamed(s) || !f.resourceNamed(s, p.Document.Kind) || !f.conditions(s) {
		return nil
	}
	if !p.Document.Kind.HasPrincipal() {
		return []decision.Via{decision.ViaPolicy}
	}
	return principalVias(q, p, s)
}

// visible is A-21: what a key policy does not see. A role has no such keys at
// all (A-43: key operations; IAM policies only).
func visible(context map[string][]string, k policy.Kind) map[string][]string {
	if k != policy.Key && k != policy.Trust {
		return context
	}
	seen := maps.Clone(context)
	maps.DeleteFunc(seen, func(name string, _ []string) bool {
		return name == "kms:resourcealiases" || strings.HasPrefix(name, "aws:resourcetag/")
	})
	return seen
}

// actionNamed is A-33: case-insensitive, `*` and `?`.
func (f facts) actionNamed(s *policy.Statement) bool {
	named := slices.ContainsFunc(s.Actions, func(v policy.Value) bool {
		return pattern(strings.ToLower(v.Text)).matches(strings.ToLower(f.action))
	})
	return named != s.NotAction
}

// resourceNamed is A-33. A statement without Resource matches nothing;
// a trust policy never has one.
func (f facts) resourceNamed(s *policy.Statement, k policy.Kind) bool {
	if k == policy.Trust {
		return true
	}
	if !s.HasResource {
		return false
	}
	named := slices.ContainsFunc(s.Resources, func(v policy.Value) bool {
		if f.ambiguous(v.Text) {
			return f.against(s.NotResource)
		}
		t, ok := f.text(v.Text, true)
		return ok && t.matches(f.resource)
	})
	return named != s.NotResource
}

// against tells whether a match is against the caller: of a Deny, or of what
// an Allow excludes.
func (f facts) against(negated bool) bool { return (f.effect == policy.Deny) != negated }

// conditions is A-41: all of them are AND-ed.
func (f facts) conditions(s *policy.Statement) bool {
	return !slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return !f.condition(c) })
}
