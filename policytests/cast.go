package policytests

import (
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Everybody lists who can make requests in the world, by the names of case
// lines: each account's root user, users, roles and listed sessions, then
// services.
func (a *Asker) Everybody() []caseline.Word {
	var all []caseline.Word
	for _, acc := range a.cfg.World.Accounts() {
		all = append(all, caseline.Word{Text: "root@" + called(acc)})
		for _, u := range acc.Users {
			all = append(all, a.unambiguous("user/"+u.Name, acc))
		}
		for _, r := range acc.Roles {
			all = append(all, a.unambiguous("role/"+r.Name, acc))
		}
		for _, f := range acc.Federated {
			all = append(all, a.unambiguous("federated/"+f.Name, acc))
		}
		for _, i := range acc.Identities {
			all = append(all, a.unambiguous("web/"+i.Name, acc))
		}
	}
	for _, s := range a.cfg.World.Services() {
		all = append(all, caseline.Word{Text: "service/" + s.Principal})
	}
	return all
}

// EveryKey lists the keys of the world by the names of case lines.
func (a *Asker) EveryKey() []caseline.Word {
	var all []caseline.Word
	for _, acc := range a.cfg.World.Accounts() {
		for _, k := range acc.Keys {
			all = append(all, caseline.Word{Text: a.KeyName(k)})
		}
	}
	return all
}

func (a *Asker) everyAlias() []caseline.Word {
	var all []caseline.Word
	for _, k := range a.cfg.World.Keys() {
		for _, alias := range k.Aliases {
			all = append(all, caseline.Word{Text: alias})
		}
	}
	return all
}

// KeyName is what case lines call a key, wherever it is looked up.
func (a *Asker) KeyName(k *world.Key) string {
	name := "key/" + k.Name
	if found, err := a.key(caseline.Word{Text: name}, "", ""); err == nil && found == k {
		return name
	}
	acc, _ := a.cfg.World.Account(k.Account) // a key's account exists
	return name + "@" + called(acc)
}

// called is what lines call an account.
func called(acc *world.Account) string {
	if acc.Name != "" {
		return acc.Name
	}
	return acc.ID
}

// unambiguous is a principal's name, with its account where it needs one.
func (a *Asker) unambiguous(name string, acc *world.Account) caseline.Word {
	if _, err := a.owner(caseline.Word{Text: name}, caseline.Word{}); err == nil {
		return caseline.Word{Text: name}
	}
	return caseline.Word{Text: name + "@" + called(acc)}
}

// effective is a request as it is asked: without what stands by given lines and
// it cannot hold, and with nothing standing any more.
func (a *Asker) effective(r caseline.Request) caseline.Request {
	if action, known := policy.ActionNamed(r.Actions[0].Text); known {
		r = holding(r, action)
	}
	if o, err := a.owner(r.Principals[0], r.Account); err == nil {
		r.Session = fitting(r.Session, o)
	}
	r.Session.Standing = false
	for i := range r.Keys { // holding made lists of its own
		r.Keys[i].Standing = false
	}
	for i := range r.Absent {
		r.Absent[i].Standing = false
	}
	return r
}
