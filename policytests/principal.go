package policytests

import (
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// sessionName is that of a role session that a case line gives no name.
const sessionName = "session"

// An owner is what a principal's name stands for: the owner of credentials, or
// a role.
type owner struct {
	key  world.AccessKey
	role *world.Role
	name string // of the role session, where an ARN gives it
}

// caller is who makes a request.
func (a *Asker) caller(r caseline.Request, dir string, now time.Time) (identity.Caller, error) {
	w := r.Principals[0]
	o, err := a.owner(w, r.Account)
	if err != nil {
		return identity.Caller{}, err
	}
	s := fitting(r.Session, o)
	if o.role == nil {
		return a.longTerm(o, w, s, now)
	}
	session := identity.Session{Issued: now, SourceIdentity: s.SourceIdentity.Text}
	if s.MFA.Given {
		return identity.Caller{}, failf(w, "MFA does not pass on to the sessions of a role")
	}
	for _, t := range s.Tags {
		if session.Tags == nil {
			session.Tags = map[string]string{}
		}
		session.Tags[t.Key] = t.Values[0]
	}
	if session.Policies, err = a.sessionPolicies(s.Policies, dir, o.role.Account); err != nil {
		return identity.Caller{}, err
	}
	name := sessionName
	switch {
	case o.name != "" && s.Name.Text != "":
		return identity.Caller{}, failf(s.Name, "the ARN names the session already")
	case o.name != "":
		name = o.name
	case s.Name.Text != "":
		name = s.Name.Text
	}
	arn := "arn:" + a.cfg.World.Partition() + ":sts::" + o.role.Account + ":assumed-role/" + o.role.Name + "/" + name
	if _, valid := a.cfg.World.UniqueID(arn); !valid {
		return identity.Caller{}, failf(w, "no session can be called %s: its name has 2 to 64 letters, digits and +=,.@_-", name)
	}
	return identity.InRole(a.cfg.World, o.role, name, session), nil
}

// fitting is a session without what stands by given lines and the principal
// cannot have.
func fitting(s caseline.Session, o owner) caseline.Session {
	switch {
	case !s.Standing:
		return s
	case o.role != nil:
		s.MFA = caseline.MFA{}
		return s
	case o.key.User != nil || o.key.Root:
		return caseline.Session{MFA: s.MFA, Given: s.MFA.Given}
	}
	return caseline.Session{}
}

// longTerm is a caller that is no role: with its own credentials, or for users
// and root with temporary ones that say whether MFA was proved.
func (a *Asker) longTerm(o owner, w caseline.Word, s caseline.Session, now time.Time) (identity.Caller, error) {
	c, refused := identity.Of(a.cfg.World, o.key)
	if refused != nil {
		return c, failf(w, "%s cannot make requests", w.Text)
	}
	switch {
	case !s.Given:
		return c, nil
	case o.key.User == nil && !o.key.Root:
		return c, failf(w, "what the session of %s brings stands in the world", w.Text)
	case s.Name.Text != "" || len(s.Policies)+len(s.Tags) > 0 || s.SourceIdentity.Text != "":
		return c, failf(w, "only a session of a role has a name, policies, tags or a source identity")
	}
	session := identity.Session{Issued: now}
	if s.MFA.Present {
		session.MFATime = now.Add(-s.MFA.Age)
	}
	return c.InSession(session), nil
}

// owner finds whom a name stands for. Names without an account are looked up
// in the account that the lines work in, if they have it there, and then in
// the whole world, where there must be one such name.
func (a *Asker) owner(w, account caseline.Word) (owner, error) {
	if strings.HasPrefix(w.Text, "arn:") {
		return a.ownerOfARN(w)
	}
	name, in, err := a.split(w)
	if err != nil {
		return owner{}, err
	}
	kind, rest, _ := strings.Cut(name, "/")
	if kind == "service" {
		return a.service(w, rest)
	}
	lookup, known := owners[kind]
	if !known || (kind == "root") != (rest == "") {
		return owner{}, failf(w, "a principal is written root, user/NAME, role/NAME, federated/NAME, web/NAME, service/NAME, or as an ARN")
	}
	found, err := resolve(a, w, in, account, func(acc *world.Account) []owner { return lookup(acc, rest) })
	if err != nil {
		return owner{}, err
	}
	return found, nil
}

// owners look a name up in one account.
var owners = map[string]func(*world.Account, string) []owner{
	"root": func(a *world.Account, _ string) []owner {
		return []owner{{key: world.AccessKey{Account: a.ID, Root: true, Active: true}}}
	},
	"user": func(a *world.Account, name string) []owner {
		return collect(a.Users, func(u *world.User) bool { return u.Name == name }, func(u *world.User) owner {
			return owner{key: world.AccessKey{Account: a.ID, User: u, Active: true}}
		})
	},
	"role": func(a *world.Account, name string) []owner {
		return collect(a.Roles, func(r *world.Role) bool { return r.Name == name }, func(r *world.Role) owner { return owner{role: r} })
	},
	"federated": func(a *world.Account, name string) []owner {
		return collect(a.Federated, func(f *world.FederatedUser) bool { return f.Name == name }, func(f *world.FederatedUser) owner {
			return owner{key: world.AccessKey{Account: a.ID, Federated: f, Active: true}}
		})
	},
	"web": func(a *world.Account, name string) []owner {
		return collect(a.Identities, func(i *world.WebIdentity) bool { return i.Name == name }, func(i *world.WebIdentity) owner {
			return owner{key: world.AccessKey{Account: a.ID, Identity: i, Active: true}}
		})
	},
}

func collect[T, R any](all []T, which func(T) bool, as func(T) R) []R {
	var found []R
	for _, x := range all {
		if which(x) {
			found = append(found, as(x))
		}
	}
	return found
}

// resolve looks a name up: in the account that it names, else in those that
// are preferred, else in all.
func resolve[T any](a *Asker, w caseline.Word, in *world.Account, preferred caseline.Word, lookup func(*world.Account) []T) (T, error) {
	var none T
	if in != nil {
		return only(a, w, lookup(in), "in account "+in.ID)
	}
	if preferred.Text != "" {
		p, known := a.account(preferred.Text)
		if !known {
			return none, failf(preferred, "there is no account %s in this world", preferred.Text)
		}
		if found := lookup(p); len(found) > 0 {
			return only(a, w, found, "in account "+p.ID)
		}
	}
	var all []T
	for _, acc := range a.cfg.World.Accounts() {
		all = append(all, lookup(acc)...)
	}
	return only(a, w, all, "in this world")
}

func only[T any](a *Asker, w caseline.Word, found []T, where string) (T, error) {
	if len(found) == 1 {
		return found[0], nil
	}
	var none T
	if len(found) == 0 {
		return none, failf(w, "there is no %s %s%s", w.Text, where, a.Meant(w.Text))
	}
	return none, failf(w, "%d things are called %s %s; add @ACCOUNT, or in REGION", len(found), w.Text, where)
}

// split takes NAME@ACCOUNT apart. An @ that no account follows is part of the
// name.
func (a *Asker) split(w caseline.Word) (string, *world.Account, error) {
	i := strings.LastIndexByte(w.Text, '@')
	if i < 0 {
		return w.Text, nil, nil
	}
	acc, known := a.account(w.Text[i+1:])
	switch {
	case known:
		return w.Text[:i], acc, nil
	case strings.HasPrefix(w.Text, "user/") || strings.HasPrefix(w.Text, "role/") || strings.Contains(w.Text, "/"):
		return w.Text, nil, nil
	}
	return "", nil, failf(w, "there is no account %s in this world", w.Text[i+1:])
}

// account finds an account by name or id.
func (a *Asker) account(name string) (*world.Account, bool) {
	if acc, known := a.cfg.World.Account(name); known {
		return acc, true
	}
	all := a.cfg.World.Accounts()
	if i := slices.IndexFunc(all, func(acc *world.Account) bool { return acc.Name == name && name != "" }); i >= 0 {
		return all[i], true
	}
	return nil, false
}

// ownerOfARN finds whom an ARN stands for.
func (a *Asker) ownerOfARN(w caseline.Word) (owner, error) {
	world := a.cfg.World
	if id, isRoot := world.RootAccount(w.Text); isRoot {
		if acc, known := world.Account(id); known {
			return owners["root"](acc, "")[0], nil
		}
	}
	if o, known := ownerIn(world, w.Text); known {
		return o, nil
	}
	parts := strings.SplitN(w.Text, ":", 6)
	if len(parts) == 6 && parts[2] == "sts" {
		acc, known := world.Account(parts[4])
		kind, rest, _ := strings.Cut(parts[5], "/")
		switch {
		case known && kind == "assumed-role":
			role, session, _ := strings.Cut(rest, "/")
			if r := world.RoleByName(acc.ID, role); r != nil && session != "" {
				return owner{role: r, name: session}, nil
			}
		case known && kind == "federated-user":
			if found := owners["federated"](acc, rest); len(found) == 1 {
				return found[0], nil
			}
		}
	}
	return owner{}, failf(w, "there is no principal %s in this world", w.Text)
}

// ownerIn finds the user or role with an ARN.
func ownerIn(w *world.World, arn string) (owner, bool) {
	p, known := w.Principal(arn)
	if !known {
		return owner{}, false
	}
	switch p := p.(type) {
	case *world.User:
		return owner{key: world.AccessKey{Account: p.Account, User: p, Active: true}}, true
	case *world.Role:
		return owner{role: p}, true
	}
	return owner{}, false
}

// service is an AWS service as itself.
func (a *Asker) service(w caseline.Word, name string) (owner, error) {
	if _, known := a.cfg.World.Service(name); !known {
		return owner{}, failf(w, "this world lists no service %s", name)
	}
	return owner{key: world.AccessKey{Service: name, Active: true}}, nil
}
