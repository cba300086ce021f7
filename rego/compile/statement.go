package compile

import (
	"fmt"
	"maps"
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
	// iterates: the statement's conditions in place go through the values of a
	// key that may have several.
	iterates bool
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
	for i := range s.Conditions {
		more, ok := sc.condition(i)
		if !ok {
			sc.never("its condition " + s.Conditions[i].Pos.Path + " cannot hold")
			return
		}
		rest = append(rest, more...)
	}
	limbs := sc.principals()
	if len(limbs) == 0 {
		sc.never("it names no principal that can call")
		return
	}
	sc.rules(limbs, action, rest)
}

// rules writes the rules of the effect: one if a limb has a late part. OPA's index selects them by caller and
// action; a rule for one caller leaves the action to the common rule, which
// keeps it short, for few rules name the same caller.
func (sc *scope) rules(limbs []limb, action, rest conj) {
	common := slices.Concat(action, limbs[0].late, rest)
	shared := len(limbs) > 1 && (len(common) > 1 || len(common) == 1 && long(common[0]))
	if shared {
		name := sc.helperName("")
		r := holdsIf(name, nil, common)
		locate(r, sc.s.Pos)
		sc.helpers = slices.Insert(sc.helpers, 0, piece{rule: r, comments: comments([]string{sc.s.Pos.Path + ", whoever calls"})})
		common = conj{holds(ruleRef(name))}
	}
	sc.effects[sc.s.Effect] = true
	for i, l := range limbs {
		body := slices.Clone(l.body)
		if shared && l.broad {
			body = append(body, action.copy()...)
		}
		element := ast.ArrayTerm(ast.IntNumberTerm(sc.s.Index), ast.StringTerm(l.via))
		rule := memberOf(effectRules[sc.s.Effect], element, append(body, common.copy()...))
		locate(rule, sc.s.Pos)
		p := piece{rule: rule, comments: sc.metadata()}
		if i == 0 {
			p.comments = append(comments(sc.notes), p.comments...)
		}
		sc.pieces = append(sc.pieces, p)
	}
	sc.pieces = append(sc.pieces, sc.helpers...)
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
		r := holdsIf(name, args, a)
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

// action says which actions the statement is about; ok is false if none is
// known. Patterns are expanded against the vocabulary, so that OPA can index.
func (sc *scope) action() (c conj, ok bool) {
	known, everything := map[string]bool{}, false
	for _, a := range sc.s.Actions {
		if strings.Trim(a.Text, "*") == "" {
			everything = true
			continue
		}
		names := sc.expand(a.Text)
		for _, n := range names {
			known[n] = true
		}
		if len(names) == 0 {
			sc.notes = append(sc.notes, "Not an action known here: "+a.Text)
		}
	}
	switch {
	case everything:
		return nil, !sc.s.NotAction
	case len(known) == 0:
		return nil, sc.s.NotAction
	}
	c = sc.actionIn(slices.Sorted(maps.Keys(known)), sc.s.NotAction)
	if sc.s.NotAction {
		for i := range c {
			c[i] = negate(c[i])
		}
	}
	return c, true
}

// expand is policy.ExpandAction, once for each pattern of the document.
func (c *compiler) expand(pattern string) []string {
	names, ok := c.expanded[pattern]
	if !ok {
		names = policy.ExpandAction(pattern)
		c.expanded[pattern] = names
	}
	return names
}

// actionIn says that the action is one of names: an expression, or several of
// which one holds if they may be split. Services of which all actions are meant
// are named instead of their actions.
func (sc *scope) actionIn(names []string, split bool) conj {
	action := sc.reads("action")
	var whole, single []string
	for len(names) > 0 {
		service, _, _ := strings.Cut(names[0], ":")
		n := slices.IndexFunc(names, func(name string) bool { return !strings.HasPrefix(name, service+":") })
		if n < 0 {
			n = len(names)
		}
		if n > 1 && n == services[service] {
			whole = append(whole, service+":")
		} else {
			single = append(single, names[:n]...)
		}
		names = names[n:]
	}
	switch {
	case len(single) == 0:
		return conj{affix(ast.StartsWith, ast.AnyPrefixMatch, action, whole)}
	case len(whole) == 0:
		return conj{sc.oneAction(action, single)}
	case split:
		return conj{affix(ast.StartsWith, ast.AnyPrefixMatch, action, whole), sc.oneAction(action, single)}
	}
	for _, a := range policy.Actions {
		service, _, _ := strings.Cut(a.Name, ":")
		if slices.Contains(whole, service+":") {
			single = append(single, a.Name)
		}
	}
	return conj{sc.oneAction(action, sorted(single))}
}

// oneAction shares the terms of sets, for statements tend to repeat them.
func (sc *scope) oneAction(action *ast.Term, names []string) *ast.Expr {
	if len(names) == 1 {
		return oneOf(action, names)
	}
	key := strings.Join(names, " ")
	set, ok := sc.actionSets[key]
	if !ok {
		set = stringSet(names)
		sc.actionSets[key] = set
	}
	return call(ast.Member, action, set)
}

// services counts the known actions of each.
var services = func() map[string]int {
	m := map[string]int{}
	for _, a := range policy.Actions {
		service, _, _ := strings.Cut(a.Name, ":")
		m[service]++
	}
	return m
}()

// resource says which resources the statement is about; why is set if none.
func (sc *scope) resource() (c conj, why string) {
	switch {
	case !sc.kind.HasResource():
		return nil, ""
	case !sc.s.HasResource:
		return nil, "it names no resource"
	}
	alternatives := sc.text(inputRef("resource"), sc.s.Resources, false)
	always := alwaysHolds(alternatives)
	switch {
	case len(alternatives) == 0 && !sc.s.NotResource || always && sc.s.NotResource:
		return nil, "it matches no resource"
	case len(alternatives) == 0 || always:
		return nil, ""
	}
	sc.reads("resource")
	comment := sc.s.Pos.Path + ".Resource"
	if !sc.s.NotResource {
		return sc.anyOf("resource", comment, alternatives), ""
	}
	return sc.noneOf("resource", sc.s.Pos.Path+".NotResource", alternatives), ""
}

// noneOf says that none of the alternatives holds. A single expression is
// negated in place; one with variables needs a rule, for what is undefined
// inside must not be seen outside.
func (sc *scope) noneOf(part, comment string, alternatives []conj) conj {
	var plain conj
	var rest []conj
	for _, a := range alternatives {
		if len(a) == 1 {
			plain = append(plain, negate(a[0]))
		} else {
			rest = append(rest, a)
		}
	}
	if len(rest) > 0 {
		plain = append(plain, negate(holds(sc.rule(part, comment, nil, rest))))
	}
	return plain
}

func alwaysHolds(alternatives []conj) bool {
	for _, a := range alternatives {
		if len(a) == 0 {
			return true
		}
	}
	return false
}
