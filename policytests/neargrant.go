package policytests

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// GrantedTo tells whether the grantee of a grant is a caller.
func GrantedTo(g decision.Grant, c decision.Principal) bool {
	switch p := g.Grantee; p.Via {
	case decision.ViaUser:
		return p.ID == c.User && c.Type == decision.User
	case decision.ViaRole:
		return p.ID == c.Role
	case decision.ViaSession:
		return p.ID == c.Session
	case decision.ViaAccount:
		return p.ID == c.Account
	case decision.ViaService:
		return slices.Contains(c.Services, p.ID)
	}
	return false
}

// NearGrant says why a grant to the caller of a refused question does not fit
// it, calling the grant and the caller by these names; empty if it is for
// somebody else, or its constraint is not what is in the way.
func NearGrant(q *decision.Question, g decision.Grant, name, who string) string {
	operation, isKMS := strings.CutPrefix(q.Action, "kms:")
	if !isKMS || q.Rule != decision.KeyPolicy || !GrantedTo(g, q.Principal) {
		return ""
	}
	switch {
	case !slices.Contains(g.Operations, operation):
		return fmt.Sprintf("The grant %s is for %s, but not for %s: its operations are %s.", name, who, operation, strings.Join(g.Operations, ", "))
	case g.Equals != nil:
		return fmt.Sprintf("The grant %s fits only an encryption context that is exactly %s.", name, Pairs(g.Equals))
	case g.Subset != nil:
		return fmt.Sprintf("The grant %s fits only an encryption context that contains %s.", name, Pairs(g.Subset))
	}
	return ""
}

// Pairs writes the pairs of an encryption context in the order of their names;
// "empty" if there are none.
func Pairs(all map[string]string) string {
	if len(all) == 0 {
		return "empty"
	}
	words := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		words = append(words, name+"="+caseline.Quote(all[name]))
	}
	return strings.Join(words, ", ")
}

// nearGrants say which grants nearly allowed what was refused.
func (a *Asker) nearGrants(d decision.Decision) (near []string) {
	if d.Allowed {
		return nil
	}
	q := d.Question()
	for _, g := range q.Grants {
		who := "this caller"
		if g.Grantee.Via == decision.ViaAccount {
			who = "the caller's account"
		}
		if said := NearGrant(&q, g, a.grantName(g.ID), who); said != "" {
			near = append(near, said)
		}
	}
	return near
}

// grantName is what the world calls a grant, or its id.
func (a *Asker) grantName(id string) string {
	for _, k := range a.cfg.World.Keys() {
		for _, g := range k.Grants {
			if g.ID == id {
				return g.Name
			}
		}
	}
	return id
}
