package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A free condition is one whose truth the options of a space need not show in
// all its ways: an operand has a variable that requests set, or operators of
// different types ask for one text. Where options show no request, a second
// search takes what free conditions say as open. If that finds nothing either,
// there is no request; else it is not known.

// doubtful asks whether there is a request if free conditions turn out as they
// like, and notes it if so.
func (f *finder) doubtful(s *subject) { f.suspect(s, &residue{sessions: true}, nil) }

// others asks whether there are further ways than some that were found.
func (f *finder) others(s *subject, r *residue, ways [][]literalAtom) {
	f.suspect(s, &residue{}, func(to *residue) [][]literalAtom { return to.translated(r, ways) })
}

func (f *finder) suspect(s *subject, r *residue, avoid func(*residue) [][]literalAtom) {
	if !f.space.hasFree() {
		return
	}
	r.space, r.given, r.relaxed = f.space, f.query.Keys, true
	g := f.goal(r, s)
	var doubts []string
	for i := range r.atoms {
		if a := &r.atoms[i]; a.free != nil && !slices.Contains(doubts, a.doubt()) {
			doubts = append(doubts, a.doubt())
		}
	}
	if g == nil || len(doubts) == 0 {
		return
	}
	sign := "free " + signature(r, g)
	if avoid != nil {
		g.avoid = avoid(r)
	} else if f.seen[sign] {
		return
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	if avoid == nil {
		f.seen[sign] = true
	}
	if _, found, sure, _ := r.solve(g, defaultSteps); !found && sure {
		return
	}
	for _, why := range doubts {
		if !slices.Contains(f.unsure, why) {
			f.unsure = append(f.unsure, why)
		}
	}
}

// doubt says what may turn out as it likes.
func (a *atom) doubt() string {
	if a.wild && a.subject.untold(a.condition.key) {
		return "requests to assume a role may hold " + a.condition.source.KeyText + ", which is not looked at"
	}
	if a.wild && a.subject.beyond(a.condition.key) {
		return "requests may hold " + a.condition.source.KeyText + " otherwise than is looked at"
	}
	if a.wild {
		return "role sessions may have names of their own, and where trust policies let them, tags; " + ruleOf(a.condition.key) + " depends on it"
	}
	return fmt.Sprintf("not all values of %s that policy variables or operators of different types tell apart could be tried", ruleOf(a.condition.key))
}

// translated are sets of atoms of another residue of the same subject, as atoms
// of this one. A set of which some atom is not known is left out.
func (r *residue) translated(from *residue, sets [][]literalAtom) [][]literalAtom {
	var out [][]literalAtom
	for _, set := range sets {
		var here []literalAtom
		for _, l := range set {
			was := &from.atoms[l.atom]
			i := slices.IndexFunc(r.atoms, func(a atom) bool {
				if was.grant != nil || a.grant != nil {
					return a.grant == was.grant
				}
				return a.condition.same(was.condition)
			})
			if i >= 0 {
				here = append(here, literalAtom{i, l.is})
			}
		}
		if len(here) == len(set) {
			out = append(out, here)
		}
	}
	return out
}

// hasFree tells whether any condition can be free.
func (sp *space) hasFree() bool {
	for _, all := range []map[string][]*condition{sp.conditions, sp.variables} {
		for key := range all {
			if key == "aws:userid" || strings.HasPrefix(key, principalTag) {
				return true
			}
		}
	}
	trust := sp.aboutRoles()
	for key, all := range sp.conditions {
		if trust && mayBeUntold(key) || mayBeBeyond(key) || sp.mixed(key) || slices.ContainsFunc(all, func(c *condition) bool { return len(c.vars) > 0 }) {
			return true
		}
	}
	return false
}

// isFree tells whether a condition is free for a subject.
func (r *residue) isFree(s *subject, c *condition) bool {
	switch {
	case r.sessions && s.chosen(c.key):
		return true
	case c.hidden:
		return false
	case c.op.Type == policy.PresenceType:
		return false
	}
	if !r.isFixed(s, c.key) && r.space.mixed(c.key) {
		return true
	}
	return slices.ContainsFunc(c.operands, func(o operand) bool { return r.isOpen(s, c, o) })
}

// isOpen tells whether an operand has variables that requests set, or beside a
// variable something that is no text: then its matches are not all tried.
func (r *residue) isOpen(s *subject, c *condition, o operand) bool {
	if c.op.Type != policy.StringType && c.op.Type != policy.ARNType || !o.value.HasVariable() {
		return false
	}
	set := false // by the request
	resolve := func(key string) (string, bool) {
		if c.blind && aboutKey(key) {
			return "", false
		}
		if !r.isFixed(s, key) || r.sessions && s.chosen(key) {
			set = true
			return "x", true
		}
		values := r.fixed(s, key)
		if len(values) != 1 {
			return "", false
		}
		return values[0], true
	}
	p, ok := ofParts(o.value.Parts, resolve)
	if !ok {
		return false // it matches nothing
	}
	text, only := p.text()
	return set || !only || c.op.FoldCase || !r.tried(s, c.key, text)
}

// tried tells whether requests are tried in which a key has a value.
func (r *residue) tried(s *subject, key, value string) bool {
	if r.isFixed(s, key) || isClosed(key) {
		return true
	}
	return slices.ContainsFunc(r.space.dimensions(s, r.space.info(key)), func(d *dimension) bool {
		return slices.ContainsFunc(d.options, func(o option) bool { return slices.Contains(o.keys[key], value) })
	})
}

func (r *residue) isFixed(s *subject, key string) bool {
	_, fixed := s.fixed(r.space.info(key))
	return fixed || r.isGiven(key)
}

// freed makes an atom of a free condition. Whether its key is there depends on
// the options of the key; whether the value fits is an option of its own, which
// conditions share that say the same or the contrary of one value.
func (r *residue) freed(s *subject, c *condition) atom {
	a := atom{condition: c, subject: s, wild: r.sessions && s.chosen(c.key)}
	if !r.isFixed(s, c.key) {
		for _, d := range r.space.dimensions(s, r.space.info(c.key)) {
			a.on = append(a.on, r.number(d))
		}
	}
	name := fmt.Sprintf("fits %s %s %t %t", c.key, c.op.Type, c.op.FoldCase, c.blind)
	if several(c.key) || a.wild {
		name = fmt.Sprintf("%s %d", name, c.id)
	}
	if c.op.Type == policy.NumericType || c.op.Type == policy.DateType {
		name += c.op.Name
	}
	for _, o := range c.operands {
		name = fmt.Sprintf("%s %q", name, o.value.Text)
	}
	a.free = r.space.dimension(name, nil, func() []option { return nil })
	a.free.options = []option{{}, {}}
	a.on = append(a.on, r.number(a.free))
	slices.Sort(a.on)
	a.on = slices.Compact(a.on)
	return a
}

// several tells whether a request may hold more than one value of a key.
func several(key string) bool { return multiValued(key) || key == contextKeys || key == tagKeys }

// freely is what a free condition comes to, given whether it fits.
func (a *atom) freely(values []string, fits bool) bool {
	c := a.condition
	switch {
	case a.wild:
		return fits
	case len(values) == 0:
		return c.missing
	case several(c.key):
		return fits
	default:
		return fits != c.op.Negated
	}
}

// mixed tells whether operators of different types, or of one that the values
// are not made for, ask for one key: then some spelling of a value may not have
// been tried.
func (sp *space) mixed(key string) bool {
	if is, known := sp.mixtures[key]; known {
		return is
	}
	kinds := map[string]bool{}
	for _, c := range sp.conditions[key] {
		switch {
		case c.op.Type == policy.PresenceType:
		case c.op.Type == policy.StringType && c.op.FoldCase:
			kinds["fold"] = true
		case c.op.Type == policy.StringType || c.op.Type == policy.ARNType:
			kinds["text"] = true
		default:
			kinds[fmt.Sprint(c.op.Type)] = true
		}
	}
	text := kinds["text"] || kinds["fold"]
	is := !isClosed(key) && (len(kinds) > 1 || text && isTyped(key))
	sp.mixtures[key] = is
	return is
}

// isClosed tells keys of which all values are tried.
func isClosed(key string) bool {
	switch key {
	case "aws:viaawsservice", "kms:grantisforawsresource", "aws:multifactorauthpresent", "aws:principalisawsservice", "kms:multiregion",
		"kms:multiregionkeytype", "kms:keyspec", "kms:customermasterkeyspec", "kms:keyusage", "kms:customermasterkeyusage", theResource:
		return true
	}
	return domainOf(key).values != nil
}

// isTyped tells keys whose values are tried as numbers, dates or addresses, and
// not as texts.
func isTyped(key string) bool {
	switch key {
	case "aws:sourceip", "aws:vpcsourceip", "aws:tokenissuetime", "aws:currenttime", "aws:epochtime":
		return true
	}
	return domainOf(key).form == nil
}
