package compare

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Ways to assume a role that are compared. The zero value is none.
type ways int

const (
	byPrincipals ways = iota + 1 // of AWS
	byAnybody                    // also by users of identity providers
)

// ofPrincipals are the actions on roles of principals of AWS, in lower case.
var ofPrincipals = []string{"sts:assumerole", "sts:setsourceidentity", "sts:tagsession"}

// A foreignSet holds what documents say of actions that are not compared:
// for each of them the statement as if it were about that one alone, with the
// action as it is written.
type foreignSet map[string]string

// take adds what a document says, on behalf of an owner. Key policies are about
// keys alone.
func (f foreignSet) take(owner string, d *policy.Document, roles ways) {
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

// foreignOf is what all policies of a world say, by whom they are attached to.
// Its roles are compared.
func foreignOf(w *world.World) foreignSet {
	f := foreignSet{}
	if w == nil {
		return f
	}
	for _, a := range w.Accounts() {
		for _, u := range a.Users {
			f.attached(u.ARN, u.Boundary, u.Inline, u.Managed)
		}
		for _, g := range a.Groups {
			f.attached(g.ARN, nil, g.Inline, g.Managed)
		}
		for _, r := range a.Roles {
			f.attached(r.ARN, r.Boundary, r.Inline, r.Managed, []*world.Policy{r.Trust})
		}
		for _, x := range a.Federated {
			f.attached(x.ARN, nil, x.Session)
		}
		for _, x := range a.Identities {
			f.attached(x.ARN, nil, x.Session)
		}
		for _, level := range w.Organization().Levels(a.ID) {
			f.attached(a.ID, nil, level.SCP, level.RCP)
		}
	}
	for _, e := range w.Endpoints() {
		f.attached(e.ID, e.Policy)
	}
	return f
}

// attached adds the policies of one owner; nil is none.
func (f foreignSet) attached(owner string, one *world.Policy, more ...[]*world.Policy) {
	for _, p := range append(slices.Concat(more...), one) {
		if p != nil {
			f.take(owner+" "+p.Document.Kind.String(), p.Document, byAnybody)
		}
	}
}

// compared tells whether all actions that a pattern matches are compared.
func compared(pattern string, roles ways) bool {
	pattern = strings.ToLower(pattern)
	return strings.HasPrefix(pattern, "kms:") || roles != 0 && slices.Contains(ofPrincipals, pattern) ||
		roles == byAnybody && strings.HasPrefix(pattern, "sts:assume")
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
