package analysis

import (
	"context"
	"errors"
	"slices"
)

// A Difference is what the new of two universes lets happen and the old did
// not, and the reverse.
type Difference struct {
	Granted, Withdrawn []Change
	// Unknown says what could not be decided; then there may be more.
	Unknown []string
}

// Same tells whether it is proved that both decide all requests alike.
func (d Difference) Same() bool { return len(d.Granted)+len(d.Withdrawn)+len(d.Unknown) == 0 }

// A Change is one action that one class of principals may do, or may no
// longer, with a request that shows it. In one that is granted, Witness tells
// of the new universe, in one that is withdrawn of the old.
type Change struct {
	Class   string
	Action  string
	Witness Witness
	// Conditional: some such requests are decided as before.
	Conditional bool
}

// Diff compares two universes over the same key. Either may be nil: the key
// does not exist there. Resources narrows it to some ARNs; nil: all.
func Diff(ctx context.Context, old, new *Universe, resources []string) (Difference, error) {
	var d Difference
	var all []*Universe
	for _, u := range []*Universe{old, new} {
		if u != nil {
			all = append(all, u)
		}
	}
	if len(all) == 0 {
		return d, errors.New("there is nothing to compare")
	}
	sp := spaceOf(all)
	var err error
	if d.Granted, err = sp.changes(ctx, new, old, resources, &d); err != nil {
		return d, err
	}
	d.Withdrawn, err = sp.changes(ctx, old, new, resources, &d)
	return d, err
}

// changes lists what one universe allows and another refuses.
func (sp *space) changes(ctx context.Context, allows, refuses *Universe, resources []string, d *Difference) ([]Change, error) {
	if allows == nil {
		return nil, nil
	}
	f := &finder{space: sp, allowed: []variant{{u: allows}}, seen: map[string]bool{}, query: Query{Resources: resources}}
	if refuses != nil {
		f.refused = []variant{{u: refuses}}
	}
	var all []Change
	told := map[string]bool{}
	err := f.subjects(ctx, func(s *subject) (bool, error) {
		c := Change{Class: s.caller.Class(), Action: s.action.Name}
		if told[c.Class+" "+c.Action] {
			return false, nil
		}
		w, err := f.ask(ctx, s)
		if err != nil || w == nil {
			return false, err
		}
		told[c.Class+" "+c.Action] = true
		c.Witness = *w
		all = append(all, c)
		return false, nil
	})
	for _, why := range f.unsure {
		if !slices.Contains(d.Unknown, why) {
			d.Unknown = append(d.Unknown, why)
		}
	}
	return all, err
}

// Class names callers that are alike for people: one that policies name, any
// other of its account, anybody else.
func (c *Caller) Class() string {
	kind := map[string]string{"user": "users", "role": "roles", "root": "root user"}[string(c.Type)]
	switch {
	case c.Outside && kind != "":
		return "any other account"
	case c.Outside:
		return "any other account"
	case c.Fresh && c.Type == "service":
		return "other AWS services"
	case c.Fresh:
		return "other " + kind + " of " + c.Account
	default:
		return c.Name
	}
}
