package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// maxStrangers bounds how many accounts, and how many principals, are made up.
const maxStrangers = 60

// identities are users and roles, by ARN, that tell conditions on accounts,
// ARNs and names of callers apart. All are patterns on one ARN, so that also
// their combinations are met. It is false if they are not all that there are.
func identities(partition string, conditions map[string][]*condition) (arns []string, complete bool) {
	complete = true
	prefix := "arn:" + partition + ":iam::"
	rest := pattern{{class: anything, many: true}}
	ofAccount := func(p pattern) pattern { return join(literal(prefix), p, literal(":"), rest) }
	ofName := func(p pattern) pattern { return join(literal(prefix), times(digit, 12), literal(":user/"), p) }
	var told []pattern
	add := func(key string, wrap func(pattern) pattern) {
		for _, c := range conditions[key] {
			if c.op.Type == policy.PresenceType {
				continue
			}
			for _, o := range c.operands {
				switch {
				case c.op.Type != policy.StringType && c.op.Type != policy.ARNType, len(c.vars) > 0:
					complete = complete && c.key == "aws:principalarn" // asked of those that are there
				case !o.never && !slices.ContainsFunc(told, func(p pattern) bool { return slices.Equal(p, wrap(o.fixed)) }):
					told = append(told, wrap(o.fixed))
				}
			}
		}
	}
	add("kms:calleraccount", ofAccount)
	add("aws:principalaccount", ofAccount)
	add("aws:principalarn", func(p pattern) pattern { return p })
	add("aws:username", ofName)
	if len(told) == 0 {
		return nil, complete
	}
	for _, kind := range []string{"user", "role"} {
		texts, all := cells(told, join(literal(prefix), times(digit, 12), literal(":"+kind+"/"), some(pathWord)), nil)
		complete = complete && all && len(texts) <= maxStrangers
		arns = append(arns, texts[:min(len(texts), maxStrangers)]...)
	}
	return arns, complete
}

// strangers adds callers of accounts that the universe does not know, with IAM
// policies that allow everything.
func (u *Universe) strangers(on *resource) error {
	id := "999999999999"
	for n := 0; ; n++ {
		if _, taken := u.world.Account(id); !taken {
			break
		}
		id = "99999999999" + string(rune('0'+n%9))
	}
	m := newMakeup(u.world.Partition(), on.region)
	m.user(id, "/", "somebody")
	m.role(id, "/", "somebody")
	conditions := map[string][]*condition{}
	for _, d := range u.all() {
		for _, s := range d.statements {
			for _, c := range s.conditions {
				conditions[c.key] = append(conditions[c.key], c)
			}
		}
	}
	arns, complete := identities(u.world.Partition(), conditions)
	if !complete {
		u.limit = "too many combinations of patterns on accounts, ARNs and names of callers"
	}
	for _, arn := range arns {
		if _, known := u.world.Account(strings.SplitN(arn, ":", 6)[4]); !known {
			m.principal(arn)
		}
	}
	w, err := m.world()
	if err != nil {
		return err
	}
	home := u.world
	u.world = w
	defer func() { u.world = home }()
	first := len(u.callers)
	accounts := w.Accounts()
	at := slices.IndexFunc(accounts, func(a *world.Account) bool { return a.ID == id })
	for _, a := range slices.Concat(accounts[at:at+1], accounts[:at], accounts[at+1:]) {
		u.caller("root@"+a.ID, world.AccessKey{Account: a.ID, Root: true, Active: true})
		for _, x := range a.Users {
			u.caller("user/"+x.Name+"@"+a.ID, world.AccessKey{Account: a.ID, User: x, Active: true})
		}
		for _, r := range a.Roles {
			u.role(w, r, sessionName)
		}
	}
	for _, c := range u.callers[first:] {
		c.Fresh, c.Outside = c.Account == id, true
		c.attached = identity.Attached{Identity: []decision.Policy{everything}}
	}
	return nil
}
