package export

import (
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/bundle"
)

// SessionName is that of the sessions in which roles of a bundle call. A
// question about another gives principal.session and the condition keys that
// tell of it.
const SessionName = "session"

// callers adds who can call from an account: its root user, users, sessions of
// its roles, and the sessions that the world lists.
func (x *exporter) callers(a *world.Account, to map[string]bundle.Principal) error {
	owners := map[string]world.AccessKey{"root": {Root: true}}
	for _, u := range a.Users {
		owners["user/"+u.Name] = world.AccessKey{User: u}
	}
	for _, f := range a.Federated {
		owners["federated/"+f.Name] = world.AccessKey{Federated: f}
	}
	for _, i := range a.Identities {
		owners["web/"+i.Name] = world.AccessKey{Identity: i}
	}
	for name, owner := range owners {
		owner.Account, owner.Active = a.ID, true
		c, refused := identity.Of(x.world, owner)
		if refused != nil {
			return fmt.Errorf("exporting %s of %s: %w", name, a.ID, refused)
		}
		to[c.ARN] = x.principal(c, names(a, name))
	}
	for _, r := range a.Roles {
		c := identity.InRole(x.world, r, SessionName, identity.Session{})
		to[r.ARN] = x.principal(c, names(a, "role/"+r.Name))
	}
	return nil
}

// principal is a caller with what is attached to it.
func (x *exporter) principal(c identity.Caller, names []string) bundle.Principal {
	return bundle.Principal{
		Names: names, Principal: facts(c.Principal()), Context: c.Keys(time.Time{}), Policies: x.attached(c),
	}
}

// facts are a principal in the words of the schema.
func facts(p decision.Principal) map[string]any {
	out := map[string]any{"type": string(p.Type), "management": p.Management}
	for name, value := range map[string]string{
		"account": p.Account, "user": p.User, "role": p.Role, "session": p.Session, "provider": p.Provider,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if len(p.Services) > 0 {
		out["services"] = p.Services
	}
	return out
}

// attached are the names of the policies that identity.Caller.Attached finds.
func (x *exporter) attached(c identity.Caller) bundle.Layers {
	layers := bundle.Layers{}
	own := []string{}
	switch {
	case c.Role != nil:
		own = x.all(c.Role.ARN, c.Role.Inline, c.Role.Managed)
		x.one(layers, decision.LayerBoundary, c.Role.ARN, c.Role.Boundary)
	case c.User != nil:
		own = x.all(c.User.ARN, c.User.Inline, c.User.Managed)
		for _, g := range c.User.Groups {
			own = append(own, x.all(g.ARN, g.Inline, g.Managed)...)
		}
		x.one(layers, decision.LayerBoundary, c.User.ARN, c.User.Boundary)
	}
	layers[string(decision.LayerIdentity)] = bundle.Levels{own}
	if session := c.Attached().Session; session != nil {
		names := []string{}
		for _, p := range session {
			names = append(names, x.add(c.ARN, p, ""))
		}
		layers[string(decision.LayerSession)] = bundle.Levels{names}
	}
	x.guardrails(layers, decision.LayerSCP, c.Account, scps)
	return layers
}
