package query

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
)

// callerName is what case lines call a caller.
func (b *Base) callerName(c analysis.Caller) string {
	if c.Member {
		return "any account of an organization (" + strings.SplitN(c.Name, "@", 2)[0] + ")"
	}
	if c.Outside && !c.Fresh {
		return stranger + " (" + c.Name + ")"
	}
	if c.Outside {
		return stranger + " (" + strings.SplitN(strings.SplitN(c.Name, "@", 2)[0], "/", 2)[0] + ")"
	}
	name, account, _ := strings.Cut(c.Name, "@")
	if strings.HasPrefix(c.Name, "arn:") || account == "" || !allDigits(account) {
		return c.Name
	}
	kind, rest, _ := strings.Cut(name, "/")
	return b.inAccount(name, account, func(a *world.Account) bool { return has(a, kind, rest) })
}

func allDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// has tells whether an account has somebody of a kind and name.
func has(a *world.Account, kind, name string) bool {
	switch kind {
	case "root":
		return true
	case "user":
		return slices.ContainsFunc(a.Users, func(u *world.User) bool { return u.Name == name })
	case "role":
		return slices.ContainsFunc(a.Roles, func(r *world.Role) bool { return r.Name == name })
	case "federated":
		return slices.ContainsFunc(a.Federated, func(f *world.FederatedUser) bool { return f.Name == name })
	case "web":
		return slices.ContainsFunc(a.Identities, func(i *world.WebIdentity) bool { return i.Name == name })
	}
	return false
}

// isCalled tells whether a name means a caller.
func (b *Base) isCalled(c analysis.Caller, name string) bool {
	if c.Member {
		return name == b.callerName(c)
	}
	if c.Outside {
		return name == stranger || name == b.callerName(c)
	}
	kind, _, _ := strings.Cut(c.Name, "@")
	names := []string{c.Name, c.ARN, b.callerName(c), kind + "@" + b.accountName(c.Account)}
	if strings.HasPrefix(c.Name, "role/") {
		if r := b.cfg.World.RoleByName(c.Account, strings.TrimPrefix(kind, "role/")); r != nil {
			names = append(names, r.ARN)
		}
	}
	return contains(names, name)
}

// matches tells whether a pattern with "*" and "?" matches a name; an empty one
// always does.
func matches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
