package analysis

import (
	"context"
	"errors"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
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

// A Change is what one class of principals may do, or may no longer, with a
// request that shows it. In one that is granted, Witness tells of the new
// universe, in one that is withdrawn of the old.
type Change struct {
	// Class names the principals: one by its name, any other of an account, …
	Class string
	// Actions that the policies treat alike, sorted. The request is for the
	// first.
	Actions []string
	Witness Witness
}

// Diff compares two universes over the same key. Either may be nil: the key
// does not exist there. Resources narrows it to some ARNs; nil: all.
func Diff(ctx context.Context, old, new *Universe, resources []string) (Difference, error) {
	var d Difference
	if err := align(old, new); err != nil {
		return d, err
	}
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
		c := Change{Class: s.caller.Class(), Actions: sp.alike(s.action.Name)}
		id := c.Class + " " + s.action.Name + " " + s.on.decided.ARN
		if told[id] {
			return false, nil
		}
		w, err := f.ask(ctx, s)
		if err != nil || w == nil {
			return false, err
		}
		told[id] = true
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

// alike are the actions of the class of one.
func (sp *space) alike(action string) []string {
	for _, class := range sp.classes() {
		if class[0].Name == action {
			names := make([]string, len(class))
			for i, a := range class {
				names[i] = a.Name
			}
			return names
		}
	}
	return []string{action}
}

// Class names callers that are alike for people: one that policies name, any
// other of its account, anybody else.
func (c *Caller) Class() string {
	kinds := map[decision.PrincipalType]string{decision.User: "other users of ", decision.Role: "other roles of ", decision.Federated: "other federated users of "}
	switch {
	case c.Outside:
		return "any other account"
	case c.Member:
		return "other accounts of an organization"
	case c.Fresh && c.Type == decision.Service:
		return "other AWS services"
	case c.Fresh && kinds[c.Type] != "":
		return kinds[c.Type] + c.Account
	default:
		return c.Name
	}
}

// None is a policy that stands for none of its kind: an IAM policy that allows
// nothing, or a limit that denies nothing. There is none for key policies,
// without which there is no key, and for trust policies.
func None(k policy.Kind) (*policy.Document, bool) {
	if k == policy.Identity {
		return noIdentity.Document, true
	}
	text, ok := nones[k]
	if !ok {
		return nil, false
	}
	d, err := policy.Parse(k, []byte(text))
	return d, err == nil
}

var noIdentity = made(policy.Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)

const allowsAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

const allowsAnybodyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

var nones = map[policy.Kind]string{
	policy.Boundary: allowsAll, policy.Session: allowsAll, policy.SCP: allowsAll,
	policy.RCP: allowsAnybodyAll, policy.Endpoint: allowsAnybodyAll,
}
