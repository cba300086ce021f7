package compile

import (
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// absent tells whether key is never there in this kind of policy.
func (c *compiler) absent(key string) bool {
	if c.kind != policy.Key && c.kind != policy.Trust {
		return false
	}
	return key == "kms:resourcealiases" || strings.HasPrefix(key, "aws:resourcetag/")
}

// contextOr is the values of a key, or the array of fallback if it is absent.
func contextOr(key string, fallback ...*ast.Term) *ast.Term {
	return contextAt(ast.StringTerm(key), ast.ArrayTerm(fallback...))
}

// contextAt is contextOr for a key and a fallback that are terms.
func contextAt(key, fallback *ast.Term) *ast.Term {
	return callTerm(ast.ObjectGet, ast.NewTerm(ast.Ref{ast.InputRootDocument}), ast.ArrayTerm(ast.StringTerm("context"), key), fallback)
}

// A test is one condition: which values it is about, and how they must match.
type test struct {
	*scope
	index int
	key   string
	// values is input.context[key].
	values *ast.Term
	// all: every value of the request must pass, else one is enough.
	all bool
	// negated: a value passes if it matches nothing.
	negated bool
	// missing: the condition holds if the key is absent.
	missing bool
	// match says in which ways a value can match, given its variable.
	match func(v *ast.Term) []conj
}

// condition says that condition i of the statement holds; ok is false if it
// never can.
func (sc *scope) condition(i int) (c conj, ok bool) {
	cond := &sc.s.Conditions[i]
	sc.subject = cond.Key
	op, found := policy.OperatorNamed(cond.Operator)
	match := operators[op.Type]
	if !found || match == nil && op.Type != policy.PresenceType {
		sc.refuse(cond.Pos, "the operator %s is not supported", cond.Operator)
		return nil, false
	}
	if op.Type == policy.PresenceType {
		return sc.null(cond)
	}
	t := test{
		scope: sc, index: i, key: cond.Key, negated: op.Negated,
		missing: missing(cond, op), all: sc.all(cond, op),
		match: func(v *ast.Term) []conj { return match(sc, op, cond, v) },
	}
	if sc.absent(cond.Key) {
		return nil, t.missing
	}
	t.values = sc.reads("context", cond.Key)
	return t.compile()
}

// missing tells whether the condition holds without the key.
func missing(c *policy.Condition, op policy.Operator) bool {
	switch {
	case c.IfExists || c.Set == policy.ForAllValues:
		return true
	case c.Set == policy.ForAnyValue:
		return false
	default:
		return op.Negated
	}
}

// all tells whether every value of the request must pass: under ForAllValues,
// under a negated operator without qualifier, and in an Allow where names share
// the key, whatever the qualifier.
func (sc *scope) all(c *policy.Condition, op policy.Operator) bool {
	switch {
	case policy.NamesShare(c.Key):
		return sc.s.Effect == policy.Allow
	case c.Set == policy.NoQualifier:
		return op.Negated
	default:
		return c.Set == policy.ForAllValues
	}
}

// null is the operator Null: absence if "true", presence if "false".
func (sc *scope) null(c *policy.Condition) (conj, bool) {
	wantAbsent, wantPresent := false, false
	for _, v := range c.Values {
		truth, _ := policy.Truth(v.Text)
		wantAbsent = wantAbsent || truth
		wantPresent = wantPresent || !truth
	}
	switch {
	case wantAbsent == wantPresent:
		return nil, wantAbsent
	case sc.absent(c.Key):
		return nil, wantAbsent
	case wantAbsent:
		return conj{negate(holds(sc.reads("context", c.Key)))}, true
	default:
		return conj{holds(sc.reads("context", c.Key))}, true
	}
}

func (t *test) compile() (conj, bool) {
	v := t.fresh("value")
	ways := t.match(v)
	switch {
	case len(ways) == 0:
		return t.constant(t.negated)
	case alwaysHolds(ways):
		return t.constant(!t.negated)
	case t.all:
		return t.every(v, ways), true
	default:
		return t.some(v, ways), true
	}
}

// constant is a condition that every value passes, or none.
func (t *test) constant(passes bool) (conj, bool) {
	switch {
	case passes && t.missing:
		return nil, true
	case passes:
		return conj{holds(t.values)}, true
	case t.missing:
		return conj{negate(holds(t.values))}, true
	default:
		return nil, false
	}
}

// every says that each value passes. An absent key has no values.
func (t *test) every(v *ast.Term, ways []conj) conj {
	domain := t.values
	if t.missing {
		domain = contextOr(t.key)
	}
	only, exact := constantOf(ways)
	switch {
	case exact && t.negated && t.missing:
		return conj{negate(call(ast.Member, only, domain))}
	case exact && !t.negated && !t.missing:
		// The first expression is for OPA's index.
		return conj{call(ast.Member, only, domain), everyIn(v, domain, ways[0])}
	case t.negated:
		return conj{everyIn(v, domain, t.none(v, ways))}
	case len(ways) == 1:
		if !t.missing {
			t.splitBy(ways)
		}
		return conj{everyIn(v, domain, ways[0])}
	default:
		return conj{everyIn(v, domain, conj{callRule(t.function(v, ways), v)})}
	}
}

// some says that one value passes, or that there is none if that will do.
func (t *test) some(v *ast.Term, ways []conj) conj {
	var bodies []conj
	if set, ok := setOf(ways); ok && t.missing && !t.negated {
		// An absent key passes like one that holds a fitting value.
		t.values, t.missing = contextOr(t.key, set[0]), false
	} else if !t.missing && !t.negated && t.splitBy(ways) {
		return nil
	}
	if t.negated {
		bodies = append(bodies, append(conj{someIn(v, t.values)}, t.none(v, ways)...))
	} else if only, exact := constantOf(ways); exact {
		bodies = append(bodies, conj{call(ast.Member, only, t.values)})
	} else {
		for _, w := range ways {
			bodies = append(bodies, append(conj{someIn(v, t.values)}, w...))
		}
	}
	if t.missing {
		bodies = append(bodies, conj{negate(holds(t.values))})
	}
	if len(bodies) == 1 && t.inPlace(bodies[0]) {
		return bodies[0]
	}
	return conj{holds(t.rule(t.part(), t.comment(), nil, bodies))}
}

// inPlace tells whether body may stand in the statement's rule. Of those that
// go through several values there is at most one, or else each would multiply
// the work of the others.
func (t *test) inPlace(body conj) bool {
	if _, iterates := body[0].Terms.(*ast.SomeDecl); !iterates {
		return true
	}
	if k, ok := policy.ConditionKeyNamed(t.key); ok && !k.Many && !policy.NamesShare(t.key) {
		return true
	}
	if t.iterates {
		return false
	}
	t.iterates = true
	return true
}

// none says that v matches in none of the ways.
func (t *test) none(v *ast.Term, ways []conj) conj {
	var c conj
	var rest []conj
	for _, w := range ways {
		if len(w) == 1 && negatable(w[0]) {
			c = append(c, negate(w[0]))
		} else {
			rest = append(rest, w)
		}
	}
	if len(rest) > 0 {
		c = append(c, negate(callRule(t.function(v, rest), v)))
	}
	return c
}

// function makes a function of the ways.
func (t *test) function(v *ast.Term, ways []conj) *ast.Term {
	return t.rule(t.part()+"_matches", t.comment()+", one value", []*ast.Term{v}, ways)
}

func (t *test) part() string { return "condition_" + strconv.Itoa(t.index) }

func (t *test) comment() string {
	return t.s.Conditions[t.index].Pos.Path
}

// constantOf is the one constant that a value must equal, if that is all.
func constantOf(ways []conj) (*ast.Term, bool) {
	if len(ways) != 1 || len(ways[0]) != 1 || !ways[0][0].Operator().Equal(ast.Equal.Ref()) {
		return nil, false
	}
	v, only := ways[0][0].Operand(0), ways[0][0].Operand(1)
	_, variable := v.Value.(ast.Var)
	_, text := only.Value.(ast.String)
	return only, variable && text
}

// setOf are the constants of which a value must be one, if that is all.
func setOf(ways []conj) ([]*ast.Term, bool) {
	if only, exact := constantOf(ways); exact {
		return []*ast.Term{only}, true
	}
	if len(ways) != 1 || len(ways[0]) != 1 || !ways[0][0].Operator().Equal(ast.Member.Ref()) {
		return nil, false
	}
	set, ok := ways[0][0].Operand(1).Value.(ast.Set)
	_, plain := ways[0][0].Operand(0).Value.(ast.Var)
	if !ok || !plain {
		return nil, false
	}
	return set.Slice(), true
}

// splitBy splits the statement's rules by a few constants of which a value
// must be one, so that OPA's index sees them.
func (t *test) splitBy(ways []conj) bool {
	set, ok := setOf(ways)
	if !ok || len(set) < 2 || len(set) > few || !t.broad || t.split != nil {
		return false
	}
	for _, constant := range set {
		t.split = append(t.split, conj{call(ast.Member, constant, t.values)})
	}
	return true
}

// negatable tells whether all operands of e are defined for every value, so
// that e can be negated in place: calls of the module's own functions are not.
func negatable(e *ast.Expr) bool {
	for _, t := range e.Operands() {
		if call, ok := t.Value.(ast.Call); ok && strings.HasPrefix(call[0].String(), "_") {
			return false
		}
	}
	return true
}
