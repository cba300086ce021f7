package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A truth is what is known of a statement about a request that is not known in
// full.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

// An atom is a condition, or a grant, whose truth the request decides.
type atom struct {
	condition *condition
	subject   *subject
	// on are the numbers of the dimensions that it depends on.
	on []int
	// table is its truth by option, where it depends on one dimension.
	table []truth
	grant *decision.Grant
	// free, if set, decides whether the value fits: see relaxed.go. wild: whether
	// there is a value, too.
	free *dimension
	wild bool
}

// A clause is a statement that matches the subject if its atoms are true.
type clause struct {
	statement *statement
	layer     decision.Layer
	level     int
	via       vias
	atoms     []int
}

// A grantClause is a grant that is for the subject, if its atoms are true.
type grantClause struct {
	grant *decision.Grant
	via   vias
	atoms []int
}

// A residual is what is left of all policies of a universe for one subject.
type residual struct {
	subject *subject
	// absent: the universe does not have the caller, the key or the way.
	absent  bool
	clauses []clause
	grants  []grantClause
	// attached layers, with the number of their levels.
	levels map[decision.Layer]int
}

// A variant is a universe, maybe without some of its statements.
type variant struct {
	u       *Universe
	without map[*statement]bool
	// only, if set, is the one layer whose statements count.
}

// A residue gathers the residuals of one search, with the atoms and dimensions
// that they share.
type residue struct {
	space *space
	// given are condition keys that the search fixes.
	given map[string][]string
	atoms []atom
	dims  []*dimension
	// relaxed: conditions that are free are open.
	relaxed bool
	// sessions: so are those on what whoever begins a session says of it.
	sessions bool
}

// of works out what is left of a variant for a subject of it.
func (r *residue) of(v variant, s *subject) *residual {
	out := &residual{subject: s, levels: map[decision.Layer]int{}}
	q := layersOf(s)
	for _, l := range q {
		if l.policies == nil {
			continue
		}
		out.levels[l.name] = len(l.policies)
		if l.exempt {
			continue
		}
		for level, list := range l.policies {
			for i := range list {
				r.policy(out, v, s.u.document(&list[i]), l.name, level)
			}
		}
	}
	for i := range s.on.grants {
		r.grant(out, &s.on.grants[i])
	}
	return out
}

// A layer is a kind of policies as it is attached to a subject.
type layer struct {
	name     decision.Layer
	policies [][]decision.Policy
	exempt   bool
}

func optional(p *decision.Policy) [][]decision.Policy {
	if p == nil {
		return nil
	}
	return [][]decision.Policy{{*p}}
}

// layersOf are the layers of a subject, as engine/decision attaches them.
func layersOf(s *subject) []layer {
	t := s.caller.Type
	service, linked := t == decision.Service, t == decision.ServiceLinkedRole
	var session [][]decision.Policy
	if s.caller.attached.Session != nil {
		session = [][]decision.Policy{s.caller.attached.Session}
	}
	scp := s.caller.attached.SCP
	return []layer{
		{decision.LayerSCP, scp, service || linked || s.caller.principal.Management},
		{decision.LayerRCP, s.on.rcp, linked || s.on.decided.Management || s.on.decided.AWSManaged || s.action.Name == "kms:RetireGrant"},
		{decision.LayerEndpoint, optional(s.by.policy), false},
		{decision.LayerBoundary, optional(s.caller.attached.Boundary), service},
		{decision.LayerSession, session, service},
		{decision.LayerIdentity, [][]decision.Policy{s.caller.attached.Identity}, service},
		{decision.LayerResource, optional(s.on.policy), s.rule() != decision.KeyPolicy && s.rule() != decision.Trust},
	}
}

// policy adds the statements of a document that can match.
func (r *residue) policy(out *residual, v variant, d *document, l decision.Layer, level int) {
	number := actionIndex[out.subject.action.Name]
	bounded := out.subject.caller.attached.Boundary != nil
	for _, s := range d.statements {
		if s.dead || !s.actions[number] || v.without[s] {
			continue
		}
		via := s.matched(&out.subject.caller.principal, bounded)
		if via == 0 {
			continue
		}
		atoms, possible := r.conditions(out.subject, s)
		if possible {
			out.clauses = append(out.clauses, clause{statement: s, layer: l, level: level, via: via, atoms: atoms})
		}
	}
}

// conditions are the atoms of a statement for a subject; possible is false if
// one of its conditions cannot hold.
func (r *residue) conditions(s *subject, st *statement) (atoms []int, possible bool) {
	add := func(c *condition) bool {
		n, t := r.atom(s, c)
		if t == maybe && !slices.Contains(atoms, n) {
			atoms = append(atoms, n)
		}
		return t != no
	}
	if st.resource != nil && !add(st.resource) {
		return nil, false
	}
	for _, c := range st.conditions {
		if !add(c) {
			return nil, false
		}
	}
	return atoms, true
}

// atom is the number of a condition among the atoms, or its truth if the
// subject settles it.
func (r *residue) atom(s *subject, c *condition) (int, truth) {
	on, settled := r.depends(s, c)
	if settled && (!r.sessions || !slices.ContainsFunc(append([]string{c.key}, c.vars...), s.chosen)) {
		return 0, certainly(c.holds(r.fixed(s, c.key), func(k string) []string { return r.fixed(s, k) }))
	}
	a := atom{condition: c, subject: s, on: on}
	if r.relaxed && r.isFree(s, c) {
		a = r.freed(s, c)
		on = a.on
	}
	for i := range r.atoms {
		a := &r.atoms[i]
		if a.condition != nil && !a.wild && a.condition.same(c) && slices.Equal(a.on, on) && (a.subject == s || len(c.vars) == 0 && a.condition.key == c.key) {
			return i, maybe
		}
	}
	if len(on) == 1 && a.free == nil {
		if t, ok := a.tabulate(r); ok {
			return 0, t
		}
	}
	r.atoms = append(r.atoms, a)
	return len(r.atoms) - 1, maybe
}

// tabulate works out the truth by option; ok if it is the same for all.
func (a *atom) tabulate(r *residue) (t truth, ok bool) {
	d := r.dims[a.on[0]]
	same := true
	for i := range d.options {
		get := func(k string) []string { return r.value(a.subject, k, func(int) *option { return &d.options[i] }) }
		a.table = append(a.table, certainly(a.condition.holds(get(a.condition.key), get)))
		same = same && a.table[i] == a.table[0]
	}
	return a.table[0], same
}

func certainly(b bool) truth {
	if b {
		return yes
	}
	return no
}

// depends lists the dimensions that a condition depends on; settled, if there
// are none.
func (r *residue) depends(s *subject, c *condition) (on []int, settled bool) {
	for _, key := range append([]string{c.key}, c.vars...) {
		i := r.space.info(key)
		if _, fixed := s.fixed(i); fixed || r.isGiven(key) {
			continue
		}
		for _, d := range r.space.dimensions(s, i) {
			if n := r.number(d); !slices.Contains(on, n) {
				on = append(on, n)
			}
		}
	}
	slices.Sort(on)
	return on, len(on) == 0
}

func (r *residue) isGiven(key string) bool {
	_, ok := r.given[key]
	return ok
}

// fixed are the values of a key that is fixed, by the subject or the search.
func (r *residue) fixed(s *subject, key string) []string {
	values, fixed := s.fixed(r.space.info(key))
	if given, ok := r.given[key]; ok && !fixed {
		return given
	}
	return values
}

// number is the place of a dimension among those of the search.
func (r *residue) number(d *dimension) int {
	if n := slices.Index(r.dims, d); n >= 0 {
		return n
	}
	r.dims = append(r.dims, d)
	return len(r.dims) - 1
}

// value is what a key has under the options that are chosen.
func (r *residue) value(s *subject, key string, chosen func(dim int) *option) []string {
	i := r.space.info(key)
	if values, fixed := s.fixed(i); fixed {
		return values
	}
	if given, ok := r.given[key]; ok {
		return given
	}
	dims := r.space.dimensions(s, i)
	if i.source != fromContextNames && i.source != fromTagNames {
		return chosen(r.number(dims[0])).keys[key]
	}
	var names []string
	for _, d := range dims {
		if o := chosen(r.number(d)); o.name != "" {
			names = append(append(names, o.name), o.also...)
		}
	}
	return names
}

// grant adds a grant whose grantee is the caller and that allows the action.
func (r *residue) grant(out *residual, g *decision.Grant) {
	operation := strings.TrimPrefix(out.subject.action.Name, "kms:")
	via := partyVia[g.Grantee.Via]
	if via == 0 || !slices.Contains(g.Operations, operation) || !(party{via, g.Grantee.ID}).names(&out.subject.caller.principal) {
		return
	}
	if out.subject.rule() != decision.KeyPolicy {
		return
	}
	a := atom{grant: g, subject: out.subject}
	if operation != "DescribeKey" && (g.Equals != nil || g.Subset != nil || operation == "CreateGrant") {
		keys := []string{contextKeys}
		if operation == "CreateGrant" {
			keys = append(keys, "kms:grantoperations", "kms:grantconstrainttype")
		}
		for _, k := range keys {
			i := r.space.info(k)
			if out.subject.carries(i) {
				for _, d := range r.space.dimensions(out.subject, i) {
					a.on = append(a.on, r.number(d))
				}
			}
		}
	}
	if len(a.on) == 0 {
		if fits(g, operation, nil, nil, "") {
			out.grants = append(out.grants, grantClause{grant: g, via: via})
		}
		return
	}
	slices.Sort(a.on)
	r.atoms = append(r.atoms, a)
	out.grants = append(out.grants, grantClause{grant: g, via: via, atoms: []int{len(r.atoms) - 1}})
}

var partyVia = map[decision.Via]vias{
	decision.ViaUser: byUser, decision.ViaRole: byRole, decision.ViaSession: bySession, decision.ViaAccount: byAccount, decision.ViaService: byService,
}

// fits tells whether a request fits the constraints of a grant.
func fits(g *decision.Grant, operation string, pairs map[string]string, operations []string, kind string) bool {
	contains := func(have, want map[string]string) bool {
		for k, v := range want {
			if got, ok := have[k]; !ok || got != v {
				return false
			}
		}
		return true
	}
	equal := func(a, b map[string]string) bool { return len(a) == len(b) && contains(a, b) }
	if operation == "DescribeKey" {
		return true
	}
	if operation != "CreateGrant" {
		return (g.Equals == nil || equal(pairs, g.Equals)) && contains(pairs, g.Subset)
	}
	for _, o := range operations {
		if !slices.Contains(g.Operations, o) {
			return false
		}
	}
	if g.Equals != nil && (kind != "EncryptionContextEquals" || !equal(pairs, g.Equals)) {
		return false
	}
	return contains(pairs, g.Subset)
}

// effect of a clause's statement.
func (c *clause) effect() policy.Effect { return c.statement.source.Effect }
