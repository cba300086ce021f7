package analysis

import (
	"slices"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// sessionName is that of a role session that nothing names.
const sessionName = "session"

// OfKey is the universe of one key of a world: everybody in the world, each way
// to the service, and an account that the world does not know.
func OfKey(w *world.World, k *world.Key, c Config) (*Universe, error) {
	u, err := newUniverse(c, w)
	if err != nil {
		return nil, err
	}
	p, err := keyPolicy(w, k)
	if err != nil {
		return nil, err
	}
	on := keyResource(w, k, p)
	on.setFacts()
	u.resources = append(u.resources, on)
	for _, alias := range k.Aliases {
		arn := "arn:" + w.Partition() + ":kms:" + k.Region + ":" + k.Account + ":" + alias
		u.resources = append(u.resources, &resource{
			kind: policy.AliasResource, name: alias, region: k.Region, asked: ask.Resource{ARN: arn, Account: k.Account}, rcp: on.rcp, facts: map[string][]string{},
		})
		u.resources[len(u.resources)-1].owner(w)
	}
	u.account(w, k.Account, k.Region)
	u.everybody(w, k)
	u.routes = ways(w)
	return u, u.strangers(on.region, u)
}

// ways are those by which requests come in a world: directly, or through one
// of its endpoints.
func ways(w *world.World) []*route {
	all := []*route{{}}
	endpoints := w.Endpoints()
	for i := range endpoints {
		r := &route{endpoint: &endpoints[i]}
		if p := endpoints[i].Policy; p != nil {
			attached := identity.Policy(endpoints[i].Account, p)
			r.policy = &attached
		}
		all = append(all, r)
	}
	return all
}

// OfAccount is the universe of what is done in an account of a world without
// naming a key: creating keys, listing them, …
func OfAccount(w *world.World, account, region string, c Config) (*Universe, error) {
	u, err := newUniverse(c, w)
	if err != nil {
		return nil, err
	}
	u.account(w, account, region)
	u.everybody(w, &world.Key{Account: account, Region: region})
	u.routes = ways(w)
	return u, nil
}

// account adds what operations are about that name no resource.
func (u *Universe) account(w *world.World, account, region string) {
	arn := "arn:" + w.Partition() + ":kms:" + region + ":" + account + ":*"
	r := &resource{name: "", region: region, asked: ask.Resource{ARN: "*", Account: account}, rcp: identity.Guardrails(w, account), facts: map[string][]string{}}
	r.owner(w)
	r.decided.ARN = arn
	u.resources = append(u.resources, r)
}

// keyPolicy is the policy of a key of a world.
func keyPolicy(w *world.World, k *world.Key) (*decision.Policy, error) {
	if k.Policy != nil {
		p := identity.Policy(k.Account, k.Policy)
		p.Name = ask.DefaultPolicyName
		return &p, nil
	}
	p, err := ask.ReadPolicy(w, policy.Key, ask.UnlistedPolicy(w, k))
	p.Owner = k.Account
	return &p, err
}

// everybody adds the callers of a world.
func (u *Universe) everybody(w *world.World, k *world.Key) {
	for _, a := range w.Accounts() {
		u.caller("root@"+a.ID, world.AccessKey{Account: a.ID, Root: true, Active: true})
		for _, x := range a.Users {
			u.caller("user/"+x.Name+"@"+a.ID, world.AccessKey{Account: a.ID, User: x, Active: true})
		}
		for _, x := range a.Roles {
			for _, name := range u.sessions(w, k, x) {
				u.role(w, x, name)
			}
		}
		for _, x := range a.Federated {
			u.caller("federated/"+x.Name+"@"+a.ID, world.AccessKey{Account: a.ID, Federated: x, Active: true})
		}
		for _, x := range a.Identities {
			u.caller("web/"+x.Name+"@"+a.ID, world.AccessKey{Account: a.ID, Identity: x, Active: true})
		}
	}
	services := w.Services()
	for i := range services {
		if s := &services[i]; len(s.ActsFor) > 0 {
			u.service(s.Principal, k.Region)
		}
	}
}

// caller adds whoever credentials speak for.
func (u *Universe) caller(name string, key world.AccessKey) {
	who, refused := identity.Of(u.world, key)
	if refused != nil {
		return
	}
	u.addCaller(&Caller{Name: name, who: who, attached: who.Attached()})
}

func (u *Universe) role(w *world.World, r *world.Role, session string) *Caller {
	who := identity.InRole(w, r, session, identity.Session{Issued: u.cfg.Now})
	c := &Caller{Name: "role/" + r.Name + "@" + r.Account, who: who, attached: who.Attached()}
	if session != sessionName {
		c.Name = who.ARN
	}
	u.addCaller(c)
	return c
}

func (u *Universe) service(principal, region string) {
	who, refused := identity.Of(u.world, world.AccessKey{Service: principal, Active: true})
	if refused != nil {
		return
	}
	who = who.Calling(region, identity.Source{})
	u.addCaller(&Caller{Name: "service/" + principal, who: who, attached: who.Attached()})
}

// sessions are the names of a role's sessions that policies can tell apart:
// those that the key's policy and its grants name, and one more.
func (u *Universe) sessions(w *world.World, k *world.Key, r *world.Role) []string {
	names := []string{sessionName}
	arns := []string{}
	if k.Policy != nil {
		for _, p := range k.Policy.Document.Principals() {
			arns = append(arns, p.Text)
		}
	}
	for _, g := range k.Grants {
		arns = append(arns, g.Grantee)
	}
	prefix := "arn:" + w.Partition() + ":sts::" + r.Account + ":assumed-role/" + r.Name + "/"
	for _, arn := range arns {
		if len(arn) > len(prefix) && arn[:len(prefix)] == prefix && !slices.Contains(names, arn[len(prefix):]) {
			names = append(names, arn[len(prefix):])
		}
	}
	return names
}

// everything is an identity policy that allows all.
var everything = made(policy.Identity, `{"Version":"2012-10-17","Statement":[{"Sid":"Everything","Effect":"Allow","Action":"*","Resource":"*"}]}`)

// made is a policy that is made up.
func made(k policy.Kind, text string) decision.Policy {
	doc, err := policy.Parse(k, []byte(text))
	if err != nil {
		panic("analysis: " + err.Error()) // the document is a constant
	}
	return decision.Policy{Name: "made up", Document: doc}
}
