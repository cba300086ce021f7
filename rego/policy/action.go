package policy

import (
	"slices"
	"strings"
)

// An Action is a permission that keyreeve asks about.
type Action struct {
	// Name in its canonical spelling: "kms:Decrypt".
	Name string
	// Operation of the API that asks for it: "ReEncrypt" for
	// "kms:ReEncryptFrom"; empty if none does.
	Operation string
	// Resources that it is asked about; none means that the resource is "*".
	Resources []ResourceKind
	// CrossAccount: effective on a key of another account (A-12, KID-15).
	CrossAccount bool
	// ReadOnly: changes nothing and uses no key.
	ReadOnly bool
	// ConditionKeys that its requests can hold besides the global ones, in the
	// spelling of ConditionKeys, sorted.
	ConditionKeys []string
}

// ResourceKind is what an action acts on. The zero value is invalid.
type ResourceKind int

// The kinds of resources.
const (
	KeyResource ResourceKind = iota + 1
	AliasResource
	RoleResource
)

// String names the kind.
func (r ResourceKind) String() string {
	switch r {
	case KeyResource:
		return "key"
	case AliasResource:
		return "alias"
	case RoleResource:
		return "role"
	default:
		return "invalid resource kind"
	}
}

// On tells whether the action is asked about resources of kind r.
func (a Action) On(r ResourceKind) bool { return slices.Contains(a.Resources, r) }

// ActionNamed finds an action by its name in any case.
func ActionNamed(name string) (Action, bool) {
	a, ok := actionsByName[name]
	if !ok {
		a, ok = actionsByName[strings.ToLower(name)]
	}
	return a, ok
}

// ExpandAction lists the actions of Actions that pattern matches, in their
// canonical spelling, sorted. Patterns know `*` and `?`; case does not matter.
// The time is at most that of pattern length times name length for each.
func ExpandAction(pattern string) []string {
	var found []string
	parts := wildcards(strings.ToLower(pattern))
	for i := range Actions {
		if matchParts(parts, actionsLower[i]) {
			found = append(found, Actions[i].Name)
		}
	}
	return found
}

// matchParts matches ASCII text against parts without variables. After a
// mismatch only the last AnyText is widened, so no pattern is exponential.
func matchParts(parts []Part, text string) bool {
	p, t := 0, 0
	star, from := -1, 0
	for p < len(parts) || t < len(text) {
		switch {
		case p < len(parts) && parts[p].Kind == AnyText:
			star, from = p, t
			p++
			continue
		case p < len(parts) && parts[p].Kind == AnyChar && t < len(text):
			p, t = p+1, t+1
			continue
		case p < len(parts) && parts[p].Kind == Literal && strings.HasPrefix(text[t:], parts[p].Text):
			t += len(parts[p].Text)
			p++
			continue
		case star < 0 || from >= len(text):
			return false
		}
		from++
		p, t = star+1, from
	}
	return true
}
