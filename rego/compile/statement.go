package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// effectRules name the partial sets of the two effects.
var effectRules = map[policy.Effect]string{policy.Allow: "_allow", policy.Deny: "_deny"}

// A scope compiles one statement.
type scope struct {
	*compiler
	s *policy.Statement
	// helpers that the statement's rules refer to; they are printed after them.
	helpers []piece
	// notes are told above the statement's first rule.
	notes []string
	// names counts the variables of the statement's rules by their stem.
	names map[string]int
	// broad: there is one limb, and it does not say much; then the rule is split
	// by the values of one condition, of which one must be there.
	broad bool
	split []conj
	// iterates: the statement's conditions in place go through the values of a
	// key that may have several.
	iterates bool
	// subject is the condition key that is compiled; empty for the resource.
	subject string
}

// A limb is a way in which a principal can match: its via, and the expressions
// that say so.
type limb struct {
	via  string
	body conj
	// broad: it fits many callers.
	broad bool
	// late is what is better asked after the action.
	late conj
}

// statement writes the rules of s: one for each way in which a principal can
// match. What they have in common beyond the action stands in a rule of its
// own if there are several.
func (c *compiler) statement(s *policy.Statement) {
	if _, ok := effectRules[s.Effect]; !ok {
		c.refuse(s.Pos, "the effect is neither Allow nor Deny")
		return
	}
	sc := &scope{compiler: c, s: s, names: map[string]int{}}
	action, ok := sc.action()
	if !ok {
		sc.never("none of its actions is known here")
		return
	}
	rest, why := sc.resource()
	if why != "" {
		sc.never(why)
		return
	}
	limbs := sc.principals()
	sc.broad = len(limbs) == 1 && limbs[0].broad
	var conditions []conj
	for i := range s.Conditions {
		more, ok := sc.condition(i)
		if !ok {
			sc.never("its condition " + s.Conditions[i].Pos.Path + " cannot hold")
			return
		}
		conditions = append(conditions, more)
	}
	rest = append(rest, sc.allOf(conditions)...)
	if len(limbs) == 0 {
		sc.never("it names no principal that can call")
		return
	}
	sc.rules(limbs, action, rest)
}

// rules writes the rules of the effect: one for each limb and each value of the
// condition that the statement is split by. OPA's index selects them by caller,
// action and value; the action stands in all of them if the caller says little,
// else in what they have in common, for few rules name the same caller.
func (sc *scope) rules(limbs []limb, action, rest conj) {
	if sc.split == nil {
		sc.split = []conj{nil}
	}
	several := len(limbs)*len(sc.split) > 1
	ahead := several && !slices.ContainsFunc(limbs, func(l limb) bool { return !l.broad })
	common := slices.Concat(limbs[0].late, rest)
	if !ahead {
		common = slices.Concat(action, common)
	}
	shared := several && (len(common) > 1 || len(common) == 1 && long(common[0]))
	if shared {
		name := sc.helperName("")
		r := holdsIf(name, nil, common)
		locate(r, sc.s.Pos)
		sc.helpers = slices.Insert(sc.helpers, 0, piece{rule: r, comments: comments([]string{sc.s.Pos.Path + ", what its rules have in common"})})
		common = conj{holds(ruleRef(name))}
	}
	sc.effects[sc.s.Effect] = true
	notes := comments(sc.notes)
	for _, l := range limbs {
		for _, value := range sc.split {
			body := slices.Clone(l.body)
			if ahead || shared && l.broad {
				body = append(body, action.copy()...)
			}
			body = append(append(body, value.copy()...), common.copy()...)
			element := ast.ArrayTerm(ast.IntNumberTerm(sc.s.Index), ast.StringTerm(l.via))
			rule := memberOf(effectRules[sc.s.Effect], element, body)
			locate(rule, sc.s.Pos)
			sc.pieces = append(sc.pieces, piece{rule: rule, comments: append(notes, sc.metadata()...)})
			notes = nil
		}
	}
	sc.pieces = append(sc.pieces, sc.helpers...)
}

// manyExpressions are so many that they are spread over several rules: OPA's
// compiler compares each expression of a body with all others.
const manyExpressions = 32

// allOf says that all conditions hold, with a rule for each manyExpressions or so
// of their expressions if there are more.
func (sc *scope) allOf(conditions []conj) conj {
	all := slices.Concat(conditions...)
	if len(all) <= manyExpressions {
		return all
	}
	all = nil
	var some conj
	for i, c := range conditions {
		if some = append(some, c...); len(some) >= manyExpressions || i == len(conditions)-1 {
			name := sc.fresh("conditions").Value.String()
			all = append(all, holds(sc.rule(name, "Some of its conditions.", nil, []conj{some})))
			some = nil
		}
	}
	return all
}

// long tells whether an expression compares with more than a few constants.
func long(e *ast.Expr) bool {
	for _, t := range e.Operands() {
		if set, ok := t.Value.(ast.Set); ok && set.Len() > 4 {
			return true
		}
	}
	return false
}

// never tells in the text that the statement has no rule, and why.
func (sc *scope) never(why string) {
	note := fmt.Sprintf("%s (%s%s) matches nothing: %s.", sc.s.Pos.Path, sc.s.Effect, sidNote(sc.s.Sid), why)
	sc.pieces = append(sc.pieces, piece{comments: comments(append(sc.notes, note))})
}

func sidNote(sid string) string {
	if sid == "" {
		return ""
	}
	return " " + strconv.QuoteToASCII(sid)
}

func (sc *scope) metadata() []string {
	title := sc.s.Sid
	if title == "" {
		title = fmt.Sprintf("Statement %d", sc.s.Index)
	}
	return metadata(title, [][2]string{{"statement", sc.s.Pos.Path}})
}

// helperName names a rule of the statement.
func (sc *scope) helperName(part string) string {
	name := "_statement_" + strconv.Itoa(sc.s.Index)
	if part != "" {
		name += "_" + part
	}
	return name
}

// fresh is a variable that no other expression of the statement uses.
func (sc *scope) fresh(stem string) *ast.Term {
	sc.names[stem]++
	if n := sc.names[stem]; n > 1 {
		stem += "_" + strconv.Itoa(n)
	}
	return ast.VarTerm(stem)
}

// anyOf is one of several conjunctions: the only one itself, else a rule.
func (sc *scope) anyOf(part, comment string, alternatives []conj) conj {
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return conj{holds(sc.rule(part, comment, nil, alternatives))}
}

// rule adds a rule, or a function of args, with one definition for each of the
// alternatives, and is its name.
func (sc *scope) rule(part, comment string, args []*ast.Term, alternatives []conj) *ast.Term {
	name := sc.helperName(part)
	for i, a := range alternatives {
		r := holdsIf(name, a.named(args), a)
		locate(r, sc.s.Pos)
		p := piece{rule: r}
		if i == 0 {
			p.comments = comments([]string{comment})
		}
		sc.helpers = append(sc.helpers, p)
	}
	return ruleRef(name)
}

// reads records that the statement depends on a path below input, and is the
// reference to it.
func (sc *scope) reads(path ...string) *ast.Term {
	field := strings.Join(path, ".")
	ref, ok := sc.footprint[field]
	if !ok {
		ref = inputRef(path...)
		sc.footprint[field] = ref
	}
	return ref
}
