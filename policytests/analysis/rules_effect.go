package analysis

import (
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// effects looks for statements that do nothing.
func (c *checker) effects() error {
	gone := map[*statement]bool{}
	for _, s := range slices.Backward(c.document.statements) {
		if !c.speaks(s) {
			continue
		}
		check := c.effectOfAllow
		if s.source.Effect == policy.Deny {
			if check = c.effectOfDeny; c.partial() {
				continue
			}
		}
		if err := check(s, gone); err != nil {
			return err
		}
	}
	return nil
}

// partial tells whether a policy that allows nothing is meant to stand beside
// others: what it denies has effect there.
func (c *checker) partial() bool {
	return c.document.policy.Document.Kind != policy.RCP && c.document.policy.Document.Kind != policy.SCP && len(c.statements(policy.Allow)) == 0
}

// speaks tells whether a statement is about actions of the service that are
// looked at here, as the policy's only Allow of a control policy is not.
func (c *checker) speaks(s *statement) bool {
	if s.source.Effect == policy.Allow && s.doc.policy.Document.Kind == policy.RCP {
		return false
	}
	return slices.ContainsFunc(c.sp.classes(), func(class []*policy.Action) bool { return s.actions[actionIndex[class[0].Name]] })
}

func (c *checker) effectOfAllow(s *statement, gone map[*statement]bool) error {
	_, state, err := c.found("KR_UNREACHABLE_ALLOW", s, search{matching: []*statement{s}})
	if err != nil || state == Unknown {
		return err
	}
	if state == Proved {
		return c.unreachable(s)
	}
	less := with(gone, s)
	a, err := c.find(search{matching: []*statement{s}, comparing: true, without: gone, refusedWithout: less})
	if err != nil {
		return err
	}
	if a.State == Unknown {
		c.unknown("REDUNDANT_STATEMENT", s, "It could not be decided: "+a.Why+".")
	}
	if a.State != Proved {
		return nil
	}
	gone[s] = true
	f := c.report("REDUNDANT_STATEMENT", s, s.source.Pos, "Without this statement every decision is the same: other statements allow all of it.")
	w, _, err := c.found("REDUNDANT_STATEMENT", s, search{matching: []*statement{s}, without: gone})
	if err != nil {
		return err
	}
	return c.witness(f, w, "allowed also without the statement")
}

func (c *checker) effectOfDeny(s *statement, gone map[*statement]bool) error {
	a, err := c.find(search{matching: []*statement{s}, without: with(gone, s)})
	if err != nil {
		return err
	}
	if a.State == Unknown {
		c.unknown("KR_DENY_WITHOUT_EFFECT", s, "It could not be decided: "+a.Why+".")
	}
	if a.State != Proved {
		return nil
	}
	denies := map[*statement]bool{}
	for _, d := range c.statements(policy.Deny) {
		denies[d] = true
	}
	covered, err := c.find(search{matching: []*statement{s}, without: denies})
	if err != nil {
		return err
	}
	if covered.State == Found {
		gone[s] = true
		c.report("REDUNDANT_STATEMENT", s, s.source.Pos, "Without this statement every decision is the same: other statements deny all of it.")
		return nil
	}
	why := "Nobody is allowed what this statement denies."
	match, err := c.find(search{matching: []*statement{s}, anything: true, shown: true})
	if err != nil {
		return err
	}
	if match.State == Proved {
		if services, there := c.neededServices(s); services != "" && !there {
			c.needs("KR_DENY_WITHOUT_EFFECT", s, services)
			return nil
		}
		why = "No request can ever match this statement, so it denies nothing."
	}
	f := c.report("KR_DENY_WITHOUT_EFFECT", s, s.source.Pos, "%s", why)
	return c.witness(f, match.Witness, "")
}

func with(set map[*statement]bool, s *statement) map[*statement]bool {
	out := maps.Clone(set)
	if out == nil {
		out = map[*statement]bool{}
	}
	out[s] = true
	return out
}

// constants looks for conditions whose wildcards make them say no more than
// whether the key is there.
func (c *checker) constants() error {
	for _, s := range c.document.statements {
		for _, x := range s.conditions {
			if x.op.Type != policy.StringType && x.op.Type != policy.ARNType || len(x.vars) > 0 || !x.wild() || !c.said(x.key) {
				continue
			}
			d := domainOf(x.key)
			if d.values == nil && d.form == nil {
				continue
			}
			values := choose(c.sp.conditions[x.key], d, nil)
			if !values.complete || len(values.values) == 0 {
				continue
			}
			c.constant(s, x, values.values)
		}
	}
	return nil
}

// said tells whether requests that the policy is about can hold a key.
func (c *checker) said(key string) bool {
	switch info(key).source {
	case fromNowhere:
		return false
	case fromProvider, fromClaims:
		return c.u.kind == policy.Trust
	default:
		return true
	}
}

// wild tells whether some operand is nothing but wildcards.
func (c *condition) wild() bool {
	return slices.ContainsFunc(c.operands, func(o operand) bool {
		return len(o.value.Parts) > 0 && !slices.ContainsFunc(o.value.Parts, func(p policy.Part) bool { return p.Kind == policy.Literal })
	})
}

func (c *checker) constant(s *statement, x *condition, values []string) {
	holds := x.holds(values[:1], nil)
	for _, v := range values[1:] {
		if x.holds([]string{v}, nil) != holds {
			return
		}
	}
	at, key := x.source.Pos, x.source.KeyText
	switch absent := x.holds(nil, nil); {
	case holds && !absent:
		c.report("EQUIVALENT_TO_NULL_FALSE", s, at, "The condition holds whenever %s is there: it is the same as \"Null\": {%q: \"false\"}.", key, key)
	case holds:
		c.report("REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION", s, at, "The condition on %s always holds, because of its wildcard. Leave it out.", key)
	case absent:
		c.report("EQUIVALENT_TO_NULL_TRUE", s, at, "The condition holds only where %s is absent: it is the same as \"Null\": {%q: \"true\"}.", key, key)
	default:
		c.report("REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION", s, at, "The condition on %s never holds, because of its wildcard, so the statement does nothing.", key)
	}
}
