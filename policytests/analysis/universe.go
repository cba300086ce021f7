// Package analysis asks of policies whether there is a request that they decide in a certain way, and answers with one that the
// engine confirms, with a proof that there is none, or with what could not be decided.
package analysis

import (
	"slices"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Config is what questions are answered with. The zero value is usable.
type Config struct {
	Engine *decision.Engine // that confirms; nil: one that the process shares
	Now    time.Time        // of requests that say nothing of the time; zero: noon of 2026-01-15 (UTC)
}

// defaultNow is the time of case lines that name none.
var defaultNow = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

var sharedEngine = sync.OnceValues(func() (*decision.Engine, error) { return decision.New(decision.Config{Limit: decision.PatientLimit}) })

func (c Config) complete() (Config, error) {
	if c.Now.IsZero() {
		c.Now = defaultNow
	}
	if c.Engine != nil {
		return c, nil
	}
	var err error
	c.Engine, err = sharedEngine()
	return c, err
}

// A Universe is all that decides who may use one key (or what one policy says,
// by itself): policies, callers, ways to the service. It is not safe for
// concurrent use.
type Universe struct {
	cfg Config
	// world holds the principals: a real one, or one made up for a policy.
	world *world.World
	// open: what is not said may be: tags of callers, facts of the key, VPC
	// endpoints, organizations.
	open      bool
	callers   []*Caller
	byKey     map[string]*Caller
	resources []*resource
	routes    []*route
	documents map[*policy.Document]*document
	own       *space
	limit     string // why it may lack callers or keys
	unlisted  *bool  // whether policies ask for calls by services that the world does not list; nil: not known yet
	strange   string // why it may lack callers of accounts that nobody names
	// kind and subject are the policy that an open universe was made for.
	kind    policy.Kind
	subject *decision.Policy
	loose   Loose
}

// A Caller is somebody who may ask.
type Caller struct {
	// Name as case lines have it: role/payroll@111122223333.
	Name    string
	ARN     string
	Account string // empty for a service
	Type    decision.PrincipalType
	// Fresh stands for any of its kind that no policy names.
	Fresh bool
	// Outside: of an account that no policy names.
	Outside bool
	// Member: of an account that no policy names, but maybe of an organization
	// that they name.
	Member bool
	// Variation tells callers of one name apart by what else is attached to
	// them: "has no IAM policies". Empty for callers of a world.
	Variation string

	made      bool   // a service that the world does not list
	provider  string // of somebody who asks for a role on the word of an identity provider
	who       identity.Caller
	principal decision.Principal
	attached  identity.Attached
	keys      map[string][]string
}

// strange tells whether the caller is of an account that no policy names.
func (c *Caller) strange() bool { return c.Outside || c.Member }

// key tells callers apart, also between universes. The ARN of a session says
// nothing of the path of its role.
func (c *Caller) key() string {
	if c.who.Role != nil {
		return c.ARN + "|" + c.who.Role.ARN + "|" + c.Variation
	}
	return c.ARN + "|" + c.Variation
}

// A resource is what can be asked about: a key, an alias, or nothing.
type resource struct {
	kind    policy.ResourceKind // zero: no resource
	name    string              // as case lines have it
	region  string
	asked   ask.Resource
	decided decision.Resource
	orgPath string
	// open: the facts of the key may be what they like.
	open   bool
	facts  map[string][]string
	policy *decision.Policy
	rcp    [][]decision.Policy
	grants []decision.Grant
	names  map[string]string // of grants by id
}

// A route is a way by which requests come: directly, or through a VPC endpoint.
type route struct {
	endpoint *world.Endpoint // nil: none
	// open: an endpoint that may have any id.
	open   bool
	policy *decision.Policy
}

func (r *route) key() string {
	if r.endpoint == nil {
		return ""
	}
	return r.endpoint.ID
}

// Callers lists who may ask, in a fixed order.
func (u *Universe) Callers() []Caller {
	all := make([]Caller, len(u.callers))
	for i, c := range u.callers {
		all[i] = *c
	}
	return all
}

// document is a policy taken apart.
func (u *Universe) document(p *decision.Policy) *document {
	if d, ok := u.documents[p.Document]; ok {
		return d
	}
	d := newDocument(*p)
	u.documents[p.Document] = d
	return d
}

// all lists the documents of the universe, each once.
func (u *Universe) all() []*document {
	var list []*document
	seen := map[*document]bool{}
	add := func(policies ...decision.Policy) {
		for i := range policies {
			if d := u.document(&policies[i]); !seen[d] {
				seen[d] = true
				list = append(list, d)
			}
		}
	}
	optional := func(p *decision.Policy) {
		if p != nil {
			add(*p)
		}
	}
	for _, c := range u.callers {
		add(c.attached.Identity...)
		optional(c.attached.Boundary)
		add(c.attached.Session...)
		for _, level := range c.attached.SCP {
			add(level...)
		}
	}
	for _, r := range u.resources {
		optional(r.policy)
		for _, level := range r.rcp {
			add(level...)
		}
	}
	for _, r := range u.routes {
		optional(r.policy)
	}
	return list
}

// addCaller gives a caller its facts and its place.
func (u *Universe) addCaller(c *Caller) {
	c.ARN, c.Account, c.Type = c.who.ARN, c.who.Account, c.who.Type
	c.principal = c.who.Principal()
	c.keys = c.who.Keys(u.cfg.Now)
	if known := u.byKey[c.key()]; known != nil {
		if !slices.Equal(known.keys["aws:principalarn"], c.keys["aws:principalarn"]) {
			u.limit = "two callers who are told apart by nothing but conditions"
		}
		return
	}
	u.byKey[c.key()] = c
	u.callers = append(u.callers, c)
}

// newUniverse is one without anybody in it.
func newUniverse(c Config, w *world.World) (*Universe, error) {
	c, err := c.complete()
	return &Universe{cfg: c, world: w, byKey: map[string]*Caller{}, documents: map[*policy.Document]*document{}}, err
}

// keyResource is a key as something to ask about.
func keyResource(w *world.World, k *world.Key, p *decision.Policy) *resource {
	r := &resource{
		kind: policy.KeyResource, name: "key/" + k.Name, region: k.Region, policy: p,
		asked: ask.Resource{ARN: k.ARN, Account: k.Account, Key: ask.KeyFacts(k), AWSManaged: k.AWSManaged},
		rcp:   identity.Guardrails(w, k.Account), facts: map[string][]string{}, names: map[string]string{},
	}
	r.owner(w)
	for _, g := range k.Grants {
		grantee, _ := identity.Party(w, g.Grantee)
		retiree, _ := identity.Party(w, g.Retiree)
		r.names[g.ID] = g.Name
		r.grants = append(r.grants, decision.Grant{
			ID: g.ID, Grantee: grantee, Retiree: retiree, Operations: g.Operations,
			Equals: nonEmpty(g.Equals), Subset: nonEmpty(g.Subset), IssuingAccount: k.Account,
		})
	}
	return r
}

// nonEmpty is pairs, or nil if there are none: an empty constraint is none.
func nonEmpty(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	return pairs
}

// owner says where the resource's account stands in the organization.
func (r *resource) owner(w *world.World) {
	r.decided = decision.Resource{ARN: r.asked.ARN, Account: r.asked.Account, AWSManaged: r.asked.AWSManaged}
	if o := w.Organization(); o.Unit(r.asked.Account) != nil {
		r.decided.OrgID, r.decided.Management = o.ID, o.Management == r.asked.Account
		r.orgPath = o.Path(r.asked.Account)
	}
}
