package compile

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A via is a form of principal as a verdict names it.
type via struct {
	name string
	// field of input.principal that tells it.
	field string
	// many: the field is an array.
	many bool
	// federated users share name and field with the sessions of roles.
	federated bool
}

var (
	viaAccount   = via{name: "account", field: "account"}
	viaUser      = via{name: "user", field: "user"}
	viaRole      = via{name: "role", field: "role"}
	viaSession   = via{name: "session", field: "session"}
	viaFederated = via{name: "session", field: "session", federated: true}
	viaService   = via{name: "service", field: "services", many: true}
	viaProvider  = via{name: "provider", field: "provider"}
)

// vias in the order in which their rules are written.
var vias = []via{viaAccount, viaUser, viaRole, viaSession, viaFederated, viaService, viaProvider}

const (
	viaEveryone = "everyone"
	viaPolicy   = "policy"
)

// named sorts the principals of the statement by via; everyone is true if "*"
// is among them. Who has no unique id, canonical users, and providers outside
// trust policies (A-13 a) name nobody.
func (sc *scope) named() (ids map[via][]string, everyone bool) {
	ids = map[via][]string{}
	for _, p := range sc.s.Principals {
		var v via
		id := p.Text
		switch p.Type {
		case policy.Everyone:
			everyone = true
			continue
		case policy.Account:
			v, id = viaAccount, p.Account
		case policy.User:
			v, id = viaUser, sc.id(p.Text)
		case policy.Role:
			v, id = viaRole, sc.id(p.Text)
		case policy.RoleSession:
			v, id = viaSession, sc.id(p.Text)
		case policy.FederatedUser:
			v, id = viaFederated, sc.id(p.Text)
		case policy.Service:
			v = viaService
		case policy.Federated:
			if v = viaProvider; sc.kind != policy.Trust {
				id = ""
			}
		case policy.CanonicalUser:
			id = ""
		default:
			sc.refuse(p.Pos, "a principal of type %q", p.Type)
			continue
		}
		if id == "" {
			sc.notes = append(sc.notes, "Names nobody here: "+p.Pos.Path)
			continue
		}
		ids[v] = append(ids[v], id)
	}
	for v := range ids {
		ids[v] = sorted(ids[v])
	}
	return ids, everyone
}

// few is how many principals of a form, or values of a condition, may get a
// rule each: OPA's index discriminates best by rules that compare with one.
const few = 4

// principals says in which ways the caller can be one of the principals.
func (sc *scope) principals() []limb {
	if !sc.kind.HasPrincipal() {
		return []limb{{via: viaPolicy, broad: true}}
	}
	ids, everyone := sc.named()
	if sc.s.NotPrincipal {
		return sc.notPrincipal(ids, everyone)
	}
	var limbs []limb
	if everyone {
		limbs = append(limbs, limb{via: viaEveryone, broad: true})
	}
	for _, v := range vias {
		if n := len(ids[v]); n > few {
			limbs = append(limbs, limb{via: v.name, body: sc.is(v, ids[v]), broad: v == viaAccount})
			continue
		}
		for _, id := range ids[v] {
			limbs = append(limbs, limb{via: v.name, body: sc.is(v, []string{id}), broad: v == viaAccount})
		}
	}
	return limbs
}

// is says that the caller is one of ids, of which there is at least one.
func (sc *scope) is(v via, ids []string) conj {
	field := sc.reads("principal", v.field)
	switch {
	case !v.many:
		return conj{oneOf(field, ids)}
	case len(ids) == 1:
		return conj{call(ast.Member, ast.StringTerm(ids[0]), field)}
	}
	name := sc.fresh("service")
	return conj{someIn(name, field), oneOf(name, ids)}
}

// notPrincipal of a Deny spares only who is named in full; of an Allow
// it excludes whoever is named in any way.
func (sc *scope) notPrincipal(ids map[via][]string, everyone bool) []limb {
	var bodies []conj
	part, comment := "spared", "Who is named in full, and has no permissions boundary, is spared."
	if sc.s.Effect == policy.Deny {
		bodies = sc.spared(ids, everyone)
	} else {
		part, comment = "excluded", "Who is named in any way is excluded."
		if everyone {
			return nil
		}
		for _, v := range vias {
			if len(ids[v]) > 0 {
				bodies = append(bodies, sc.is(v, ids[v]))
			}
		}
	}
	if len(bodies) == 0 {
		return []limb{{via: viaEveryone, broad: true}}
	}
	return []limb{{via: viaEveryone, broad: true, late: conj{negate(holds(sc.rule(part, comment, nil, bodies)))}}}
}

// forms tells by which fields a kind of caller must be named to be named in
// full.
var forms = []struct {
	types []string
	by    []via
}{
	{types: []string{"root"}, by: []via{viaAccount}},
	{types: []string{"user"}, by: []via{viaAccount, viaUser}},
	{types: []string{"role", "service_linked_role", "web_identity"}, by: []via{viaAccount, viaRole, viaSession}},
	{types: []string{"federated"}, by: []via{viaAccount, viaFederated}},
	{types: []string{"service"}, by: []via{viaService}},
}

// spared says which callers a Deny with NotPrincipal leaves alone.
func (sc *scope) spared(ids map[via][]string, everyone bool) []conj {
	unbounded := func() conj {
		return conj{call(ast.Equal, sc.reads("principal", "boundary"), ast.BooleanTerm(false))}
	}
	if everyone {
		return []conj{unbounded()}
	}
	var bodies []conj
	for _, f := range forms {
		named := true
		for _, v := range f.by {
			named = named && len(ids[v]) > 0
		}
		if !named {
			continue
		}
		body := append(conj{oneOf(sc.reads("principal", "type"), f.types)}, unbounded()...)
		for _, v := range f.by {
			body = append(body, sc.is(v, ids[v])...)
		}
		bodies = append(bodies, body)
	}
	return bodies
}
