package analysis

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/ask"
	requests "github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Witness is a request with the engine's answer.
type Witness struct {
	Caller   Caller
	Action   string
	Resource string // ARN
	// Keys are the condition keys on which the answer depends, by lower-cased
	// name; a key without values is absent from the request.
	Keys map[string][]string

	Question decision.Question
	Decision decision.Decision

	on *resource
	by *route
	// overlay are all that the request brings.
	dims   []*dimension
	chosen []int
}

// verifyAll has requests confirmed that nobody is shown; tests set it.
var verifyAll = false

// A Disagreement says that the engine decides a request otherwise than the
// analysis: one of them is wrong.
type Disagreement struct {
	Question decision.Question
	Decision decision.Decision
	Wanted   bool // that it is allowed
}

// Error names the request.
func (d *Disagreement) Error() string {
	return fmt.Sprintf("the analysis says that %s may call %s on %s: %t; the engine says: %t; context %v",
		d.Question.Principal.ARN, d.Question.Action, d.Question.Resource.ARN, d.Wanted, d.Decision.Allowed, d.Question.Context)
}

// confirm makes a request of what was chosen and has the engine decide it in
// each variant. The witness tells of the first.
func (f *finder) confirm(ctx context.Context, r *residue, s *subject, chosen []int) (*Witness, error) {
	var first *Witness
	check := func(v variant, wanted bool) error {
		in := s.in(v.u)
		if in == nil {
			return nil
		}
		w := r.witness(in, chosen)
		v.cut(&w.Question)
		d, err := v.u.cfg.Engine.Decide(ctx, w.Question)
		if err != nil {
			return fmt.Errorf("confirming %s by %s: %w", w.Action, w.Caller.ARN, err)
		}
		if d.Allowed != wanted && !f.either {
			return &Disagreement{Question: w.Question, Decision: d, Wanted: wanted}
		}
		if w.Decision = d; first == nil {
			first = w
		}
		return nil
	}
	for _, v := range f.allowed {
		if err := check(v, true); err != nil {
			return nil, err
		}
	}
	for _, v := range f.refused {
		if err := check(v, false); err != nil {
			return nil, err
		}
	}
	return first, nil
}

// witness is a request in which the dimensions are as chosen.
func (r *residue) witness(s *subject, chosen []int) *Witness {
	w := &Witness{Caller: *s.caller, Action: s.action.Name, Resource: s.on.decided.ARN, Keys: map[string][]string{}, on: s.on, by: s.by,
		dims: r.dims[:len(chosen)], chosen: chosen}
	w.Question = s.question()
	keys := w.Question.Context
	pairs := map[string]string{}
	var names, tags []string
	for i, d := range w.dims {
		o := d.options[chosen[i]]
		for _, k := range d.keys {
			if info := r.space.info(k); s.carries(info) && !isFixed(s, info) {
				w.set(k, o.keys[k])
			}
		}
		switch {
		case o.name == "":
		case strings.HasPrefix(d.name, encryptionContext):
			maps.Copy(pairs, o.pairs())
			names = append(append(names, o.name), o.also...)
		default:
			tags = append(append(tags, o.name), o.also...)
		}
	}
	for k, values := range r.given {
		if info := r.space.info(k); s.carries(info) && !isFixed(s, info) {
			w.set(k, values)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		keys[contextKeys] = names
		w.Question.EncryptionContext = pairs
	}
	if len(tags) > 0 {
		slices.Sort(tags)
		keys[tagKeys] = tags
	}
	if issued := keys["aws:tokenissuetime"]; issued != nil && w.Keys["aws:currenttime"] == nil && later(issued[0], keys["aws:currenttime"][0]) {
		w.set("aws:currenttime", issued) // no session begins after its requests
	}
	w.mandatory(s)
	w.child(pairs)
	return w
}

func isFixed(s *subject, i *keyInfo) bool {
	_, fixed := s.fixed(i)
	return fixed
}

// set gives a condition key its values, or takes it away.
func (w *Witness) set(key string, values []string) {
	if w.Keys[key] = values; len(values) == 0 {
		delete(w.Question.Context, key)
		return
	}
	w.Question.Context[key] = values
}

// question is what a subject asks if its request says nothing special.
func (s *subject) question() decision.Question {
	call := ask.Call{World: s.u.world, Caller: s.caller.who, Endpoint: s.by.endpoint}
	call.Request = requests.Request{Now: s.u.cfg.Now, Secure: true, SourceIP: netip.MustParseAddr(clientAddress), Region: s.on.region}
	if s.caller.Type == decision.Service {
		call.Caller = s.caller.who
	}
	q := call.Question(ask.Check{Rule: s.rule(), Action: s.action.Name, Resource: s.on.asked, Policy: s.on.policy, Grants: s.on.grants})
	a := s.caller.attached
	q.Identity, q.Boundary, q.Session, q.SCP = a.Identity, a.Boundary, a.Session, a.SCP
	q.RCP, q.Endpoint, q.Resource = s.on.rcp, s.by.policy, s.on.decided
	if s.caller.provider != "" {
		for key := range s.caller.who.Keys(s.u.cfg.Now) {
			delete(q.Context, key)
		}
		maps.Copy(q.Context, s.caller.keys)
		q.Principal = s.caller.principal
	}
	return q
}

// mandatory gives the parameters that requests cannot leave open, and on which
// nothing depends, a value.
func (w *Witness) mandatory(s *subject) {
	if s.on.kind == policy.AliasResource {
		return
	}
	for _, name := range s.action.ConditionKeys {
		key := strings.ToLower(name)
		d, known := domains[key]
		if _, there := w.Question.Context[key]; there || !known || d.optional || sources[key] != fromNowhere || key == "kms:grantoperations" {
			continue
		}
		if _, decided := w.Keys[key]; decided {
			continue
		}
		if v := append(slices.Clone(d.values), d.seeds...); len(v) > 0 {
			w.Question.Context[key] = v[:1]
		}
	}
	if w.Action != "kms:CreateGrant" {
		return
	}
	if w.Question.Context["kms:grantoperations"] == nil {
		w.Question.Context["kms:grantoperations"] = []string{"Decrypt"}
	}
	if w.Question.Context["kms:granteeprincipal"] == nil {
		w.Question.Context["kms:granteeprincipal"] = []string{freshARN}
	}
}

// child is the grant that a CreateGrant asks for. Pairs without a type
// of constraint get one: nothing depends on it.
func (w *Witness) child(pairs map[string]string) {
	if w.Action != "kms:CreateGrant" || w.on.kind != policy.KeyResource {
		return
	}
	c := &decision.Child{Operations: w.Question.Context["kms:grantoperations"]}
	kind := w.Question.Context["kms:grantconstrainttype"]
	switch {
	case len(pairs) == 0:
	case slices.Equal(kind, []string{"EncryptionContextEquals"}):
		c.Equals = pairs
	default:
		c.Subset = pairs
		w.Question.Context["kms:grantconstrainttype"] = []string{"EncryptionContextSubset"}
	}
	w.Question.Child = c
}

// cut leaves the statements out that a variant lacks.
func (v variant) cut(q *decision.Question) {
	if len(v.without) == 0 {
		return
	}
	one := func(p decision.Policy) decision.Policy {
		d := v.u.document(&p)
		cut := *p.Document
		cut.Statements = nil
		for _, s := range d.statements {
			if !v.without[s] {
				cut.Statements = append(cut.Statements, *s.source)
			}
		}
		for i := range cut.Statements {
			cut.Statements[i].Index = i
		}
		if len(cut.Statements) != len(d.statements) {
			p.Document = &cut
		}
		return p
	}
	list := func(all []decision.Policy) []decision.Policy {
		out := slices.Clone(all)
		for i := range out {
			out[i] = one(out[i])
		}
		return out
	}
	levels := func(all [][]decision.Policy) [][]decision.Policy {
		out := slices.Clone(all)
		for i := range out {
			out[i] = list(out[i])
		}
		return out
	}
	optional := func(p *decision.Policy) *decision.Policy {
		if p == nil {
			return nil
		}
		out := one(*p)
		return &out
	}
	q.Identity, q.Session, q.SCP, q.RCP = list(q.Identity), list(q.Session), levels(q.SCP), levels(q.RCP)
	q.Boundary, q.Endpoint, q.KeyPolicy = optional(q.Boundary), optional(q.Endpoint), optional(q.KeyPolicy)
}

// at is the time of the request, if it differs from the usual one.
func (w *Witness) at() (time.Time, bool) {
	v := w.Keys["aws:currenttime"]
	if len(v) == 0 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, v[0])
	return t, err == nil
}
