package policytests

import (
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
)

// An attachment is a policy that authors wrote, and what it is attached to, by
// the names of case lines.
type attachment struct {
	policy *world.Policy
	to     string
}

// attachments lists the policies of the world, and the session policies that
// lines named.
func (a *Asker) attachments() []attachment {
	var all []attachment
	add := func(to string, policies ...*world.Policy) {
		for _, p := range policies {
			if p != nil && p.Document != nil && !strings.HasPrefix(p.File, "shipped/") {
				all = append(all, attachment{p, to})
			}
		}
	}
	for _, acc := range a.cfg.World.Accounts() {
		ofAccount(acc, add)
	}
	if o := a.cfg.World.Organization(); o != nil {
		ofUnits(a.cfg.World, o, add)
	}
	for _, e := range a.cfg.World.Endpoints() {
		add(e.ID, e.Policy)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, p := range a.parsed {
		_, file, _ := strings.Cut(key, " ")
		add("a session", &world.Policy{Document: p.Document, File: file})
	}
	return all
}

func ofAccount(acc *world.Account, add func(string, ...*world.Policy)) {
	at := "@" + called(acc)
	add("account "+called(acc), acc.Managed...)
	for _, g := range acc.Groups {
		add("group/"+g.Name+at, g.Inline...)
		add("group/"+g.Name+at, g.Managed...)
	}
	for _, u := range acc.Users {
		add("user/"+u.Name+at, u.Inline...)
		add("user/"+u.Name+at, u.Managed...)
		add("user/"+u.Name+at, u.Boundary)
	}
	for _, r := range acc.Roles {
		add("role/"+r.Name+at, r.Inline...)
		add("role/"+r.Name+at, r.Managed...)
		add("role/"+r.Name+at, r.Boundary, r.Trust)
	}
	for _, f := range acc.Federated {
		add("federated/"+f.Name+at, f.Session...)
	}
	for _, i := range acc.Identities {
		add("web/"+i.Name+at, i.Session...)
	}
	for _, k := range acc.Keys {
		add("key/"+k.Name+at, k.Policy)
	}
}

// ofUnits lists the guardrails of an organization. Its units are found from
// the accounts that are in them.
func ofUnits(w *world.World, o *world.Organization, add func(string, ...*world.Policy)) {
	seen := map[*world.Unit]bool{}
	for _, acc := range w.Accounts() {
		u := o.Unit(acc.ID)
		if u == nil {
			continue
		}
		add("account "+called(acc), u.Accounts[acc.ID].SCP...)
		add("account "+called(acc), u.Accounts[acc.ID].RCP...)
		for ; u != nil && !seen[u]; u = u.Parent {
			seen[u] = true
			add("unit "+u.ID, u.SCP...)
			add("unit "+u.ID, u.RCP...)
		}
	}
}
