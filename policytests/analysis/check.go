package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Options say how policies are checked. All zero values are usable.
type Options struct {
	// Trusted accounts besides that of the key.
	Trusted []string
	// By is the ARN of the principal that is to put the key policy; empty:
	// not known, and KR_LOCKOUT_CALLER rests.
	By string
	// Locate names the file and the policy of findings; nil: the policy has
	// the name by which the decision knows it.
	Locate func(decision.Policy) (file, policy string)
	// Limit bounds the time for one universe; what is left then is unknown.
	// Zero: two seconds.
	Limit time.Duration
}

const defaultLimit = 2 * time.Second

// CheckDocument checks one policy by itself.
func CheckDocument(ctx context.Context, d *policy.Document, o lint.Options) ([]lint.Finding, error) {
	u, err := OfDocument(looseOf(d, o), Config{})
	if err != nil {
		return nil, err
	}
	return Check(ctx, u, Options{Trusted: o.Trusted})
}

// looseOf is a policy by itself with what the linter knows of its place.
func looseOf(d *policy.Document, o lint.Options) Loose {
	return Loose{Document: d, Account: o.Account, Region: o.Region, Partition: o.Partition, KeyARN: o.KeyARN, KeySpec: o.KeySpec,
		KeyUsage: o.KeyUsage, AWSManaged: o.AWSManaged, Trusted: o.Trusted}
}

// CheckKey checks a key of a world with all that decides who may use it.
func CheckKey(ctx context.Context, w *world.World, k *world.Key, o Options) ([]lint.Finding, error) {
	u, err := OfKey(w, k, Config{})
	if err != nil {
		return nil, err
	}
	return Check(ctx, u, o)
}

// Check runs all rules by meaning over a universe: of a policy by itself those
// about that policy, of a key of a world those about its key policy, its
// grants, and what other policies say of it. Findings are in the order of the
// rules. An error means that the engine disagrees, or that ctx ended.
func Check(ctx context.Context, u *Universe, o Options) ([]lint.Finding, error) {
	if o.Limit == 0 {
		o.Limit = defaultLimit
	}
	bounded, cancel := context.WithTimeout(ctx, o.Limit)
	defer cancel()
	c := &checker{ctx: bounded, u: u, o: o, trees: map[*policy.Document]map[int]policy.Pos{}}
	c.prepare()
	for _, rule := range rules {
		if !c.applies(rule) {
			continue
		}
		err := rule.check(c)
		switch {
		case err == nil:
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			for _, id := range rule.ids {
				c.unknown(id, nil, fmt.Sprintf("The check took more than %v.", o.Limit))
			}
		default:
			return c.findings, err
		}
	}
	return c.findings, nil
}

// A rule is a group of checks that belong together.
type rule struct {
	ids []string
	// kinds of policies by themselves that it looks at; world: also keys of a
	// world.
	kinds []policy.Kind
	world bool
	check func(*checker) error
}

var rules []rule

func init() { // the functions refer to the table by way of their checker
	key, identity := policy.Key, policy.Identity
	limits := []policy.Kind{policy.Key, policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint, policy.Trust}
	rules = []rule{
		{[]string{"KR_PUBLIC_KEY", "KR_CROSS_ACCOUNT", "KR_STAR_IS_NOT_DELEGATION"}, []policy.Kind{key}, true, (*checker).exposure},
		{[]string{"KR_PUBLIC_ROLE", "KR_CROSS_ACCOUNT"}, []policy.Kind{policy.Trust}, false, (*checker).assumers},
		{[]string{"KR_LOCKOUT_ALL"}, []policy.Kind{key}, true, (*checker).lockout},
		{[]string{"KR_LOCKOUT_CALLER"}, []policy.Kind{key}, true, (*checker).lockoutOfCaller},
		{[]string{"KR_ROOT_DELEGATION_MISSING", "KR_ROOT_DELEGATION_NARROW"}, []policy.Kind{key}, true, (*checker).delegation},
		{[]string{"KR_ESCALATION_PUTKEYPOLICY", "KR_ESCALATION_CREATEGRANT", "KR_ADMIN_AND_USER"}, []policy.Kind{key, identity}, true, (*checker).powers},
		{[]string{"KR_DELETE_UNGUARDED"}, []policy.Kind{key, identity}, false, (*checker).deletion},
		{[]string{"KR_UNREACHABLE_ALLOW", "KR_DENY_WITHOUT_EFFECT", "REDUNDANT_STATEMENT"}, limits, true, (*checker).effects},
		{[]string{"EQUIVALENT_TO_NULL_FALSE", "EQUIVALENT_TO_NULL_TRUE", "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION",
			"REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION"}, limits, false, (*checker).constants},
		{[]string{"KR_ALIAS_ACTION_HALF"}, []policy.Kind{identity}, false, (*checker).aliasHalves},
		{[]string{"KR_ABAC_SELF_SERVICE"}, []policy.Kind{identity}, false, (*checker).selfService},
		{[]string{"KR_ATTESTATION_NOT_ENFORCED", "KR_ATTESTATION_BYPASS"}, []policy.Kind{key}, true, (*checker).attestation},
		{[]string{"KR_SOURCEIP_BREAKS_SERVICES", "KR_VPCE_SOURCEVPCE_MISMATCH"},
			[]policy.Kind{key, identity, policy.SCP, policy.RCP}, false, (*checker).services},
		{[]string{"KR_VPCE_SOURCEVPCE_MISMATCH"}, nil, true, (*checker).endpoints},
		{[]string{"KR_VPCE_GRANTS_NOTHING"}, []policy.Kind{policy.Endpoint}, false, (*checker).closedEndpoint},
		{[]string{"KR_SCP_LEVEL_WITHOUT_ALLOW"}, nil, true, (*checker).levels},
		{[]string{"KR_IDENTITY_INEFFECTIVE"}, nil, true, (*checker).ineffective},
		{[]string{"KR_GRANT_DEAD"}, nil, true, (*checker).deadGrants},
	}
}

func (c *checker) applies(r rule) bool {
	if c.u.open {
		return slices.Contains(r.kinds, c.u.kind)
	}
	return r.world
}

// A checker runs the rules over one universe.
type checker struct {
	ctx      context.Context
	u        *Universe
	sp       *space
	o        Options
	key      *resource // nil where the universe has none
	own      string    // account of the key, or of the policy's owner
	document *document // that the rules about statements look at
	asks     asks
	findings []lint.Finding
	trees    map[*policy.Document]map[int]policy.Pos
}

// asks are conditions that rules hold requests to.
type asks struct {
	viaService, direct, noMFA, window, ordinary *condition
}

// prepare makes the space in which rules search, which also tells requests
// apart by what rules ask.
func (c *checker) prepare() {
	c.asks = asks{
		viaService: asked("Bool", "aws:ViaAWSService", "true"),
		direct:     asked("Bool", "aws:ViaAWSService", "false"),
		noMFA:      asked("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
		window:     asked("NumericEquals", "kms:ScheduleKeyDeletionPendingWindowInDays", "7"),
		ordinary:   asked("Bool", "kms:GrantIsForAWSResource", "false"),
	}
	c.sp = newSpace(c.u)
	for _, x := range []*condition{c.asks.viaService, c.asks.direct, c.asks.noMFA, c.asks.window, c.asks.ordinary} {
		c.sp.take(x)
	}
	for _, r := range c.u.resources {
		if r.kind == policy.KeyResource {
			c.key = r
			break
		}
	}
	subject := c.u.subject
	if subject == nil && c.key != nil {
		subject = c.key.policy
	}
	if c.key != nil {
		c.own = c.key.asked.Account
	}
	if c.u.open {
		c.own = c.u.loose.Account
	}
	c.document = c.u.document(subject)
}

// asked is a condition of a rule.
func asked(operator, key string, values ...string) *condition {
	name, exists := strings.CutSuffix(operator, "IfExists")
	source := &policy.Condition{Operator: name, IfExists: exists, Key: strings.ToLower(key), KeyText: key}
	for _, v := range values {
		source.Values = append(source.Values, policy.Value{Text: v, Parts: []policy.Part{{Kind: policy.Literal, Text: v}}})
	}
	return newCondition(policy.Identity, policy.Allow, source)
}

// A search is what a rule asks for.
type search struct {
	matching, missing []*statement
	without           map[*statement]bool // of what allows
	refusedWithout    map[*statement]bool // refused when these are gone
	comparing         bool                // refusedWithout counts
	callers           func(*Caller) bool
	actions           []string
	extra             []*condition
	keys              map[string][]string
	anything          bool // the request need not be allowed
	shown             bool // somebody sees it, so it must be confirmed
}

// find looks for a request that is allowed and as the search says.
func (c *checker) find(s search) (Answer, error) {
	f := &finder{space: c.sp, matching: s.matching, missing: s.missing, extra: s.extra, silent: !s.shown,
		query: Query{Actions: s.actions, Keys: s.keys}}
	// Of services that the world does not list the rules speak by themselves.
	f.query.Callers = func(x Caller) bool { return !x.made && (s.callers == nil || s.callers(&x)) }
	v := variant{u: c.u, without: s.without}
	switch {
	case s.anything:
		f.either = true
		f.allowed = []variant{v}
	case s.comparing:
		f.allowed = []variant{v}
		f.refused = []variant{{u: c.u, without: s.refusedWithout}}
	default:
		f.allowed = []variant{v}
	}
	return f.find(c.ctx)
}

// found is find for rules that take what is unknown as a finding of its own.
func (c *checker) found(id string, at *statement, s search) (*Witness, State, error) {
	s.shown = true
	a, err := c.find(s)
	if err != nil {
		return nil, 0, err
	}
	if a.State == Unknown {
		c.unknown(id, at, "It could not be decided: "+a.Why+".")
	}
	return a.Witness, a.State, nil
}
