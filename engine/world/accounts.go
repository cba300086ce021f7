package world

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// accounts reads accounts by id. An account may be spread over files.
func (l *loader) accounts(v value) {
	for _, e := range v.entries() {
		if !e.named(isAccount) {
			continue
		}
		a := l.world.accounts[e.key.Value]
		if a == nil {
			a = &Account{ID: e.key.Value, Regions: l.world.Regions()}
			l.world.accounts[a.ID] = a
		}
		l.account(a, e)
	}
}

func (l *loader) account(a *Account, v value) {
	v.fields(table{
		"name":             once(textInto(&a.Name, isAlias)),
		"regions":          once(l.accountRegions(a)),
		"root":             once(func(v value) { l.root(a, v) }),
		"access-keys":      func(v value) { l.later(func() { l.ownedKeys(a, v) }) },
		"users":            named(func(name string, v value) { l.user(a, name, v) }),
		"groups":           named(func(name string, v value) { l.group(a, name, v) }),
		"roles":            named(func(name string, v value) { l.role(a, name, v) }),
		"managed-policies": named(func(name string, v value) { l.managedPolicy(a.ID, name, v) }),
		"federated-users":  named(func(name string, v value) { l.federatedUser(a, name, v) }),
		"web-identities":   named(func(name string, v value) { l.webIdentity(a, name, v) }),
		"keys":             named(func(name string, v value) { l.key(a, name, v) }),
	})
}

func (l *loader) accountRegions(a *Account) func(value) {
	return func(v value) {
		textsInto(&a.Regions, isRegion, func(region string) string {
			if slices.Contains(l.world.regions, region) {
				return ""
			}
			return "the world does not have this Region; add it to regions"
		})(v)
		if len(a.Regions) == 0 {
			v.failf("an account has at least one Region")
			a.Regions = l.world.regions
		}
	}
}

func (l *loader) root(a *Account, v value) {
	v.fields(table{"access-keys": l.accessKeysInto(&a.RootKeys, AccessKey{Account: a.ID, Root: true})})
}

func (l *loader) user(a *Account, name string, v value) {
	u := &User{Account: a.ID, Name: name, Path: "/"}
	v.named(isUserName)
	v.fields(table{
		"path":        textInto(&u.Path, isPath),
		"id":          textInto(&u.ID, isUserID),
		"tags":        principalTagsInto(&u.Tags),
		"groups":      func(v value) { l.later(func() { l.member(a, u, v) }) },
		"policies":    l.inlineInto(&u.Inline, a.ID),
		"managed":     l.attachedInto(&u.Managed, a.ID),
		"boundary":    l.boundaryInto(&u.Boundary, a.ID),
		"access-keys": l.accessKeysInto(&u.Keys, AccessKey{Account: a.ID, User: u}),
	})
	l.uniqueID(u.ID, v)
	u.ARN = l.iamARN(a.ID, "user", u.Path, name)
	a.Users = append(a.Users, u)
	l.principal(u)
}

func (l *loader) member(a *Account, u *User, v value) {
	for _, item := range v.items() {
		name, _ := item.text()
		i := slices.IndexFunc(a.Groups, func(g *Group) bool { return g.Name == name })
		switch {
		case i < 0:
			item.failf("no group %q in this account", name)
		case slices.Contains(u.Groups, a.Groups[i]):
			item.failf("stands twice in this list")
		default:
			u.Groups = append(u.Groups, a.Groups[i])
		}
	}
}

func (l *loader) group(a *Account, name string, v value) {
	g := &Group{Account: a.ID, Name: name, Path: "/"}
	v.named(isLongName)
	v.fields(table{
		"path":     textInto(&g.Path, isPath),
		"policies": l.inlineInto(&g.Inline, a.ID),
		"managed":  l.attachedInto(&g.Managed, a.ID),
	})
	g.ARN = l.iamARN(a.ID, "group", g.Path, name)
	a.Groups = append(a.Groups, g)
}

func (l *loader) role(a *Account, name string, v value) {
	r := &Role{Account: a.ID, Name: name, Path: "/", MaxSession: time.Hour, Trust: &Policy{Account: a.ID}}
	v.named(isUserName)
	v.fields(table{
		"path":                 textInto(&r.Path, isPath),
		"id":                   textInto(&r.ID, isRoleID),
		"tags":                 principalTagsInto(&r.Tags),
		"trust":                l.policyInto(r.Trust, policy.Trust),
		"policies":             l.inlineInto(&r.Inline, a.ID),
		"managed":              l.attachedInto(&r.Managed, a.ID),
		"boundary":             l.boundaryInto(&r.Boundary, a.ID),
		"max-session-duration": secondsInto(&r.MaxSession, time.Hour, 12*time.Hour),
	}, "trust")
	r.ServiceLinked = strings.HasPrefix(r.Path, "/aws-service-role/")
	l.uniqueID(r.ID, v)
	r.ARN = l.iamARN(a.ID, "role", r.Path, name)
	a.Roles = append(a.Roles, r)
	l.principal(r)
}

// uniqueID refuses a unique id that another principal has.
func (l *loader) uniqueID(id string, v value) {
	if id != "" {
		l.unique("unique id "+id, v)
	}
}

// principal indexes a user or role. Names are checked when all are known.
func (l *loader) principal(p Principal) { l.world.byARN[p.PrincipalARN()] = p }

func (l *loader) iamARN(account, kind, path, name string) string {
	return "arn:" + l.world.partition + ":iam::" + account + ":" + kind + path + name
}

func tagsInto(to *map[string]string) func(value) {
	return func(v value) {
		pairsInto(to, isTagName, isTagValue)(v)
		if len(*to) > 50 {
			v.failf("more than 50 tags")
		}
	}
}

// principalTagsInto refuses names that differ only in case, as IAM does for
// its users, roles and sessions, and AWS KMS does not for its keys.
func principalTagsInto(to *map[string]string) func(value) {
	return func(v value) {
		tagsInto(to)(v)
		seen := make(map[string]bool)
		for name := range *to {
			if seen[strings.ToLower(name)] {
				v.failf("two tag names differ only in case")
			}
			seen[strings.ToLower(name)] = true
		}
	}
}

// checkWhole checks what only the whole world shows, and sorts its lists.
func (l *loader) checkWhole() {
	w := l.world
	if len(w.accounts) == 0 && len(l.problems) == 0 {
		l.report(l.noAccounts())
	}
	names := make(map[string]string)
	for _, a := range w.Accounts() {
		if other, taken := names[a.Name]; taken && a.Name != "" {
			l.at("accounts", a.ID, "name").keyFailf("account %s has this name", other)
		}
		names[a.Name] = a.ID
		slices.SortFunc(a.Users, func(a, b *User) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(a.Groups, func(a, b *Group) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(a.Roles, func(a, b *Role) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(a.Managed, byName)
		slices.SortFunc(a.Keys, func(a, b *Key) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Region, b.Region))
		})
		l.checkNames(a)
	}
}

// at is the place of something that was read with named or once.
func (l *loader) at(parts ...string) value {
	field := ""
	for _, part := range parts {
		field = join(field, part)
	}
	return l.places[field]
}

// checkNames refuses names that differ only in case, as IAM does.
func (l *loader) checkNames(a *Account) {
	seen := make(map[string]string)
	check := func(kind, name string) {
		key := kind + "\x00" + strings.ToLower(name)
		if other, taken := seen[key]; taken {
			l.at("accounts", a.ID, kind, name).keyFailf("differs only in case from %s", other)
		}
		seen[key] = name
	}
	for _, u := range a.Users {
		check("users", u.Name)
	}
	for _, g := range a.Groups {
		check("groups", g.Name)
	}
	for _, r := range a.Roles {
		check("roles", r.Name)
	}
	for _, p := range a.Managed {
		check("managed-policies", p.Name)
	}
}

// noAccounts tells the emptiest of mistakes by its name.
func (l *loader) noAccounts() Problem {
	for _, name := range l.src.names() {
		if !describes(name) {
			continue
		}
		if node, err := parseDocument(name, l.src.files[name]); node == nil && err == nil {
			return Problem{File: name, Message: "is empty"}
		}
	}
	return Problem{Message: "the world has no accounts"}
}
