package differential

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// shrink drops whatever a disagreement does not need, until nothing more can
// be dropped.
func shrink(c Case, disagrees func(*Case) bool) Case {
	for {
		smaller, ok := smallerCase(c, disagrees)
		if !ok {
			return c
		}
		c = smaller
	}
}

// smallerCase is the first reduction of c that still disagrees.
func smallerCase(c Case, disagrees func(*Case) bool) (Case, bool) {
	for n := 0; ; n++ {
		candidate := c.clone()
		r := reducer{left: n}
		r.reduce(&candidate)
		if !r.done {
			return Case{}, false
		}
		if disagrees(&candidate) {
			return candidate, true
		}
	}
}

// clone is a deep copy with policies not yet parsed.
func (c *Case) clone() Case {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	var out Case
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// A reducer carries out one reduction: the one that comes after left others.
type reducer struct {
	left int
	done bool
}

// turn is true for the reduction that is to be carried out.
func (r *reducer) turn() bool {
	if r.done {
		return false
	}
	r.left--
	r.done = r.left < 0
	return r.done
}

func (r *reducer) reduce(c *Case) {
	dropLayer(r, &c.SCP)
	dropLayer(r, &c.RCP)
	dropLayer(r, &c.Session)
	dropLayer(r, &c.Grants)
	for _, p := range []**Policy{&c.Endpoint, &c.Boundary, &c.Resourced} {
		if *p != nil && r.turn() {
			*p = nil
		}
	}
	if c.Child != nil && r.turn() {
		c.Child = nil
	}
	dropElements(r, &c.Identity, 0)
	dropElements(r, &c.Session, 0)
	dropLevels(r, &c.SCP)
	dropLevels(r, &c.RCP)
	dropElements(r, &c.Grants, 0)
	c.attached(func(_ decision.Layer, p *Policy) { r.reducePolicy(p) })
	for i := range c.Grants {
		r.reduceGrant(&c.Grants[i])
	}
	dropKeys(r, c.Context)
	for _, name := range slices.Sorted(maps.Keys(c.Context)) {
		list := c.Context[name]
		dropElements(r, &list, 1)
		c.Context[name] = list
	}
	dropKeys(r, c.EncryptionContext)
	for _, flag := range []*bool{&c.Principal.Management, &c.Resource.Management, &c.Resource.AWSManaged} {
		if *flag && r.turn() {
			*flag = false
		}
	}
	for _, text := range []*string{&c.Principal.OrgID, &c.Resource.OrgID} {
		if *text != "" && r.turn() {
			*text = ""
		}
	}
}

func dropLayer[T any](r *reducer, layer *[]T) {
	if *layer != nil && r.turn() {
		*layer = nil
	}
}

// dropElements drops an element of a list that has more than least.
func dropElements[T any](r *reducer, list *[]T, least int) {
	for i := range *list {
		if len(*list) > least && r.turn() {
			*list = slices.Delete(*list, i, i+1)
			return
		}
	}
}

func dropLevels(r *reducer, levels *[][]Policy) {
	dropElements(r, levels, 0)
	for i := range *levels {
		dropElements(r, &(*levels)[i], 0)
	}
}

func dropKeys[T any](r *reducer, m map[string]T) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if r.turn() {
			delete(m, k)
		}
	}
}

func (r *reducer) reducePolicy(p *Policy) {
	dropElements(r, &p.Document.Statement, 1)
	for i := range p.Document.Statement {
		r.reduceStatement(&p.Document.Statement[i])
	}
	if p.Document.Version != policy.Version2012 && r.turn() {
		p.Document.Version = policy.Version2012
	}
	if len(p.Principals) > 0 && r.turn() {
		p.Principals = nil
	}
	dropKeys(r, p.Principals)
}

func (r *reducer) reduceStatement(s *Statement) {
	if s.Sid != "" && r.turn() {
		s.Sid = ""
	}
	dropKeys(r, s.Condition)
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		dropKeys(r, s.Condition[operator])
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			list := s.Condition[operator][key]
			dropElements(r, &list, 1)
			if _, there := s.Condition[operator][key]; there {
				s.Condition[operator][key] = list
			}
		}
	}
	for _, list := range []*[]string{&s.Action, &s.NotAction, &s.Resource, &s.NotResource} {
		dropElements(r, list, 1)
	}
	if len(s.Resource) > 0 && s.Resource[0] != "*" && r.turn() {
		s.Resource = []string{"*"}
	}
	if len(s.Action) > 0 && s.Action[0] != "*" && r.turn() {
		s.Action = []string{"*"}
	}
	for _, w := range []*Who{s.Principal, s.NotPrincipal} {
		if w == nil {
			continue
		}
		for _, list := range []*[]string{&w.AWS, &w.Service, &w.Federated, &w.CanonicalUser} {
			if len(w.AWS)+len(w.Service)+len(w.Federated)+len(w.CanonicalUser) > 1 {
				dropElements(r, list, 0)
			}
		}
	}
}

func (r *reducer) reduceGrant(g *decision.Grant) {
	if g.Retiree != (decision.Party{}) && r.turn() {
		g.Retiree = decision.Party{}
	}
	if g.FromToken && r.turn() {
		g.FromToken = false
	}
	if g.Equals != nil && r.turn() {
		g.Equals = nil
	}
	if g.Subset != nil && r.turn() {
		g.Subset = nil
	}
	dropKeys(r, g.Equals)
	dropKeys(r, g.Subset)
	dropElements(r, &g.Operations, 0)
}
