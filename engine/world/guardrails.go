package world

import (
	"crypto/sha256"
	"encoding/hex"

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

func (v value) accountExists(id string) {
	if _, ok := v.l.world.accounts[id]; !ok && id != "" {
		v.failf("the world has no account %s", id)
	}
}
