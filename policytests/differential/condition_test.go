package differential

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// fitting are the operands that a policy may write under each operator.
var fitting = func() map[string][]string {
	m := map[string][]string{}
	for _, o := range policy.Operators {
		t := o.Type
		if t == policy.PresenceType {
			t = policy.BoolType
		}
		for _, v := range slices.Concat(values[t], operands[t]) {
			if acceptable(o.Name, v) {
				m[o.Name] = append(m[o.Name], v)
			}
		}
	}
	return m
}()

// acceptable tells whether a policy may compare with v.
func acceptable(operator, v string) bool {
	p := full(policy.Identity, "")
	p.Document.Statement[0].Condition = map[string]map[string][]string{operator: {"aws:NoSuchKey": {v}}}
	text, err := json.Marshal(p.Document)
	if err != nil {
		return false
	}
	_, err = policy.Parse(policy.Identity, text)
	return err == nil
}

// condition adds a condition: mostly on a key that the theme holds, under an
// operator that fits it, with values that match.
func (g generator) condition(version string, s *Statement, theme request) {
	key, o := g.subject(theme)
	name := o.Name
	if o.Type != policy.PresenceType && g.chance(0.35) {
		name += "IfExists"
	}
	if row, _ := policy.ConditionKeyNamed(key); row.Many && g.chance(0.75) || g.chance(0.35) {
		name = pick(g, []string{"ForAnyValue:", "ForAllValues:"}) + name
	}
	list := []string{g.operand(version, o, key, theme)}
	for range g.few(3) - 1 {
		list = append(list, pick(g, fitting[o.Name]))
	}
	if g.chance(0.01) && !o.Negated && o.Type != policy.PresenceType {
		list = []string{} // matches nothing
	}
	if o.Negated && g.chance(0.7) || s.Effect == "Deny" && g.chance(0.4) {
		list = some(g, fitting[o.Name], 1)
	}
	if (o.Type == policy.StringType || o.Type == policy.ARNType) && g.chance(0.08) {
		list = append(list, g.many(version, o, theme)...)
	}
	if s.Condition == nil {
		s.Condition = map[string]map[string][]string{}
	}
	if s.Condition[name] == nil {
		s.Condition[name] = map[string][]string{}
	}
	s.Condition[name][g.spelled(key)] = list
}

// subject draws a key and an operator: either first the one, then the other
// to fit it.
func (g generator) subject(theme request) (key string, o policy.Operator) {
	present := slices.Sorted(maps.Keys(theme.Context))
	if g.chance(0.5) {
		o = pick(g, policy.Operators)
		fits := slices.DeleteFunc(present, func(name string) bool {
			row, known := policy.ConditionKeyNamed(name)
			return !known || !row.Fits(o.Type) && o.Type != policy.BinaryType
		})
		if len(fits) > 0 && g.chance(0.75) {
			return pick(g, fits), o
		}
		for {
			row := g.row()
			if row.Fits(o.Type) || o.Type == policy.BinaryType {
				return g.held(theme, row), o
			}
		}
	}
	key = g.keyOf(g.row())
	switch {
	case g.chance(0.75) && len(present) > 0:
		key = pick(g, present)
	case g.chance(0.1):
		key = "aws:NoSuchKey"
	}
	return key, g.operatorFor(key)
}

// held is a key of a row; more often than not the theme's requests come to
// hold it.
func (g generator) held(theme request, row policy.ConditionKey) string {
	key := g.keyOf(row)
	lower := strings.ToLower(key)
	if theme.Context[lower] == nil && !strings.HasPrefix(lower, "kms:encryptioncontext") && g.chance(0.6) {
		theme.Context[lower] = g.valuesOf(row)
	}
	return key
}

// operatorFor draws an operator: mostly one that fits the key.
func (g generator) operatorFor(key string) policy.Operator {
	row, known := policy.ConditionKeyNamed(key)
	for {
		o := pick(g, policy.Operators)
		if !known || row.Fits(o.Type) || g.chance(0.04) {
			return o
		}
	}
}

// operand draws a value to compare with: mostly one that the theme's value
// matches.
func (g generator) operand(version string, o policy.Operator, key string, theme request) string {
	present := theme.Context[strings.ToLower(key)]
	if len(present) == 0 || g.chance(0.15) {
		return pick(g, fitting[o.Name])
	}
	v := pick(g, present)
	candidates := []string{v}
	switch o.Type {
	case policy.StringType, policy.ARNType:
		candidates = g.disguised(version, o, v, theme)
	case policy.BoolType, policy.PresenceType:
		candidates = []string{v, g.spelled(v), "true", "false"}
	case policy.IPType:
		candidates = []string{v, v + "/24", v + "/32", v + "/128", v + "/0"}
	case policy.NumericType, policy.DateType:
		candidates = append(some(g, fitting[o.Name], 2), v)
	}
	for range 4 {
		if c := pick(g, candidates); acceptable(o.Name, c) {
			return c
		}
	}
	return pick(g, fitting[o.Name])
}

// many are so many operands that some are compiled together, in each of their
// shapes; they match other values more often than the theme's.
func (g generator) many(version string, o policy.Operator, theme request) (list []string) {
	for range 10 + g.IntN(20) {
		if c := pick(g, g.disguised(version, o, pick(g, values[o.Type]), theme)); acceptable(o.Name, c) {
			list = append(list, c)
		}
	}
	return list
}

// disguised are ways to write a string so that it is matched.
func (g generator) disguised(version string, o policy.Operator, v string, theme request) []string {
	all := []string{v}
	if o.FoldCase {
		all = append(all, strings.ToUpper(v), strings.ToLower(v))
	}
	chars := []rune(v)
	if o.Wildcards && len(chars) > 0 {
		from := g.IntN(len(chars))
		to := from + g.IntN(len(chars)-from+1)
		all = append(all, string(chars[:from])+"*"+string(chars[to:]), string(chars[:from])+"?"+string(chars[from+1:]), v+"*",
			strings.Join(strings.Split(v, ""), "*"), "*"+strings.Join(strings.Split(v, ""), "?*"))
	}
	if version != policy.Version2012 {
		return all
	}
	for _, name := range slices.Sorted(maps.Keys(theme.Context)) {
		if theme.Context[name][0] == v && !strings.ContainsAny(name, " ") {
			all = append(all, "${"+g.spelled(name)+"}", "${"+name+", 'red'}")
		}
	}
	if len(v) > 2 {
		all = append(all, "${aws:NoSuchKey,'"+v+"'}", v[:1]+"${aws:PrincipalTag/none , '"+v[1:]+"'}", "${aws:PrincipalTag/team}")
	}
	return append(all, strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(v))
}
