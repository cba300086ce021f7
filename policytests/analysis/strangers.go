package analysis

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// strangers adds callers of accounts that the universe does not know, with IAM
// policies that allow everything: those that the conditions of some universes
// tell apart, so that these have the same ones.
func (u *Universe) strangers(region string, among ...*Universe) error {
	unknown := func(id string) bool {
		return !slices.ContainsFunc(among, func(v *Universe) bool {
			_, known := v.world.Account(id)
			return known
		})
	}
	id := "999999999999"
	for n := 0; !unknown(id); n++ {
		id = "99999999999" + string(rune('0'+n%9))
	}
	m := newMakeup(u.world.Partition(), region)
	m.user(id, "/", "somebody")
	m.role(id, "/", "somebody")
	conditions := map[string][]*condition{}
	for _, v := range among {
		for _, d := range v.all() {
			for _, s := range d.statements {
				for _, c := range s.conditions {
					conditions[c.key] = append(conditions[c.key], c)
				}
			}
		}
	}
	if federates(conditions) {
		m.federated(id, "somebody")
	}
	arns, complete := identities(u.world.Partition(), times(digit, 12), conditions, everybodyOf(u.world.Partition(), id, "somebody", "somebody", "somebody"))
	if u.strange = ""; !complete {
		u.strange = "too many combinations of patterns on accounts, ARNs and names of callers"
	}
	makeups := []*makeup{m}
	for _, arn := range arns {
		if unknown(strings.SplitN(arn, ":", 6)[4]) && !also(&makeups, arn) {
			u.strange = "some names that patterns on callers ask for are none that IAM has"
		}
	}
	u.unlistedServices(region, among, conditions)
	for _, m := range makeups {
		w, err := m.world()
		if err != nil {
			return err
		}
		u.outsiders(w, id, organized(conditions))
	}
	return nil
}

// anyService is one that stands for those that conditions let in by what they
// are.
const anyService = "s3.amazonaws.com"

// unlistedServices adds the services that policies let in and that the world does
// not list.
func (u *Universe) unlistedServices(region string, among []*Universe, conditions map[string][]*condition) {
	m := newMakeup(u.world.Partition(), region)
	listed := u.world.Services()
	add := func(name string) {
		if !slices.ContainsFunc(listed, func(s world.Service) bool { return m.withoutRegion(name) == s.Principal }) {
			m.service(name)
		}
	}
	for _, v := range among {
		for _, d := range v.all() {
			for _, p := range d.policy.Document.Principals() {
				if p.Type == policy.Service {
					add(p.Text)
				}
			}
		}
	}
	for _, key := range []string{"aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist", "aws:principaltype"} {
		for _, c := range conditions[key] {
			add(anyService)
			for _, o := range c.operands {
				add(o.value.Text)
			}
		}
	}
	if len(m.services) == 0 {
		return
	}
	m.account("999999999999") // for there is no world without one
	w, err := m.world()
	if err != nil {
		u.limit = "some services that policies name are none that there can be"
		return
	}
	home := u.world
	u.world = w
	defer func() { u.world = home }()
	first := len(u.callers)
	services := w.Services()
	for i := range services {
		u.service(services[i].Principal, region)
	}
	for _, c := range u.callers[first:] {
		c.made = true
	}
}

// everybodyOf are the ARNs of an account's root user, and of a user, a role and a
// federated user with certain names.
func everybodyOf(partition, account, user, role, federated string) []string {
	iam := "arn:" + partition + ":iam::" + account + ":"
	return []string{iam + "root", iam + "user/" + user, iam + "role/" + role, "arn:" + partition + ":sts::" + account + ":federated-user/" + federated}
}

// outsiders adds everybody of a made-up world; those of one account stand for
// any that no policy names. With members, each of them is also there as one of an
// organization that policies name.
func (u *Universe) outsiders(w *world.World, fresh string, members bool) {
	home := u.world
	u.world = w
	defer func() { u.world = home }()
	first := len(u.callers)
	accounts := w.Accounts()
	slices.SortStableFunc(accounts, func(a, b *world.Account) int { // who stands for any is asked first
		return cmp.Compare(bit(a.ID != fresh), bit(b.ID != fresh))
	})
	for _, a := range accounts {
		u.caller("root@"+a.ID, world.AccessKey{Account: a.ID, Root: true, Active: true})
		for _, x := range a.Users {
			u.caller("user/"+x.Name+"@"+a.ID, world.AccessKey{Account: a.ID, User: x, Active: true})
		}
		for _, r := range a.Roles {
			u.role(w, r, sessionName)
		}
		for _, x := range a.Federated {
			u.caller("federated/"+x.Name+"@"+a.ID, world.AccessKey{Account: a.ID, Federated: x, Active: true})
		}
	}
	for _, c := range u.callers[first:] {
		c.Fresh, c.Outside = c.Account == fresh, true
		c.attached = identity.Attached{Identity: []decision.Policy{everything}}
		if c.Type == decision.Federated {
			c.attached.Session = []decision.Policy{everything}
		}
	}
	if members {
		for _, c := range u.callers[first:] {
			u.addCaller(c.asMember())
		}
	}
}

// ofOrganization is the variation of callers of accounts that nobody names.
const ofOrganization = "may be of an organization that policies name"

// asMember is somebody of the same name whose account may be of an organization
// that policies name.
func (c *Caller) asMember() *Caller {
	m := *c
	m.Outside, m.Member, m.Variation = false, true, ofOrganization
	return &m
}

// organized tells whether conditions, or variables in them, are on the
// organization of the caller.
func organized(conditions map[string][]*condition) bool {
	for key, list := range conditions {
		if strings.HasPrefix(key, "aws:principalorg") {
			return true
		}
		for _, c := range list {
			if slices.ContainsFunc(c.vars, func(v string) bool { return strings.HasPrefix(v, "aws:principalorg") }) {
				return true
			}
		}
	}
	return false
}

// align gives universes of keys of two worlds the same strangers: those of one
// alone would seem to be refused in the other.
func align(old, new *Universe) error {
	if old == nil || new == nil || old.open || new.open || len(old.resources) == 0 || len(new.resources) == 0 {
		return nil
	}
	outside := func(c *Caller) bool { return c.strange() || c.made }
	if !slices.ContainsFunc(old.callers, outside) || !slices.ContainsFunc(new.callers, outside) {
		return nil
	}
	for _, u := range []*Universe{old, new} {
		u.callers = slices.DeleteFunc(u.callers, outside)
		for key, c := range u.byKey {
			if outside(c) {
				delete(u.byKey, key)
			}
		}
		u.own = nil
	}
	for _, u := range []*Universe{old, new} {
		if err := u.strangers(u.resources[0].region, old, new); err != nil {
			return err
		}
	}
	return nil
}
