package world

import (
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func (l *loader) federatedUser(a *Account, name string, v value) {
	f := &FederatedUser{Account: a.ID, Name: name}
	v.named(isSession)
	v.fields(table{
		"user":        func(v value) { l.later(func() { f.Parent = l.userNamed(a, v) }) },
		"tags":        principalTagsInto(&f.Tags),
		"policies":    l.policiesInto(&f.Session, a.ID, policy.Session, isLongName),
		"issued":      timeInto(&f.Issued),
		"access-keys": l.accessKeysInto(&f.Keys, AccessKey{Account: a.ID, Federated: f}),
	}, "access-keys")
	f.ARN = "arn:" + l.world.partition + ":sts::" + a.ID + ":federated-user/" + name
	a.Federated = append(a.Federated, f)
}

func (l *loader) webIdentity(a *Account, name string, v value) {
	w := &WebIdentity{Account: a.ID, Name: name}
	v.named(isSession)
	v.fields(table{
		"role":            func(v value) { l.later(func() { l.sessionRole(a, w, v) }) },
		"provider":        textInto(&w.Provider, isProvider),
		"subject":         textInto(&w.Subject, isSubject),
		"source-identity": textInto(&w.SourceIdentity, isSession),
		"tags":            principalTagsInto(&w.Tags),
		"policies":        l.policiesInto(&w.Session, a.ID, policy.Session, isLongName),
		"issued":          timeInto(&w.Issued),
		"access-keys":     l.accessKeysInto(&w.Keys, AccessKey{Account: a.ID, Identity: w}),
	}, "role", "provider", "access-keys")
	a.Identities = append(a.Identities, w)
}

func (l *loader) userNamed(a *Account, v value) *User {
	name, _ := v.text()
	i := slices.IndexFunc(a.Users, func(u *User) bool { return u.Name == name })
	if i < 0 {
		v.failf("no user %q in this account", name)
		return nil
	}
	return a.Users[i]
}

func (l *loader) sessionRole(a *Account, w *WebIdentity, v value) {
	name, _ := v.text()
	w.Role = l.world.RoleByName(a.ID, name)
	if w.Role == nil {
		v.failf("no role %q in this account", name)
		return
	}
	w.ARN = "arn:" + l.world.partition + ":sts::" + a.ID + ":assumed-role/" + name + "/" + w.Name
}
