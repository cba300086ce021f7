package compare

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// assuming are the actions on roles that trust policies and worlds are compared
// by, in lower case.
var assuming = func() map[string]bool {
	names := map[string]bool{}
	for _, a := range policy.Actions {
		if strings.HasPrefix(a.Name, "sts:") && a.On(policy.RoleResource) {
			names[strings.ToLower(a.Name)] = true
		}
	}
	return names
}()

// A foreignSet holds what documents say of actions that are not compared:
// for each of them the statement as if it were about that one alone, with the
// action as it is written.
type foreignSet map[string]string

// take adds what a document says, on behalf of an owner. roles: actions on roles
// are compared. Key policies are about keys alone.
func (f foreignSet) take(owner string, d *policy.Document, roles bool) {
	if d == nil || d.Kind == policy.Key {
		return
	}
	for _, s := range d.Statements {
		var actions []policy.Value
		for _, v := range s.Actions {
			if !compared(v.Text, roles) {
				actions = append(actions, v)
			}
		}
		s.Sid, s.Index = "", 0
		if s.NotAction {
			if !slices.ContainsFunc(s.Actions, func(v policy.Value) bool { return v.Text == "*" }) {
				f.add(owner, d, s, actions)
			}
			continue
		}
		for _, v := range actions {
			f.add(owner, d, s, []policy.Value{v})
		}
	}
}

func (f foreignSet) add(owner string, d *policy.Document, s policy.Statement, actions []policy.Value) {
	shown := make([]string, len(actions))
	s.Actions = nil
	for i, v := range actions {
		shown[i] = v.Text
		s.Actions = append(s.Actions, policy.Value{Text: strings.ToLower(v.Text)})
	}
	name := strings.Join(shown, ", ")
	if s.NotAction {
		name = strings.TrimSpace("NotAction " + name)
	}
	one := policy.Document{Kind: d.Kind, Version: d.Version, Statements: []policy.Statement{s}}
	f[owner+" "+string(one.Canonical())] = name
}

// compared tells whether all actions that a pattern matches are compared.
func compared(pattern string, roles bool) bool {
	pattern = strings.ToLower(pattern)
	return strings.HasPrefix(pattern, "kms:") || roles && (assuming[pattern] || strings.HasPrefix(pattern, "sts:assume"))
}

// changed lists the actions of which two sets say different things, sorted.
func (f foreignSet) changed(other foreignSet) []string {
	names := map[string]bool{}
	for _, pair := range [2][2]foreignSet{{f, other}, {other, f}} {
		for statement, name := range pair[0] {
			if _, both := pair[1][statement]; !both {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// maxShown bounds the actions that a message names.
const maxShown = 6

// notCompared says which actions were left out.
func notCompared(actions []string) string {
	if len(actions) > maxShown {
		actions = append(slices.Clone(actions[:maxShown-1]), "…")
	}
	return "what it says of other actions changed and was not compared: " + strings.Join(actions, ", ")
}
