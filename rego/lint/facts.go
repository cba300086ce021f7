package lint

import (
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// facts are what several checks ask of one statement.
type facts struct {
	s *policy.Statement
	// actions that the statement reaches, of the table; with NotAction, all
	// that it does not name.
	actions []policy.Action
	// named are the actions that each value of Action matches, in its order.
	named [][]string
}

func factsOf(s *policy.Statement) facts {
	f := facts{s: s, named: make([][]string, len(s.Actions))}
	reached := map[string]bool{}
	for i, a := range s.Actions {
		f.named[i] = policy.ExpandAction(a.Text)
		for _, name := range f.named[i] {
			reached[name] = true
		}
	}
	for _, a := range policy.Actions {
		if reached[a.Name] != s.NotAction {
			f.actions = append(f.actions, a)
		}
	}
	return f
}

// allows tells whether the statement allows one of the actions.
func (f *facts) allows(names ...string) bool {
	return f.s.Effect == policy.Allow && f.reaches(names...)
}

// reaches tells whether one of the actions is among those of the statement.
func (f *facts) reaches(names ...string) bool {
	return slices.ContainsFunc(f.actions, func(a policy.Action) bool { return slices.Contains(names, a.Name) })
}
