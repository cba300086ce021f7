package analysis

import (
	"context"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Trap is a statement of a policy by which more may get through than it says.
type Trap struct {
	// Statement is its number in the policy, from 0.
	Statement int
	// Absent is a condition key that the request is to lack; empty: none.
	Absent string
	// Through is the service that is to make the request for the caller, as
	// kms:ViaService begins with it ("s3"); empty: any or none.
	Through string
	// Pattern is what kms:ViaService is to fit; nil: anything.
	Pattern *policy.Value
	// Actions narrow what is asked for; nil: all of the statement.
	Actions []string
}

// An Escape is what gets through a trap.
type Escape struct {
	Answer
	// Besides: another statement allows the request as well.
	Besides bool
}

// Escapes looks for a request through each trap of one policy by itself: one
// that is refused without the statement, or else one that it allows among
// others. They are in the order of the traps.
func Escapes(ctx context.Context, d *policy.Document, o lint.Options, traps []Trap) ([]Escape, error) {
	u, err := OfDocument(looseOf(d, o), Config{})
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, defaultLimit)
	defer cancel()
	c := &checker{ctx: bounded, u: u}
	c.prepare()
	searches := make([]search, len(traps))
	for i, t := range traps {
		s := c.document.statements[t.Statement]
		searches[i] = search{matching: []*statement{s}, comparing: true, refusedWithout: with(nil, s), actions: t.Actions, shown: true}
		ask := func(x *condition) {
			searches[i].extra = append(searches[i].extra, x)
			c.sp.take(x)
		}
		if t.Absent != "" {
			ask(asked("Null", t.Absent, "true"))
		}
		if t.Through != "" {
			ask(asked("StringEquals", "kms:ViaService", u.calling(t.Through)...))
		}
		if t.Pattern != nil {
			like := asked("StringLike", "kms:ViaService").source
			like.Values = []policy.Value{*t.Pattern}
			ask(newCondition(policy.Identity, policy.Allow, like))
		}
	}
	escapes := make([]Escape, len(traps))
	for i, s := range searches {
		if escapes[i], err = c.escape(s); err != nil {
			return nil, err
		}
	}
	return escapes, nil
}

// calling are the names of a service in kms:ViaService, in the Regions that
// there are.
func (u *Universe) calling(service string) []string {
	var all []string
	for _, r := range u.resources {
		all = append(all, service+"."+r.region+".amazonaws.com")
	}
	return unique(all)
}

func (c *checker) escape(s search) (Escape, error) {
	alone, err := c.find(s)
	if err != nil || alone.State == Found {
		return Escape{Answer: alone}, err
	}
	s.comparing = false
	among, err := c.find(s)
	if alone.State == Unknown && among.State == Proved {
		among = alone
	}
	return Escape{Answer: among, Besides: true}, err
}
