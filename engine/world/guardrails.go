package world

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// fullAccess is what is attached where a world names no SCP at all, as AWS
// does when an organization starts to use them.
const fullAccess = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`

// organization reads the tree of units.
func (l *loader) organization(v value) {
	o := &Organization{units: make(map[string]*Unit)}
	l.world.organization = o
	v.fields(table{
		"id":                 textInto(&o.ID, isOrgID),
		"management-account": textInto(&o.Management, isAccount),
		"root":               func(v value) { o.Root = l.unit(o, nil, "Root", v) },
	}, "id", "management-account", "root")
	l.later(func() {
		if v.child("management-account") != nil && o.Management != "" && o.units[o.Management] == nil {
			v.child("management-account").failf("the account is in no unit of the organization")
		}
	})
}

func (l *loader) unit(o *Organization, parent *Unit, name string, v value) *Unit {
	u := &Unit{Name: name, Parent: parent, Accounts: make(map[string]*Guardrails)}
	id := isUnitID
	if parent == nil {
		id = isRootID
	}
	v.fields(table{
		"id":       textInto(&u.ID, id),
		"scps":     l.guardrailInto(&u.SCP, policy.SCP),
		"rcps":     l.guardrailInto(&u.RCP, policy.RCP),
		"accounts": func(v value) { l.members(o, u, v) },
		"units": func(v value) {
			for _, e := range v.entries() {
				e.named(isUnitName)
				l.unit(o, u, e.key.Value, e)
			}
		},
	}, "id")
	l.implySCP(&u.SCP)
	if u.ID != "" {
		l.unique("unit id "+u.ID, v)
	}
	return u
}

func (l *loader) members(o *Organization, u *Unit, v value) {
	for _, e := range v.entries() {
		g := &Guardrails{}
		e.fields(table{
			"scps": l.guardrailInto(&g.SCP, policy.SCP),
			"rcps": l.guardrailInto(&g.RCP, policy.RCP),
		})
		l.implySCP(&g.SCP)
		id := e.key.Value
		l.later(func() { e.accountExists(id) })
		if o.units[id] != nil {
			e.keyFailf("the account is in another unit already")
			continue
		}
		o.units[id], u.Accounts[id] = u, g
	}
}

// guardrailInto reads SCPs or RCPs by name. A level always has an SCP: one
// with none would allow nothing, and AWS refuses to detach the last.
func (l *loader) guardrailInto(to *[]*Policy, kind policy.Kind) func(value) {
	read := l.policiesInto(to, "", kind, isLongName)
	return func(v value) {
		read(v)
		if kind == policy.SCP && len(*to) == 0 {
			v.failf("a level has at least one SCP; leave the field out for FullAWSAccess")
		}
		l.later(func() {
			for _, p := range *to {
				p.ARN = l.guardrailARN(kind, p)
			}
		})
	}
}

// guardrailARN makes up the ARN that Organizations would give the policy: its
// id comes from name and text.
func (l *loader) guardrailARN(kind policy.Kind, p *Policy) string {
	o, folder := l.world.organization, "service_control_policy"
	if kind == policy.RCP {
		folder = "resource_control_policy"
	}
	text := ""
	if p.Document != nil {
		text = p.Document.Text
	}
	sum := sha256.Sum256([]byte(p.Name + "\x00" + text))
	return "arn:" + l.world.partition + ":organizations::" + o.Management + ":policy/" + o.ID + "/" + folder + "/p-" + hex.EncodeToString(sum[:4])
}

func (l *loader) implySCP(to *[]*Policy) {
	if *to == nil {
		p := &Policy{Name: "FullAWSAccess", ARN: "arn:" + l.world.partition + ":organizations::aws:policy/service_control_policy/p-FullAWSAccess"}
		l.parse(p, policy.SCP, []byte(fullAccess), nil, "")
		*to = []*Policy{p}
	}
}

// endpoint reads a VPC endpoint.
func (l *loader) endpoint(id string, v value) {
	e := Endpoint{ID: id}
	var peers []string
	v.named(isEndpoint)
	v.fields(table{
		"account":   textInto(&e.Account, isAccount),
		"region":    textInto(&e.Region, isRegion),
		"vpc":       textInto(&e.VPC, isVPC),
		"hosts":     textsInto(&e.Hosts, isHost),
		"listeners": textsInto(&e.Listeners, isListener),
		"peers":     textsInto(&peers, isPrefix),
		"policy": func(v value) {
			e.Policy = &Policy{}
			l.policyInto(e.Policy, policy.Endpoint)(v)
		},
	}, "account", "region", "vpc")
	for _, peer := range peers {
		if prefix, err := netip.ParsePrefix(peer); err == nil { // isPrefix has reported any that is not
			e.Peers = append(e.Peers, prefix)
		}
	}
	if e.Policy != nil {
		e.Policy.Account = e.Account
	}
	l.later(func() {
		v.accountExists(e.Account)
		if !l.world.Offers(e.Account, e.Region) {
			v.failf("the account does not have the Region %s", e.Region)
		}
	})
	l.world.endpoints = append(l.world.endpoints, e)
	slices.SortFunc(l.world.endpoints, func(a, b Endpoint) int { return strings.Compare(a.ID, b.ID) })
}

func isPrefix(text string) string {
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() {
		return "must be an address range such as 10.1.0.0/16, without host bits"
	}
	return ""
}

// service reads an integrated service.
func (l *loader) service(principal string, v value) {
	s := Service{Principal: principal}
	v.named(isService)
	v.fields(table{
		"access-keys": l.accessKeysInto(&s.Keys, AccessKey{Service: principal}),
		"acts-for": func(v value) {
			for _, item := range v.items() {
				s.ActsFor = append(s.ActsFor, l.mandate(item))
			}
		},
	}, "access-keys")
	l.world.services = append(l.world.services, s)
	slices.SortFunc(l.world.services, func(a, b Service) int { return strings.Compare(a.Principal, b.Principal) })
}

func (l *loader) mandate(v value) Mandate {
	var m Mandate
	v.fields(table{
		"accounts": textsInto(&m.Accounts, isAccount),
		"regions":  textsInto(&m.Regions, isRegion),
		"actions":  textsInto(&m.Actions, isAction),
	}, "accounts", "regions", "actions")
	l.later(func() {
		for _, id := range m.Accounts {
			v.accountExists(id)
		}
	})
	return m
}

func (v value) accountExists(id string) {
	if _, ok := v.l.world.accounts[id]; !ok && id != "" {
		v.failf("the world has no account %s", id)
	}
}
