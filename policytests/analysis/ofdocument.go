package analysis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	requests "github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Loose is a policy by itself, with what is known of the place that it is
// for. Document is required.
type Loose struct {
	Document *policy.Document
	// Name is what case lines call the key; empty: "this".
	Name string
	// Account, Region and Partition of the key, or of the owner of the policy;
	// what is empty is told from the policy.
	Account, Region, Partition string
	// KeyARN of the key that a key policy is attached to, if known.
	KeyARN string
	// KeySpec and KeyUsage of that key, if known.
	KeySpec, KeyUsage string
	AWSManaged        bool
	// Trusted accounts are not strangers.
	Trusted []string
	// Assuming: requests are to assume roles, not to use keys. It is for IAM
	// policies and limits.
	Assuming bool
}

// OfDocument is the universe of a policy by itself: whatever other policies
// there may be allow all and deny nothing, unless it is said of a caller that
// it has none; principals are made up, those that the policy names and others.
func OfDocument(l Loose, c Config) (*Universe, error) {
	all, err := OfDocuments(c, l)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// OfDocuments makes universes with the same cast, so that they can be
// compared: for each of them the callers that any of the policies tells apart.
// The place is that of the first.
func OfDocuments(c Config, all ...Loose) ([]*Universe, error) {
	s := stage{first: all[0], conditions: map[string][]*condition{}}
	for _, l := range all {
		s.read(l.Document)
	}
	s.place()
	worlds, err := s.cast()
	if err != nil {
		return nil, err
	}
	w := worlds[0]
	var universes []*Universe
	for _, l := range all {
		u, err := newUniverse(c, w)
		if err != nil {
			return nil, err
		}
		l.Account, l.Region, l.Partition = s.first.Account, s.first.Region, s.first.Partition
		u.open, u.loose, u.kind = true, l, l.Document.Kind
		u.subject = &decision.Policy{Name: cmp.Or(l.Name, "this"), Owner: l.Account, Document: l.Document, Principals: w.UniqueIDs(l.Document)}
		s.set(u, worlds)
		u.limit = cmp.Or(u.limit, s.limit)
		universes = append(universes, u)
	}
	return universes, nil
}

// A stage gathers what policies say of the world that they are for.
type stage struct {
	first      Loose
	documents  []*policy.Document
	conditions map[string][]*condition
	elements   []*condition
	accounts   []string // that policies name
	regions    []string
	limit      string              // why there may be more callers or keys to tell apart
	stranger   string              // an account that they do not name
	sessions   map[string][]string // by ARN of the role: names of sessions
}

func (s *stage) read(d *policy.Document) {
	s.documents = append(s.documents, d)
	parsed := newDocument(decision.Policy{Document: d})
	for _, st := range parsed.statements {
		for _, c := range st.conditions {
			s.conditions[c.key] = append(s.conditions[c.key], c)
		}
		if st.resource != nil {
			s.elements = append(s.elements, st.resource)
		}
	}
}

var (
	accountIn = regexp.MustCompile(`(?:^|[^0-9])([0-9]{12})(?:[^0-9]|$)`)
	regionIn  = regexp.MustCompile(`(?:^|[.:])([a-z]{2}(?:-[a-z]+)+-[0-9])(?:$|[.:])`)
)

// place works out account, Region and partition, and what other accounts and
// Regions policies name.
func (s *stage) place() {
	l := &s.first
	owners := []string{l.Account}
	if parts := strings.SplitN(l.KeyARN, ":", 6); len(parts) == 6 {
		l.Partition, l.Region = cmp.Or(l.Partition, parts[1]), cmp.Or(l.Region, parts[3])
		owners = append(owners, parts[4])
	}
	owners = append(owners, s.administrators()...)
	for _, d := range s.documents {
		for _, p := range d.Principals() {
			if p.Account != "" {
				s.accounts = append(s.accounts, p.Account)
			}
			if parts := strings.SplitN(p.Text, ":", 3); len(parts) == 3 && slices.Contains(policy.Partitions, parts[1]) {
				l.Partition = cmp.Or(l.Partition, parts[1])
			}
		}
	}
	l.Partition = cmp.Or(l.Partition, "aws")
	s.mentioned(owners)
	l.Account = cmp.Or(l.Account, cmp.Or(append(owners, s.accounts...)...), "111122223333")
	s.accounts = append([]string{l.Account}, s.accounts...)
	s.accounts = unique(s.accounts)
	if l.Region != "" || len(s.regions) == 0 {
		s.regions = []string{cmp.Or(l.Region, "us-east-1")}
	}
	l.Region = s.regions[0]
	for n := 9; ; n-- {
		if s.stranger = strings.Repeat(string(rune('0'+n)), 12); !slices.Contains(s.accounts, s.stranger) && !slices.Contains(l.Trusted, s.stranger) {
			break
		}
	}
}

// maxRegions bounds the Regions that a policy is looked at in.
const maxRegions = 4

// mentioned finds accounts and Regions in the values of conditions and in
// resources.
func (s *stage) mentioned(owners []string) {
	texts := func(c *condition, visit func(string)) {
		for _, o := range c.operands {
			visit(o.value.Text)
		}
	}
	for _, key := range []string{"kms:calleraccount", "aws:principalaccount", "aws:principalarn", "aws:resourceaccount"} {
		for _, c := range s.conditions[key] {
			texts(c, func(t string) {
				for _, m := range accountIn.FindAllStringSubmatch(t, -1) {
					s.accounts = append(s.accounts, m[1])
				}
			})
		}
	}
	for _, c := range s.elements {
		texts(c, func(t string) {
			if parts := strings.SplitN(t, ":", 6); len(parts) == 6 {
				if accountForm.MatchString(parts[4]) {
					s.accounts = append(s.accounts, parts[4])
				}
				if regionIn.MatchString(parts[3]) {
					s.regions = append(s.regions, parts[3])
				}
			}
		})
	}
	for _, key := range []string{"kms:viaservice", "aws:requestedregion"} {
		for _, c := range s.conditions[key] {
			texts(c, func(t string) {
				if m := regionIn.FindStringSubmatch(t); m != nil {
					s.regions = append(s.regions, m[1])
				}
			})
		}
	}
	s.regions = unique(s.regions)
	s.regions = s.regions[:min(len(s.regions), maxRegions)]
}

// administrators are the accounts to which policies delegate PutKeyPolicy, and
// then those of principals that may call it: one of them owns the key.
func (s *stage) administrators() []string {
	var delegated, named []string
	for _, d := range s.documents {
		for i := range d.Statements {
			st := &d.Statements[i]
			if st.Effect != policy.Allow || st.NotPrincipal || !slices.ContainsFunc(st.Actions, func(v policy.Value) bool {
				return slices.Contains(policy.ExpandAction(v.Text), "kms:PutKeyPolicy")
			}) {
				continue
			}
			for _, p := range st.Principals {
				if p.Type == policy.Account {
					delegated = append(delegated, p.Account)
				} else if p.Account != "" {
					named = append(named, p.Account)
				}
			}
		}
	}
	return append(delegated, named...)
}

// unique keeps the first of equal texts, and no empty ones.
func unique(list []string) []string {
	var out []string
	for _, x := range list {
		if x != "" && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// pick is the values of a key that conditions tell apart, with a note if they
// are not all that there are.
func (s *stage) pick(key string, conditions []*condition, d domain) []string {
	c := choose(conditions, d, nil)
	if !c.complete {
		s.limit = "too many combinations of the patterns on " + key
	}
	return c.values
}

// set puts callers, keys and ways into a universe.
func (s *stage) set(u *Universe, worlds []*world.World) {
	if u.kind == policy.Trust {
		arn := "arn:" + s.first.Partition + ":iam::" + s.first.Account + ":role/" + cmp.Or(u.loose.Name, "this")
		u.assumable(arn, s.first.Account, "role/"+cmp.Or(u.loose.Name, "this"), s.first.Region, u.subject).owner(u.world)
	} else if u.loose.Assuming {
		s.roles(u)
	} else {
		for _, region := range s.regions {
			s.resources(u, region)
		}
	}
	u.routes = []*route{{}}
	network := len(s.conditions["aws:sourcevpce"]) + len(s.conditions["aws:sourcevpc"]) + len(s.conditions["aws:vpcsourceip"]) + len(s.conditions["aws:sourceip"])
	if network > 0 || u.kind == policy.Endpoint {
		e := &world.Endpoint{ID: "vpce-0ab12cd34ef56ab78", VPC: "vpc-0ab12cd34ef56ab78", Account: s.first.Account, Region: s.first.Region}
		u.routes = append(u.routes, &route{endpoint: e, open: true})
	}
	if u.kind == policy.Endpoint {
		u.routes = u.routes[1:]
		u.routes[0].policy = u.subject
	}
	for _, w := range worlds {
		s.callers(u, w)
	}
	s.services(u)
	if u.kind == policy.Trust {
		u.providers(u.world, s.first.Account, s.documents...)
	}
}

// resources adds the keys and aliases of a Region that policies tell apart.
func (s *stage) resources(u *Universe, region string) {
	owners := []string{s.first.Account}
	if u.kind != policy.Key && u.kind != policy.RCP {
		owners = s.accounts
	}
	for _, owner := range owners {
		prefix := "arn:" + s.first.Partition + ":kms:" + region + ":" + owner + ":"
		arns := []string{s.first.KeyARN}
		if s.first.KeyARN == "" {
			d := domain{form: join(literal(prefix+"key/"), some(pathWord)), seeds: []string{prefix + "key/1234abcd-12ab-34cd-56ef-1234567890ab"}}
			arns = s.pick("Resource", s.elements, d)
		}
		for _, arn := range arns {
			u.resources = append(u.resources, s.key(u, arn, owner, region))
		}
	}
	prefix := "arn:" + s.first.Partition + ":kms:" + region + ":" + s.first.Account + ":"
	if u.kind == policy.Key {
		return
	}
	d := domain{form: join(literal(prefix+"alias/"), some(pathWord)), seeds: []string{prefix + "alias/some-alias"}}
	for _, arn := range s.pick("Resource", s.elements, d) {
		r := &resource{kind: policy.AliasResource, name: strings.TrimPrefix(arn, prefix), region: region, facts: map[string][]string{},
			asked: ask.Resource{ARN: arn, Account: s.first.Account}}
		r.owner(u.world)
		s.guard(u, r)
		u.resources = append(u.resources, r)
	}
	u.account(u.world, s.first.Account, region)
	s.guard(u, u.resources[len(u.resources)-1])
}

// key is a key of which only the ARN is known.
func (s *stage) key(u *Universe, arn, owner, region string) *resource {
	r := &resource{
		kind: policy.KeyResource, name: "key/" + cmp.Or(u.loose.Name, "this"), region: region, open: true, facts: map[string][]string{},
		asked: ask.Resource{ARN: arn, Account: owner, AWSManaged: s.first.AWSManaged,
			Key: &requests.Key{Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS"}},
	}
	known := func(value string, keys ...string) {
		for _, k := range keys {
			if value != "" {
				r.facts[k] = []string{value}
			}
		}
	}
	known(s.first.KeySpec, "kms:keyspec", "kms:customermasterkeyspec")
	known(s.first.KeyUsage, "kms:keyusage", "kms:customermasterkeyusage")
	r.owner(u.world)
	s.guard(u, r)
	switch u.kind {
	case policy.Key:
		r.policy = u.subject
	case policy.Identity, policy.Boundary, policy.Session:
		p := made(policy.Key, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+s.first.Account+`"},"Action":"kms:*","Resource":"*"}]}`)
		r.policy = &p
	default:
		r.policy = &openKey
	}
	return r
}

// openKey is a key policy that allows everybody everything.
var openKey = made(policy.Key, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}`)

// guard attaches a resource control policy to what it is about.
func (s *stage) guard(u *Universe, r *resource) {
	if u.kind == policy.RCP {
		r.rcp = [][]decision.Policy{{*u.subject}}
	}
}

// identityOf is whom credentials of a made-up principal speak for.
func identityOf(w *world.World, k world.AccessKey) (identity.Caller, bool) {
	who, refused := identity.Of(w, k)
	return who, refused == nil
}
