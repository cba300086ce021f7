package repl

import (
	"strings"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

func actionNames() []string {
	names := make([]string, len(policy.Actions))
	for i, a := range policy.Actions {
		names[i] = a.Name
	}
	return names
}

// knownAction refuses an action that does not exist.
func knownAction(name string) error {
	if _, known := policy.ActionNamed(name); known {
		return nil
	}
	if near := nearest(name, actionNames()); near != "" {
		return misuse("there is no action %s; did you mean %s?", name, near)
	}
	return misuse("there is no action %s; show actions lists all", name)
}

// knownKey refuses condition keys that do not exist, and those that no request
// brings.
func knownKey(r caseline.Request) error {
	names := []string{}
	for _, p := range r.Keys {
		names = append(names, p.Key)
	}
	for _, w := range r.Absent {
		names = append(names, w.Text)
	}
	for _, name := range names {
		row, known := policy.ConditionKeyNamed(name)
		whole := strings.EqualFold(row.Name, name) || row.Prefix() && len(name) > len(row.Name)
		switch {
		case known && whole && row.Absent:
			return misuse("no request ever has %s", row.Name)
		case known && whole:
			continue
		case known && row.Prefix():
			return misuse("a name follows %s, as in %sNAME=VALUE", row.Name, row.Name)
		}
		if near := slip.Key(name, keyNames(), len(name)/3); near != "" {
			return misuse("there is no condition key %s; did you mean %s?", name, near)
		}
		return misuse("there is no condition key %s; show condition-keys lists all", name)
	}
	return nil
}

func keyNames() []string {
	names := make([]string, len(policy.ConditionKeys))
	for i, k := range policy.ConditionKeys {
		names[i] = k.Name
	}
	return names
}
