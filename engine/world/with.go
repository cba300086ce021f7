package world

import (
	"maps"
	"slices"
	"strings"
)

// A Change is what takes the place of parts of a world, or is added to it:
// users, roles and keys of an account by name, endpoints by id, services by principal.
// Grants without an id get one. The account of each must exist, and unique ids
// of users and roles stay as they are.
type Change struct {
	Users     []*User
	Roles     []*Role
	Keys      []*Key
	Endpoints []Endpoint
	Services  []Service
}

// With is the world with a change. The world itself stays as it is, and so does
// Digest, which is that of the files.
func (w *World) With(c Change) *World {
	n := *w
	n.accounts, n.byARN, n.byID = maps.Clone(w.accounts), maps.Clone(w.byARN), maps.Clone(w.byID)
	own := map[string]*Account{}
	account := func(id string) *Account {
		if own[id] == nil {
			a := *w.accounts[id]
			own[id], n.accounts[id] = &a, &a
		}
		return own[id]
	}
	for _, u := range c.Users {
		a := account(u.Account)
		a.Users = replaced(a.Users, u, func(u *User) string { return u.Name })
		n.byARN[u.ARN], n.byID[u.ID] = u, u
	}
	for _, r := range c.Roles {
		a := account(r.Account)
		a.Roles = replaced(a.Roles, r, func(r *Role) string { return r.Name })
		n.byARN[r.ARN], n.byID[r.ID] = r, r
	}
	for _, k := range c.Keys {
		a := account(k.Account)
		a.Keys = replaced(a.Keys, k.withGrantIDs(), func(k *Key) string { return k.Name })
	}
	for _, e := range c.Endpoints {
		n.endpoints = replaced(n.endpoints, e, func(e Endpoint) string { return e.ID })
	}
	for _, s := range c.Services {
		n.services = replaced(n.services, s, func(s Service) string { return s.Principal })
	}
	n.follow(own)
	return &n
}

// follow has sessions and access keys point to the users and roles that took
// the place of others.
func (w *World) follow(changed map[string]*Account) {
	for _, a := range changed {
		a.Federated, a.Identities = slices.Clone(a.Federated), slices.Clone(a.Identities)
		for i, f := range a.Federated {
			if f.Parent != nil {
				session := *f
				session.Parent = w.byARN[f.Parent.ARN].(*User)
				a.Federated[i] = &session
			}
		}
		for i, s := range a.Identities {
			session := *s
			session.Role = w.byARN[s.Role.ARN].(*Role)
			a.Identities[i] = &session
		}
	}
	w.accessKeys = maps.Clone(w.accessKeys)
	for id, k := range w.accessKeys {
		a := changed[k.Account]
		if a == nil {
			continue
		}
		switch {
		case k.User != nil:
			k.User = w.byARN[k.User.ARN].(*User)
		case k.Federated != nil:
			k.Federated = successor(a.Federated, k.Federated, func(f *FederatedUser) string { return f.ARN })
		case k.Identity != nil:
			k.Identity = successor(a.Identities, k.Identity, func(s *WebIdentity) string { return s.ARN })
		}
		w.accessKeys[id] = k
	}
}

// withGrantIDs is the key with an id for each grant, and its lists in order.
func (k *Key) withGrantIDs() *Key {
	n := *k
	n.Aliases, n.Grants = slices.Sorted(slices.Values(k.Aliases)), slices.Clone(k.Grants)
	for i, g := range n.Grants {
		if g.ID == "" {
			grant := *g
			grant.ID = grantID(k.ARN, g.Name)
			n.Grants[i] = &grant
		}
	}
	slices.SortFunc(n.Grants, func(a, b *Grant) int { return strings.Compare(a.Name, b.Name) })
	return &n
}

// replaced is a list with one more element, in the place of the one of the same
// name if there is one, in the order of names.
func replaced[T any](all []T, one T, name func(T) string) []T {
	n := slices.DeleteFunc(slices.Clone(all), func(other T) bool { return name(other) == name(one) })
	n = append(n, one)
	slices.SortStableFunc(n, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return n
}

// successor is what took the place of one, or that itself.
func successor[T any](all []T, one T, name func(T) string) T {
	for _, other := range all {
		if name(other) == name(one) {
			return other
		}
	}
	return one
}
