package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// pastLine is the permission check that a line of a decision log tells of: the
// request as it was, of a principal and a resource as the world has them now.
func (b *Base) pastLine(l *logLine) ([]past, error) {
	if strings.HasSuffix(l.Path, "call/refused") {
		return nil, fmt.Errorf("the call was refused before there was anything to decide: %s", l.Result.Reason)
	}
	in := &l.Input
	action, known := policy.ActionNamed(in.Action)
	if !known {
		return nil, fmt.Errorf("there is no action %s", in.Action)
	}
	p := past{then: Then{Allowed: &l.Result.Allowed, Reason: l.Result.Reason, Layer: l.Result.Layer, By: l.Result.SettledBy}}
	r := &p.request
	r.Principals, r.Actions = []caseline.Word{{Text: b.lineCaller(l)}}, []caseline.Word{{Text: action.Name}}
	b.lineResource(l, &action, r)
	b.lineSession(l, r)
	b.lineNetwork(l, &p)
	for _, name := range slices.Sorted(maps.Keys(in.EncryptionContext)) {
		set(r, caseline.Pair{Key: "kms:EncryptionContext:" + name, Values: []string{in.EncryptionContext[name]}})
	}
	for _, key := range []string{"kms:GrantOperations", "kms:GrantConstraintType"} {
		if values := in.Context[strings.ToLower(key)]; len(values) > 0 && contains(action.ConditionKeys, key) {
			set(r, caseline.Pair{Key: key, Values: values, List: len(values) > 1})
		}
	}
	if action.Name == "kms:RetireGrant" {
		if len(in.Grants) != 1 || b.grantWithID(in.Grants[0].ID) == nil {
			return nil, errors.New("the grant is not in this world")
		}
		r.Grants = []caseline.Word{{Text: b.grantWithID(in.Grants[0].ID).Name}}
	}
	if len(l.Erased) > 0 {
		p.unknown = append(p.unknown, "what the log left out: "+strings.Join(l.Erased, ", "))
	}
	// What differs shows when the question of now is known.
	q, err := b.Question(p.request)
	switch {
	case err != nil && b.gone(p.request) != "":
		p.then.Evidence = &l.Result
		return []past{p}, nil
	case err != nil:
		return nil, plain(err)
	}
	b.compare(l, &q, &p)
	p.adapt = func(q *decision.Question) { b.overlay(l, q) }
	return []past{p}, nil
}

// plain is an error without the place in a request that nobody wrote.
func plain(err error) error {
	var e caseline.Error
	if errors.As(err, &e) {
		return errors.New(e.Message)
	}
	return err
}

// lineCaller is who asked, as case lines have it.
func (b *Base) lineCaller(l *logLine) string {
	switch l.Input.Principal.Type {
	case decision.Service:
		return "service/" + l.Result.Principal
	case decision.WebIdentity:
		if web := b.webIdentity(l.Result.Principal); web != "" {
			return web
		}
	}
	return l.Result.Principal
}

func (b *Base) lineResource(l *logLine, a *policy.Action, r *caseline.Request) {
	arn := l.Input.Resource.ARN
	switch {
	case arn == "*" || strings.HasSuffix(arn, ":*"):
		if region := l.Input.Context["aws:requestedregion"]; len(region) == 1 {
			r.Region = caseline.Word{Text: region[0]}
		}
		if a.Name == "kms:TagResource" {
			r.Resources = []caseline.Word{{Text: "*"}}
		}
	default:
		r.Resources = []caseline.Word{{Text: arn}}
	}
}

func (b *Base) lineSession(l *logLine, r *caseline.Request) {
	c := l.Input.Context
	if at := c["aws:currenttime"]; len(at) == 1 {
		if t, err := time.Parse(time.RFC3339, at[0]); err == nil {
			r.At = t
		}
	}
	if r.At.IsZero() {
		r.At = l.Timestamp.Truncate(time.Second)
	}
	t := l.Input.Principal.Type
	if present := c["aws:multifactorauthpresent"]; len(present) == 1 && (t == decision.User || t == decision.Root) {
		r.Session.Given, r.Session.MFA = true, caseline.MFA{Given: true}
		if age := c["aws:multifactorauthage"]; len(age) == 1 && present[0] == "true" {
			seconds, err := time.ParseDuration(age[0] + "s")
			r.Session.MFA.Present, r.Session.MFA.Age = err == nil, seconds
		}
	}
	if id := c["aws:sourceidentity"]; len(id) == 1 && t == decision.Role {
		r.Session.Given, r.Session.SourceIdentity = true, caseline.Word{Text: id[0]}
	}
}

func (b *Base) lineNetwork(l *logLine, p *past) {
	c := l.Input.Context
	for _, name := range c["aws:calledvia"] {
		if _, known := b.cfg.World.Service(name); known {
			p.request.Services = append(p.request.Services, caseline.Word{Text: name})
		}
	}
	for _, key := range []string{"aws:SourceAccount", "aws:SourceArn"} {
		if values := c[strings.ToLower(key)]; len(values) == 1 && l.Input.Principal.Type == decision.Service {
			set(&p.request, caseline.Pair{Key: key, Values: values})
		}
	}
	if id := c["aws:sourcevpce"]; len(id) == 1 {
		if _, known := b.cfg.World.Endpoint(id[0]); known {
			p.request.Endpoint = caseline.Word{Text: id[0]}
		} else {
			p.unknown = append(p.unknown, "what the policy of the VPC endpoint "+id[0]+" says: it is not in this world")
			p.limited = true
		}
	}
}

// ofWorld begin the condition keys that tell of the principal or the resource,
// which a replay takes from the world of now.
var ofWorld = []string{"aws:principalarn", "aws:principaltype", "aws:principalaccount", "aws:principalorg", "aws:principalisawsservice", "aws:principalservice",
	"aws:userid", "aws:username", "kms:calleraccount", "aws:resource", "kms:resourcealiases"}

// ofKey are those of the resource, unless the request creates it.
var ofKey = []string{"kms:keyspec", "kms:keyusage", "kms:keyorigin", "kms:multiregion", "kms:customermasterkey"}

func (l *logLine) fromWorld(key string) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
	if strings.HasPrefix(key, "aws:principaltag/") {
		return l.Input.Principal.Type != decision.Role && l.Input.Principal.Type != decision.WebIdentity
	}
	return slices.ContainsFunc(ofWorld, begins) || !strings.HasSuffix(l.Input.Resource.ARN, "*") && slices.ContainsFunc(ofKey, begins)
}

// overlay gives a question what the request of then brought.
func (b *Base) overlay(l *logLine, q *decision.Question) {
	own := map[string][]string{}
	for key, values := range q.Context {
		if l.fromWorld(key) {
			own[key] = values
		}
	}
	for key, values := range l.Input.Context {
		if !l.fromWorld(key) && len(values) > 0 {
			own[key] = values
		}
	}
	q.Context = own
	q.EncryptionContext = l.Input.EncryptionContext
	if c := l.Input.Child; c != nil {
		q.Child = &decision.Child{Equals: c.Equals, Subset: c.Subset}
		for _, o := range c.Operations {
			q.Child.Operations = append(q.Child.Operations, strings.TrimPrefix(o, "kms:"))
		}
	}
	if q.Session == nil {
		q.Session = b.sessionPolicies(l, q.Principal.Account)
	}
}

// sessionPolicies are the managed policies that a session came with; nil for
// none.
func (b *Base) sessionPolicies(l *logLine, account string) []decision.Policy {
	var all []decision.Policy
	for _, level := range l.Input.Policies[string(decision.LayerSession)] {
		for _, name := range level {
			if p, known := identity.SessionPolicy(b.cfg.World, account, name); known {
				all = append(all, p)
			}
		}
	}
	return all
}

// compare says what is otherwise than then: the world, its policies, grants and
// facts; and what the line does not tell.
func (b *Base) compare(l *logLine, q *decision.Question, p *past) {
	if then := l.Bundles["keyreeve"].Revision; then != "" && then != b.cfg.World.Digest() {
		p.differs = append(p.differs, "the world is another version than then")
	}
	for _, layer := range []decision.Layer{decision.LayerEndpoint, decision.LayerBoundary, decision.LayerIdentity, decision.LayerResource} {
		b.compareNames(l.Input.Policies[string(layer)], [][]decision.Policy{q.Policies(layer, 0)}, layerNames[layer], p)
	}
	b.compareNames(l.Input.Policies[string(decision.LayerSCP)], q.SCP, layerNames[decision.LayerSCP], p)
	b.compareNames(l.Input.Policies[string(decision.LayerRCP)], q.RCP, layerNames[decision.LayerRCP], p)
	for _, level := range l.Input.Policies[string(decision.LayerSession)] {
		for _, name := range level {
			if _, known := identity.SessionPolicy(b.cfg.World, q.Principal.Account, name); !known && q.Session == nil {
				p.unknown = append(p.unknown, "the session policy "+name+", which logs do not hold: it is left out, and may deny what is allowed here")
				p.limited = true
			}
		}
	}
	for _, g := range l.Input.Grants {
		if !slices.ContainsFunc(q.Grants, func(now decision.Grant) bool { return now.ID == g.ID }) {
			p.differs = append(p.differs, "the grant "+g.ID+" is not in this world")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.Input.Context)) {
		then, now := l.Input.Context[key], q.Context[key]
		if l.fromWorld(key) && key != "aws:userid" && !slices.Equal(sorted(then), sorted(now)) {
			p.differs = append(p.differs, fmt.Sprintf("%s: then %s, now %s", key, alternatives(then), orNone(now)))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(q.Context)) {
		if _, had := l.Input.Context[key]; !had && l.fromWorld(key) && (strings.Contains(key, "tag/") || key == "kms:resourcealiases") {
			p.differs = append(p.differs, fmt.Sprintf("%s: then none, now %s", key, alternatives(q.Context[key])))
		}
	}
}

func sorted(values []string) []string { return slices.Sorted(slices.Values(values)) }

func orNone(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return alternatives(values)
}

// compareNames tells of policies of a layer that were others.
func (b *Base) compareNames(then [][]string, now [][]decision.Policy, layer string, p *past) {
	flat := slices.Concat(then...)
	var names []string
	for _, level := range now {
		for _, n := range level {
			if n.ARN != "" {
				names = append(names, n.ARN)
			} else {
				names = append(names, n.Name)
			}
		}
	}
	if !slices.Equal(sorted(flat), sorted(names)) {
		p.differs = append(p.differs, fmt.Sprintf("%s: then %s, now %s", layer, listOr(flat), listOr(names)))
	}
}

func listOr(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
