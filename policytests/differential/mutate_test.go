package differential

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/oracle"
	"github.com/keyreeve/keyreeve/rego/policy"
)

var mutate = flag.String("mutate", "", "break what is tested and see whether a test notices: statements, rego or source")

// wanted skips a test of mutations that was not asked for.
func wanted(t *testing.T, part string) {
	t.Helper()
	if *mutate != part {
		t.Skipf("only with -mutate=%s", part)
	}
}

// A statementMutation makes the engine read a statement otherwise than it is
// written: as if the compiler had that fault. It tells whether it changed
// anything.
type statementMutation func(s *policy.Statement) bool

// TestComparisonNoticesFaultsInStatements has the engine misread one thing
// after the other, each operator, qualifier and element, and wants the
// comparison to notice.
func TestComparisonNoticesFaultsInStatements(t *testing.T) {
	wanted(t, "statements")
	e := newEngine(t, false)
	all := statementMutations()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n := noticed(t, e, all[name])
		assert.NotZero(t, n, "nobody notices: %s", name)
		t.Logf("%6d pairs until somebody notices: %s", n, name)
	}
}

// maxNotice is how many worlds are asked before a mutation is given up.
const maxNotice = 800

// noticed tells after how many pairs the comparison notices a mutation; zero
// if it does not.
func noticed(t *testing.T, e *decision.Engine, m statementMutation) int {
	t.Helper()
	pairs := 0
	for n := range maxNotice {
		w := newWorld(*seed, uint64(n))
		broken := map[*policy.Document]*policy.Document{}
		if !w.breaks(m, broken) {
			continue
		}
		for range perWorld {
			c := w.next()
			q, err := c.question()
			if err != nil {
				t.Fatal(err)
			}
			want, err := oracle.Decide(q)
			if err != nil {
				t.Fatal(err)
			}
			pairs++
			got, err := e.Decide(t.Context(), misread(*q, broken))
			if err != nil || got.Allowed != want.Allowed || got.Reason != want.Reason || got.Layer != want.Layer {
				return pairs
			}
		}
	}
	return 0
}

// breaks makes the broken counterparts of a world's documents; false if there
// is nothing to break.
func (w *world) breaks(m statementMutation, broken map[*policy.Document]*policy.Document) bool {
	changed := false
	for _, policies := range w.by {
		for i := range policies {
			d := policies[i].parsed
			out := *d
			out.Statements = slices.Clone(d.Statements)
			for j := range out.Statements {
				s := &out.Statements[j]
				s.Conditions = slices.Clone(s.Conditions)
				s.Principals = slices.Clone(s.Principals)
				changed = m(s) || changed
			}
			broken[d] = &out
		}
	}
	return changed
}

// misread is a question with the broken counterparts of its documents.
func misread(q decision.Question, broken map[*policy.Document]*policy.Document) decision.Question {
	one := func(p *decision.Policy) *decision.Policy {
		if p == nil {
			return nil
		}
		b := *p
		b.Document = broken[p.Document]
		return &b
	}
	list := func(policies []decision.Policy) []decision.Policy {
		if policies == nil {
			return nil
		}
		out := []decision.Policy{}
		for i := range policies {
			out = append(out, *one(&policies[i]))
		}
		return out
	}
	levels := func(all [][]decision.Policy) [][]decision.Policy {
		if all == nil {
			return nil
		}
		out := [][]decision.Policy{}
		for _, l := range all {
			out = append(out, list(l))
		}
		return out
	}
	q.Identity, q.Session, q.SCP, q.RCP = list(q.Identity), list(q.Session), levels(q.SCP), levels(q.RCP)
	q.Boundary, q.Endpoint, q.KeyPolicy = one(q.Boundary), one(q.Endpoint), one(q.KeyPolicy)
	return q
}

// neighbours are the operators for which each could be mistaken.
var neighbours = map[string][]string{
	"StringEquals":              {"StringNotEquals", "StringEqualsIgnoreCase"},
	"StringNotEquals":           {"StringEquals", "StringNotEqualsIgnoreCase"},
	"StringEqualsIgnoreCase":    {"StringNotEqualsIgnoreCase", "StringEquals"},
	"StringNotEqualsIgnoreCase": {"StringEqualsIgnoreCase", "StringNotEquals"},
	"StringLike":                {"StringNotLike", "StringEqualsIgnoreCase"},
	"StringNotLike":             {"StringLike", "StringNotEqualsIgnoreCase"},
	"NumericEquals":             {"NumericNotEquals", "NumericLessThanEquals", "NumericGreaterThanEquals", "StringEquals"},
	"NumericNotEquals":          {"NumericEquals", "StringNotEquals"},
	"NumericLessThan":           {"NumericLessThanEquals", "NumericGreaterThan", "NumericNotEquals"},
	"NumericLessThanEquals":     {"NumericLessThan", "NumericGreaterThanEquals", "NumericEquals"},
	"NumericGreaterThan":        {"NumericGreaterThanEquals", "NumericLessThan", "NumericNotEquals"},
	"NumericGreaterThanEquals":  {"NumericGreaterThan", "NumericLessThanEquals", "NumericEquals"},
	"DateEquals":                {"DateNotEquals", "DateLessThanEquals", "DateGreaterThanEquals", "StringEquals"},
	"DateNotEquals":             {"DateEquals", "StringNotEquals"},
	"DateLessThan":              {"DateLessThanEquals", "DateGreaterThan", "DateNotEquals"},
	"DateLessThanEquals":        {"DateLessThan", "DateGreaterThanEquals", "DateEquals"},
	"DateGreaterThan":           {"DateGreaterThanEquals", "DateLessThan", "DateNotEquals"},
	"DateGreaterThanEquals":     {"DateGreaterThan", "DateLessThanEquals", "DateEquals"},
	"Bool":                      {"StringNotEqualsIgnoreCase", "Null"},
	"BinaryEquals":              {"StringNotEquals", "StringEqualsIgnoreCase"},
	"IpAddress":                 {"NotIpAddress", "StringEquals"},
	"NotIpAddress":              {"IpAddress", "StringNotEquals"},
	"ArnEquals":                 {"ArnNotEquals", "StringLike"},
	"ArnNotEquals":              {"ArnEquals", "StringNotLike"},
	"ArnLike":                   {"ArnNotLike", "StringLike"},
	"ArnNotLike":                {"ArnLike", "StringNotLike"},
	"Null":                      {"Bool"},
}

// eachCondition changes the conditions that fit.
func eachCondition(fits func(c *policy.Condition) bool, change func(c *policy.Condition)) statementMutation {
	return func(s *policy.Statement) bool {
		changed := false
		for i := range s.Conditions {
			if c := &s.Conditions[i]; fits(c) {
				change(c)
				changed = true
			}
		}
		return changed
	}
}

func statementMutations() map[string]statementMutation {
	all := map[string]statementMutation{}
	for _, o := range policy.Operators {
		is := func(c *policy.Condition) bool { return c.Operator == o.Name }
		for _, other := range neighbours[o.Name] {
			all[o.Name+" as "+other] = eachCondition(is, func(c *policy.Condition) { c.Operator = other })
		}
		if o.Name == "Null" {
			continue
		}
		all[o.Name+"IfExists without IfExists"] = eachCondition(func(c *policy.Condition) bool { return is(c) && c.IfExists },
			func(c *policy.Condition) { c.IfExists = false })
		all[o.Name+" with IfExists"] = eachCondition(func(c *policy.Condition) bool { return is(c) && !c.IfExists },
			func(c *policy.Condition) { c.IfExists = true })
		for name, set := range map[string][2]policy.SetQualifier{
			"ForAnyValue as ForAllValues": {policy.ForAnyValue, policy.ForAllValues}, "ForAllValues as ForAnyValue": {policy.ForAllValues, policy.ForAnyValue},
			"ForAllValues left out": {policy.ForAllValues, policy.NoQualifier},
		} {
			if o.Negated && set[1] == policy.NoQualifier {
				continue // the same
			}
			all[o.Name+", "+name] = eachCondition(func(c *policy.Condition) bool { return is(c) && c.Set == set[0] },
				func(c *policy.Condition) { c.Set = set[1] })
		}
	}
	maps.Copy(all, elementMutations())
	return all
}

// elementMutations misread the other elements of a statement.
func elementMutations() map[string]statementMutation {
	all := map[string]statementMutation{
		"NotAction as Action":       flip(func(s *policy.Statement) *bool { return &s.NotAction }, func(s *policy.Statement) bool { return s.NotAction }),
		"Action as NotAction":       flip(func(s *policy.Statement) *bool { return &s.NotAction }, func(s *policy.Statement) bool { return !s.NotAction }),
		"NotResource as Resource":   flip(func(s *policy.Statement) *bool { return &s.NotResource }, func(s *policy.Statement) bool { return s.NotResource }),
		"NotPrincipal as Principal": flip(func(s *policy.Statement) *bool { return &s.NotPrincipal }, func(s *policy.Statement) bool { return s.NotPrincipal }),
		"no conditions": func(s *policy.Statement) bool {
			there := len(s.Conditions) > 0
			s.Conditions = nil
			return there
		},
		"the last condition left out": func(s *policy.Statement) bool {
			n := len(s.Conditions)
			s.Conditions = s.Conditions[:max(0, n-1)]
			return n > 0
		},
	}
	for _, effect := range []policy.Effect{policy.Allow, policy.Deny} {
		other := policy.Allow + policy.Deny - effect
		all[fmt.Sprintf("%s as %s", effect, other)] = func(s *policy.Statement) bool {
			if s.Effect != effect {
				return false
			}
			s.Effect = other
			return true
		}
	}
	for kind := policy.Everyone; kind <= policy.Federated; kind++ {
		all[fmt.Sprintf("principal %s left out", kind)] = func(s *policy.Statement) bool {
			n := len(s.Principals)
			s.Principals = slices.DeleteFunc(s.Principals, func(p policy.Principal) bool { return p.Type == kind })
			return len(s.Principals) < n
		}
	}
	return all
}

func flip(field func(s *policy.Statement) *bool, fits func(s *policy.Statement) bool) statementMutation {
	return func(s *policy.Statement) bool {
		if !fits(s) {
			return false
		}
		*field(s) = !*field(s)
		return true
	}
}
