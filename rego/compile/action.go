package compile

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

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
