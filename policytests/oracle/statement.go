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

// resourceNamed is A-33. A statement without Resource matches nothing; a
// trust policy never has one.
func (f facts) resourceNamed(s *policy.Statement, k policy.Kind) bool {
	if k == policy.Trust {
		return true
	}
	if !s.HasResource {
		return false
	}
	return f.inEachReading(func(context map[string][]string) bool {
		named := slices.ContainsFunc(s.Resources, func(v policy.Value) bool {
			t, ok := f.text(v.Text, true, context)
			return ok && t.matches(f.resource)
		})
		return named != s.NotResource
	})
}

// conditions is A-41: all of them are AND-ed.
func (f facts) conditions(s *policy.Statement) bool {
	for _, c := range s.Conditions {
		if !f.inEachReading(func(context map[string][]string) bool { return f.condition(c, context) }) {
			return false
		}
	}
	return true
}

// inEachReading is A-45. Where encryption context names differ only in case,
// one condition key has several values, and the request can be read in several
// ways. In an Allow what is asked must hold in each reading, in a Deny in any.
func (f facts) inEachReading(holds func(context map[string][]string) bool) bool {
	readings := []map[string][]string{f.context}
	for _, name := range slices.Sorted(maps.Keys(f.context)) {
		values := f.context[name]
		if len(values) < 2 || !strings.HasPrefix(name, "kms:encryptioncontext:") {
			continue
		}
		var more []map[string][]string
		for _, r := range readings {
			for _, v := range values {
				reading := maps.Clone(r)
				reading[name] = []string{v}
				more = append(more, reading)
			}
		}
		readings = more
	}
	if f.effect == policy.Deny {
		return slices.ContainsFunc(readings, holds)
	}
	return !slices.ContainsFunc(readings, func(r map[string][]string) bool { return !holds(r) })
}
