package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Variations of callers of the account that owns the key.
const (
	withoutPolicies = "has no IAM policies"
	withOthers      = "has other IAM policies, which allow everything"
	withinBoundary  = "has a permissions boundary that allows nothing"
)

// nothingAllowed is a permissions boundary that allows nothing of the service.
var nothingAllowed = made(policy.Boundary, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)

// fullAccess is the SCP that every level has by default.
var fullAccess = made(policy.SCP, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)

// cast makes up the principals: those that policies name, and for each account
// those that conditions tell apart.
func (s *stage) cast() ([]*world.World, error) {
	m := newMakeup(s.first.Partition, s.first.Region)
	m.regions = slices.Clone(s.regions)
	s.sessions = map[string][]string{}
	for _, d := range s.documents {
		for _, p := range d.Principals() {
			switch p.Type {
			case policy.Service:
				m.service(p.Text)
			default:
				if session, _ := m.principal(p.Text); session != "" {
					parts := strings.SplitN(p.Text, ":", 6)
					name, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
					s.sessions[parts[4]+"/"+name] = append(s.sessions[parts[4]+"/"+name], session)
				}
			}
		}
	}
	for _, account := range append(slices.Clone(s.accounts), s.stranger) {
		m.user(account, "/", "any-user")
		m.role(account, "/", "any-role")
		if federates(s.conditions) {
			m.federated(account, "any-federated")
		}
	}
	makeups := []*makeup{m}
	for _, account := range append(slices.Clone(s.accounts), s.stranger) {
		s.further(&makeups, literal(account), everybodyOf(s.first.Partition, account, "any-user", "any-role", "any-federated"), func(string) bool { return true })
	}
	s.further(&makeups, times(digit, 12), nil, func(account string) bool { return !slices.Contains(s.accounts, account) && account != s.stranger })
	s.nameServices(m)
	worlds := make([]*world.World, len(makeups))
	for i, m := range makeups {
		w, err := m.world()
		if err != nil {
			return nil, fmt.Errorf("the policy cannot be looked at by itself: %w", err)
		}
		worlds[i] = w
	}
	return worlds, nil
}

// nameServices adds the services that conditions tell apart, by either of their
// names.
func (s *stage) nameServices(m *makeup) {
	list := s.conditions["aws:principalservicenameslist"]
	names := slices.Concat(s.conditions["aws:principalservicename"], list)
	for _, name := range s.pick("aws:PrincipalServiceName", names, domain{form: serviceForm, seeds: []string{"s3.amazonaws.com"}}) {
		m.service(name)
	}
	for _, region := range s.regions {
		suffix := "." + region + ".amazonaws.com"
		for _, name := range s.pick("aws:PrincipalServiceNamesList", list, domain{form: join(some(lower), literal(suffix)), seeds: []string{"s3" + suffix}}) {
			m.service(strings.TrimSuffix(name, suffix) + ".amazonaws.com")
		}
	}
	var wild []string
	for _, c := range list {
		for _, o := range c.operands {
			if _, only := o.value.Literal(); !only {
				wild = append(wild, o.value.Text)
			}
		}
	}
	if len(unique(wild)) > 1 {
		s.limit = "several patterns on aws:PrincipalServiceNamesList, which may be of different names of a service"
	}
}

// further adds the principals of some accounts that conditions tell apart.
func (s *stage) further(makeups *[]*makeup, account pattern, seeds []string, wanted func(account string) bool) {
	arns, complete := identities(s.first.Partition, account, s.conditions, seeds)
	if !complete {
		s.limit = "too many combinations of patterns on accounts, ARNs and names of callers"
	}
	for _, arn := range arns {
		if wanted(strings.SplitN(arn, ":", 6)[4]) && !also(makeups, arn) {
			s.limit = "some names that patterns on callers ask for are none that IAM has"
		}
	}
}

// callers adds everybody of the made-up world, with the policies that the
// question is about.
func (s *stage) callers(u *Universe, w *world.World) {
	accounts := w.Accounts()
	slices.SortStableFunc(accounts, func(a, b *world.Account) int { return s.rank(a.ID) - s.rank(b.ID) })
	for _, a := range accounts {
		if !s.meets(u, a.ID) {
			continue
		}
		s.add(u, a.ID, "root@"+a.ID, "", func() (identity.Caller, bool) {
			return identityOf(w, world.AccessKey{Account: a.ID, Root: true, Active: true})
		})
		for _, x := range a.Users {
			s.add(u, a.ID, "user/"+x.Name+"@"+a.ID, x.Name, func() (identity.Caller, bool) {
				return identityOf(w, world.AccessKey{Account: a.ID, User: x, Active: true})
			})
		}
		for _, r := range a.Roles {
			for _, name := range append([]string{sessionName}, unique(s.sessions[a.ID+"/"+r.Name])...) {
				title := "role/" + r.Name + "@" + a.ID
				if name != sessionName {
					title = "arn:" + s.first.Partition + ":sts::" + a.ID + ":assumed-role/" + r.Name + "/" + name
				}
				s.add(u, a.ID, title, r.Name, func() (identity.Caller, bool) {
					return identity.InRole(w, r, name, identity.Session{Issued: u.cfg.Now}), true
				})
			}
		}
		for _, f := range a.Federated {
			s.add(u, a.ID, "federated/"+f.Name+"@"+a.ID, f.Name, func() (identity.Caller, bool) {
				return identityOf(w, world.AccessKey{Account: a.ID, Federated: f, Active: true})
			})
		}
	}
}

// services adds the services that policies name, and one more.
func (s *stage) services(u *Universe) {
	if u.kind == policy.Key || u.kind == policy.RCP || u.kind == policy.Endpoint || u.kind == policy.Trust {
		services := u.world.Services()
		for i := range services {
			u.service(services[i].Principal, s.first.Region)
			c := u.callers[len(u.callers)-1]
			c.Fresh = c.Name == "service/s3.amazonaws.com" && !s.names(c.ARN)
		}
	}
}

// rank says which accounts are looked at first: those that policies name, then
// the one that stands for any other.
func (s *stage) rank(account string) int {
	switch {
	case slices.Contains(s.accounts, account):
		return 0
	case account == s.stranger:
		return 1
	default:
		return 2
	}
}

// anybody are the names of those whom no policy names.
var anybody = []string{"any-user", "any-role", "any-federated"}

// names tells whether a document names a principal.
func (s *stage) names(text string) bool {
	for _, d := range s.documents {
		if slices.ContainsFunc(d.Principals(), func(p policy.Principal) bool { return p.Text == text }) {
			return true
		}
	}
	return false
}

// meets tells whether callers of an account meet the policy: those to whom a
// policy is attached are of its account.
func (s *stage) meets(u *Universe, account string) bool {
	switch u.kind {
	case policy.Key, policy.RCP, policy.Endpoint, policy.Trust:
		return true
	default:
		return account == s.first.Account
	}
}

// add adds a caller in each variation that matters.
func (s *stage) add(u *Universe, account, name, short string, who func() (identity.Caller, bool)) {
	caller, ok := who()
	if !ok {
		return
	}
	full := Caller{Name: name, who: caller, Outside: !slices.Contains(s.accounts, account) && !slices.Contains(s.first.Trusted, account),
		Fresh: slices.Contains(anybody, short) || account == s.stranger, attached: identity.Attached{Identity: []decision.Policy{everything}}}
	t := caller.Type
	if t == decision.Federated {
		full.attached.Session = []decision.Policy{everything}
	}
	switch u.kind {
	case policy.Identity:
		if t == decision.Root || t == decision.Federated {
			return
		}
		full.attached.Identity = []decision.Policy{*u.subject}
	case policy.Boundary:
		if t != decision.User && t != decision.Role {
			return
		}
		full.attached.Boundary = u.subject
	case policy.Session:
		if t != decision.Role && t != decision.Federated {
			return
		}
		full.attached.Session = []decision.Policy{*u.subject}
	case policy.SCP:
		full.attached.SCP = [][]decision.Policy{scpLevel(u.subject)}
	}
	u.addCaller(&full)
	if full.Outside && organized(s.conditions) {
		u.addCaller(full.asMember())
	}
	if u.kind == policy.Identity {
		others := full
		others.Variation, others.attached.Identity = withOthers, []decision.Policy{*u.subject, everything}
		u.addCaller(&others)
	}
	if u.kind != policy.Key && u.kind != policy.Trust || account != s.first.Account || t == decision.Root {
		return
	}
	bare, bounded := full, full
	bare.Variation, bare.attached.Identity = withoutPolicies, nil
	u.addCaller(&bare)
	if t != decision.Federated {
		bounded.Variation, bounded.attached.Boundary = withinBoundary, &nothingAllowed
		u.addCaller(&bounded)
	}
}

// scpLevel is a level of SCPs with one of them: by itself if it allows
// something, else beside the one that allows everything.
func scpLevel(p *decision.Policy) []decision.Policy {
	allows := slices.ContainsFunc(p.Document.Statements, func(s policy.Statement) bool { return s.Effect == policy.Allow })
	if allows {
		return []decision.Policy{*p}
	}
	return []decision.Policy{*p, fullAccess}
}
