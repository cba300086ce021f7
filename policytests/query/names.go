package query

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
)

// principalName is the caller as a case line names it, or its ARN.
func (b *Base) principalName(p decision.Principal) string {
	switch p.Type {
	case decision.Service:
		return "service/" + p.ARN
	case decision.Root:
		return b.inAccount("root", p.Account, func(*world.Account) bool { return true })
	}
	if b.cfg.World == nil {
		return p.ARN
	}
	if i := strings.Index(p.ARN, ":federated-user/"); i >= 0 {
		name := p.ARN[i+len(":federated-user/"):]
		return b.inAccount("federated/"+name, p.Account, func(a *world.Account) bool {
			return slices.ContainsFunc(a.Federated, func(f *world.FederatedUser) bool { return f.Name == name })
		})
	}
	if p.Type == decision.WebIdentity {
		name := p.ARN[strings.LastIndexByte(p.ARN, '/')+1:]
		return b.inAccount("web/"+name, p.Account, func(a *world.Account) bool {
			return slices.ContainsFunc(a.Identities, func(i *world.WebIdentity) bool { return i.Name == name })
		})
	}
	for _, id := range []string{p.Role, p.User} {
		if known, ok := b.cfg.World.PrincipalByID(id); ok && id != "" {
			return b.nameOf(known)
		}
	}
	return p.ARN
}

// nameOf is a user or role as a case line names it.
func (b *Base) nameOf(p world.Principal) string {
	switch p := p.(type) {
	case *world.User:
		return b.inAccount("user/"+p.Name, p.Account, func(a *world.Account) bool {
			return slices.ContainsFunc(a.Users, func(u *world.User) bool { return u.Name == p.Name })
		})
	case *world.Role:
		return b.inAccount("role/"+p.Name, p.Account, func(a *world.Account) bool {
			return slices.ContainsFunc(a.Roles, func(r *world.Role) bool { return r.Name == p.Name })
		})
	}
	return p.PrincipalARN()
}

// inAccount adds the account to a name that other accounts have, too.
func (b *Base) inAccount(name, account string, has func(*world.Account) bool) string {
	if b.cfg.World == nil {
		return name + "@" + account
	}
	n := 0
	for _, a := range b.cfg.World.Accounts() {
		if has(a) {
			n++
		}
	}
	if n == 1 {
		return name
	}
	return name + "@" + b.accountName(account)
}

// keyName is a key as a case line names it.
func (b *Base) keyName(k *world.Key) string {
	here := 0
	for _, other := range b.cfg.World.Keys() {
		if other.Name == k.Name && other.Account == k.Account {
			here++
		}
	}
	if here > 1 {
		return k.ARN
	}
	return b.inAccount("key/"+k.Name, k.Account, func(a *world.Account) bool {
		return slices.ContainsFunc(a.Keys, func(o *world.Key) bool { return o.Name == k.Name })
	})
}

// resourceName is what a question is about as a case line names it.
func (b *Base) resourceName(q *decision.Question) string {
	if k := b.key(q); k != nil {
		return b.keyName(k)
	}
	if b.cfg.World != nil {
		if p, known := b.cfg.World.Principal(q.Resource.ARN); known {
			return b.nameOf(p)
		}
	}
	if strings.HasSuffix(q.Resource.ARN, ":*") && q.Rule == decision.IdentityOnly {
		return "*"
	}
	return q.Resource.ARN
}

// foreign tells whether the resource is another account's.
func foreign(q *decision.Question) bool {
	return q.Principal.Type != decision.Service && q.Principal.Account != q.Resource.Account
}

// absent tells whether a question is about a key that does not exist.
func absent(q *decision.Question) bool {
	return q.KeyPolicy == nil && (q.Rule == decision.KeyPolicy || q.Rule == decision.GrantOnly) && identity.AccountOf(q.Resource.ARN) != ""
}
