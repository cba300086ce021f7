package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// tagKeys are the condition keys about tags.
var tagKeys = []string{"aws:requesttag/", "aws:resourcetag/", "aws:tagkeys"}

// carried looks for condition keys that the requests of an action never hold.
// Which ones do is a fact of policy.Actions. It speaks of actions that are
// written out; a pattern is told of only if none of what it matches holds the
// key.
func (c *checker) carried(f *facts, k *policy.Condition) {
	row, known := policy.ConditionKeyNamed(k.Key)
	if !known || row.Global || row.Absent || c.kind == policy.Trust {
		return
	}
	without := c.without(f, row.Name)
	if len(without) == 0 {
		return
	}
	if among(k.Key, tagKeys) {
		c.unsupportedTag(f, k, without)
		return
	}
	open := holdsWithout(k)
	what := "so it is never allowed here"
	switch {
	case f.s.Effect == policy.Allow && open:
		what = "so the condition always holds and narrows nothing there"
	case f.s.Effect == policy.Deny && open:
		what = "so it is always denied"
	case f.s.Effect == policy.Deny:
		what = "so it is never denied"
	}
	g := c.add("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", k.Pos, "No request of %s holds %s, %s.", list(without), row.Name, what)
	switch {
	case f.s.Effect == policy.Allow && open:
		g.Severity = Security
	case len(without) < len(f.s.Actions) && !f.s.NotAction:
		g.Severity = Warning
		g.Message += " For the other actions it counts."
	}
}

// without are the actions of a statement whose requests never hold the key.
func (c *checker) without(f *facts, key string) []string {
	var names []string
	if f.s.NotAction {
		return withoutTag(f, key)
	}
	asymmetric := c.o.KeySpec != "" && c.o.KeySpec != "SYMMETRIC_DEFAULT" && strings.HasPrefix(key, "kms:EncryptionContext")
	for i, a := range f.s.Actions {
		if !strings.HasPrefix(strings.ToLower(a.Text), "kms:") || len(f.named[i]) == 0 {
			continue
		}
		if asymmetric || !slices.ContainsFunc(f.named[i], func(n string) bool { return holds(n, key) }) {
			names = append(names, a.Text)
		}
	}
	return names
}

// withoutTag are the actions that a statement with NotAction reaches and that
// carry no such tag. Other keys are not looked for there.
func withoutTag(f *facts, key string) []string {
	var names []string
	for _, a := range f.actions {
		if among(strings.ToLower(key), tagKeys) && strings.HasPrefix(a.Name, "kms:") && !slices.Contains(a.ConditionKeys, key) {
			names = append(names, a.Name)
		}
	}
	return names
}

func holds(action, key string) bool {
	a, ok := policy.ActionNamed(action)
	return ok && slices.Contains(a.ConditionKeys, key)
}

// holdsWithout tells whether a condition holds where the key is absent.
func holdsWithout(k *policy.Condition) bool {
	op, _ := policy.OperatorNamed(k.Operator)
	if op.Type == policy.PresenceType {
		return len(k.Values) == 1 && strings.EqualFold(k.Values[0].Text, "true")
	}
	return op.Negated && k.Set != policy.ForAnyValue || k.IfExists || k.Set == policy.ForAllValues
}

// unsupportedTag tells of conditions on tags that a request does not carry.
func (c *checker) unsupportedTag(f *facts, k *policy.Condition, without []string) {
	g := c.add(tagRule(f.s), k.Pos, "No request of %s carries %s.", list(without), k.KeyText)
	switch open := holdsWithout(k); {
	case f.s.Effect == policy.Allow && open:
		g.Severity = Security
		g.Message += " The condition always holds there."
	case open:
		g.Message += " It is always denied."
	case f.s.Effect == policy.Deny:
		g.Message += " It is never denied."
	default:
		g.Message += " It is never allowed here."
	}
}

func tagRule(s *policy.Statement) string {
	switch {
	case s.Effect == policy.Deny && s.NotAction:
		return "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"
	case s.Effect == policy.Deny:
		return "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"
	case s.NotAction:
		return "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"
	default:
		return "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"
	}
}

// list joins at most three names.
func list(names []string) string {
	const most = 3
	if len(names) > most {
		names = append(slices.Clone(names[:most]), "…")
	}
	return strings.Join(names, ", ")
}
