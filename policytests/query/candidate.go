package query

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// maxTried bounds how many statements of a policy are tried.
const maxTried = 100

// candidates are edits that may bring a refused request further: of what
// denied, or of what lacked an Allow.
func (s *search) candidates(st *state) []change {
	q := &st.q
	if st.d.Reason == decision.ExplicitDeny {
		return s.againstDeny(st)
	}
	if st.d.Reason != decision.NoAllow {
		return nil
	}
	var all []change
	add := func(layer decision.Layer, level int) { all = append(all, s.toAllow(q, layer, level)...) }
	switch layer := st.d.Layer; layer {
	case decision.LayerSCP:
		add(layer, silentLevel(st.d))
	case decision.LayerEndpoint:
		all = append(all, change{Edit: Edit{Op: OpRequest, Words: "ask over the public endpoint, not through a VPC endpoint"},
			request: func(r *caseline.Request) { r.Endpoint = caseline.Word{} }})
		add(layer, 0)
	case decision.LayerBoundary, decision.LayerSession, decision.LayerIdentity:
		if layer == decision.LayerSession && len(s.request.Session.Policies) > 0 {
			all = append(all, change{Edit: Edit{Op: OpRequest, Words: "begin the session without its session policy"},
				request: func(r *caseline.Request) { r.Session.Policies = nil }})
		}
		add(layer, 0)
		if !foreign(q) && (q.Rule == decision.KeyPolicy || q.Rule == decision.Trust) {
			add(decision.LayerResource, 0)
			all = append(all, s.grants(q)...)
		}
	case decision.LayerResource:
		add(layer, 0)
		all = append(all, s.grants(q)...)
	}
	return all
}

// silentLevel is the first level of SCPs that allows nothing.
func silentLevel(d decision.Decision) int {
	for _, l := range d.Evidence().Layers {
		if l.Layer == decision.LayerSCP && l.Said == decision.SaidNothing {
			return l.Level
		}
	}
	return 0
}

// toAllow are edits after which a level of a layer may allow.
func (s *search) toAllow(q *decision.Question, layer decision.Layer, level int) []change {
	if layer == decision.LayerResource && (q.KeyPolicy == nil || q.Resource.AWSManaged) {
		return nil
	}
	var all []change
	for _, p := range q.Policies(layer, level) {
		for i := range p.Document.Statements {
			if i < maxTried && p.Document.Statements[i].Effect == policy.Allow {
				all = append(all, s.asked(q, p.Document.Statements[i].Conditions, true)...)
			}
		}
	}
	targets := s.targets(q, layer, level)
	for _, t := range targets {
		for i := range t.policy.Document.Statements {
			if i < maxTried && t.policy.Document.Statements[i].Effect == policy.Allow {
				all = append(all, s.widen(q, t, i)...)
			}
		}
	}
	return append(all, s.added(q, layer, level, targets)...)
}

// asked are changes of the request, or of tags, after which conditions hold:
// each by itself, and all together. With holds false, any one fails.
func (s *search) asked(q *decision.Question, conditions []policy.Condition, holds bool) []change {
	var all, together []change
	for _, c := range conditions {
		first := true
		for _, w := range wishes(c, holds, q) {
			for _, make := range []func(policy.Condition, wish, *decision.Question) (change, bool){s.asking, s.tagging} {
				one, ok := make(c, w, q)
				if !ok {
					continue
				}
				all = append(all, one)
				if first && one.request != nil {
					together = append(together, one)
					first = false
				}
			}
		}
	}
	if holds && len(together) > 1 {
		all = append(all, joined(together))
	}
	return all
}

// joined is one change of the request made of several.
func joined(parts []change) change {
	var words, clauses []string
	for _, p := range parts {
		words = append(words, p.Words)
		clauses = append(clauses, p.Clause)
	}
	return change{Edit: Edit{Op: OpRequest, Words: strings.Join(words, ", and "), Clause: strings.Join(clauses, " ")}, parts: parts,
		request: func(r *caseline.Request) {
			for _, p := range parts {
				p.request(r)
			}
		}}
}

// widen are edits of one Allow: one element of it takes in the request.
func (s *search) widen(q *decision.Question, t target, i int) []change {
	st := &t.policy.Document.Statements[i]
	name := s.called(t, i)
	var all []change
	grow := func(op Op, words, element, value string) {
		r, err := replaced(t.policy.Document, i, func(o object) (object, []operation) {
			list, how := appended(o[o.at(element)].value, value, "/"+element)
			return o.with(element, list), []operation{how}
		})
		e := s.edit(op, t, st.Pos)
		e.Words = words
		if c, ok := s.rewritten(e, t, r, err); ok {
			all = append(all, c)
		}
	}
	if !st.NotAction && !slices.ContainsFunc(st.Actions, func(v policy.Value) bool { return contains(policy.ExpandAction(v.Text), q.Action) }) {
		grow(OpAction, "add "+q.Action+" to the Action of "+name, "Action", q.Action)
	}
	if st.HasResource && !st.NotResource && t.layer != decision.LayerResource {
		grow(OpResource, "add "+s.b.resourceName(q)+" to the Resource of "+name, "Resource", resourceIn(q))
	}
	if len(st.Principals) > 0 && !st.NotPrincipal && st.Principals[0].Type != policy.Everyone {
		all = append(all, s.admit(q, t, i, name)...)
	}
	for j := range st.Conditions {
		all = append(all, s.loosen(q, t, i, j, name, false)...)
	}
	return all
}

// admit adds the caller to the Principal of a statement.
func (s *search) admit(q *decision.Question, t target, i int, name string) []change {
	kind, arn := s.principal(q)
	also, handsOver := s.beside(q, &t.policy.Document.Statements[i])
	if handsOver {
		return nil
	}
	r, err := replaced(t.policy.Document, i, func(o object) (object, []operation) {
		who := o.object("Principal")
		if at := who.at(kind); at >= 0 {
			list, how := appended(who[at].value, arn, "/Principal"+step(kind))
			return o.with("Principal", jsonOf(who.with(kind, list))), []operation{how}
		}
		return o.with("Principal", jsonOf(who.with(kind, jsonOf(arn)))), []operation{{Op: "add", Path: "/Principal" + step(kind), Value: jsonOf(arn)}}
	})
	e := s.edit(OpPrincipal, t, t.policy.Document.Statements[i].Pos)
	e.Words, e.Note = "add "+s.b.principalName(q.Principal)+" to the Principal of "+name, also
	if c, ok := s.rewritten(e, t, r, err); ok && arn != "" {
		return []change{c}
	}
	return nil
}

// beside says which other actions a statement allows, and whether one of them
// would hand the key over: no proposal does that in passing.
func (s *search) beside(q *decision.Question, st *policy.Statement) (also string, handsOver bool) {
	var others []string
	for _, a := range policy.Actions {
		matches := slices.ContainsFunc(st.Actions, func(v policy.Value) bool { return contains(policy.ExpandAction(v.Text), a.Name) })
		if matches != st.NotAction && a.Name != q.Action && a.On(policy.KeyResource) {
			others = append(others, a.Name)
		}
	}
	const most = 4
	switch {
	case contains(others, "kms:PutKeyPolicy"):
		return "", true
	case len(others) == 0:
		return "", false
	case len(others) > most:
		return fmt.Sprintf("that allows %d other actions, too", len(others)), false
	}
	return "that allows " + strings.Join(others, ", ") + ", too", false
}

// loosen adds what the request has to the values of a condition, or takes the
// condition away. In a Deny only the first makes sense.
func (s *search) loosen(q *decision.Question, t target, i, j int, name string, deny bool) []change {
	d := t.policy.Document
	c := d.Statements[i].Conditions[j]
	op, known := policy.OperatorNamed(c.Operator)
	var all []change
	if have := q.Context[c.Key]; known && op.Negated == deny && len(have) == 1 && op.Type != policy.PresenceType && op.Type != policy.BoolType &&
		!strings.Contains(op.Name, "Than") {
		if r, err := recondition(d, i, c, have[0]); err == nil {
			e := s.edit(OpValue, t, c.Pos)
			e.Path, e.Words = d.Statements[i].Pos.Path, "add "+word(have[0], false)+" to the values of "+c.KeyText+" in "+name
			if made, ok := s.rewritten(e, t, r, nil); ok {
				all = append(all, made)
			}
		}
	}
	if deny {
		return all
	}
	r, err := recondition(d, i, c, "")
	e := s.edit(OpDropCondition, t, c.Pos)
	e.Note = "the statement then allows whatever the request has of " + c.KeyText
	e.Path, e.Words = d.Statements[i].Pos.Path, "take the condition "+c.OperatorText()+" "+c.KeyText+" out of "+name
	if made, ok := s.rewritten(e, t, r, err); ok {
		all = append(all, made)
	}
	return all
}

// recondition adds a value to a condition, or takes the condition away if there
// is none.
func recondition(d *policy.Document, i int, c policy.Condition, value string) (rewrite, error) {
	return replaced(d, i, func(o object) (object, []operation) {
		block := o.object("Condition")
		for _, operator := range block {
			keys := block.object(operator.name)
			at := keys.at(c.KeyText)
			if !strings.EqualFold(operator.name, c.OperatorText()) || at < 0 {
				continue
			}
			path := "/Condition" + step(operator.name)
			if value != "" {
				list, how := appended(keys[at].value, value, path+step(c.KeyText))
				return o.with("Condition", jsonOf(block.with(operator.name, jsonOf(keys.with(c.KeyText, list))))), []operation{how}
			}
			switch {
			case len(keys) > 1:
				return o.with("Condition", jsonOf(block.with(operator.name, jsonOf(keys.without(c.KeyText))))), []operation{{Op: "remove", Path: path + step(c.KeyText)}}
			case len(block) > 1:
				return o.with("Condition", jsonOf(block.without(operator.name))), []operation{{Op: "remove", Path: path}}
			}
			return o.without("Condition"), []operation{{Op: "remove", Path: "/Condition"}}
		}
		return o, nil
	})
}

// resourceIn is how policies name what a request is about.
func resourceIn(q *decision.Question) string {
	if q.Rule == decision.IdentityOnly && strings.HasSuffix(q.Resource.ARN, ":*") {
		return "*"
	}
	return q.Resource.ARN
}

// principal is how policies name the caller: the type of a principal, and its
// text; empty where they cannot.
func (s *search) principal(q *decision.Question) (kind, text string) {
	p, w := q.Principal, s.b.cfg.World
	switch p.Type {
	case decision.Service:
		return "Service", p.ARN
	case decision.Root:
		return "AWS", "arn:" + w.Partition() + ":iam::" + p.Account + ":root"
	case decision.Federated:
		return "AWS", p.ARN
	}
	for _, id := range []string{p.Role, p.User} {
		if known, ok := w.PrincipalByID(id); ok && id != "" {
			return "AWS", known.PrincipalARN()
		}
	}
	return "AWS", ""
}

// grantable are the operations that grants know.
var grantable = []string{"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign",
	"Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
	"GenerateMac", "VerifyMac", "DeriveSharedSecret"}

// grants are pairs that grants of the caller ask for, and a grant of its own.
func (s *search) grants(q *decision.Question) []change { return append(s.fitting(q), s.granted(q)...) }

// fitting asks as the caller's grants for the operation want it.
func (s *search) fitting(q *decision.Question) []change {
	var all []change
	for _, g := range q.Grants {
		wanted := g.Subset
		if g.Equals != nil {
			wanted = g.Equals
		}
		if !policytests.GrantedTo(g, q.Principal) || wanted == nil || !contains(g.Operations, strings.TrimPrefix(q.Action, "kms:")) {
			continue
		}
		exactly := g.Equals != nil
		words := "ask with the encryption context " + policytests.Pairs(wanted)
		if exactly {
			words += " and no other pair"
		}
		all = append(all, change{Edit: Edit{Op: OpRequest, Words: words + ", as the grant " + s.b.grantName(q, g.ID) + " wants it"},
			request: func(r *caseline.Request) {
				if exactly {
					r.Keys = slices.DeleteFunc(slices.Clone(r.Keys), func(p caseline.Pair) bool { return strings.HasPrefix(strings.ToLower(p.Key), contextPrefix) })
				}
				for _, name := range slices.Sorted(maps.Keys(wanted)) {
					set(r, caseline.Pair{Key: "kms:EncryptionContext:" + name, Values: []string{wanted[name]}})
				}
			}})
	}
	return all
}

// granted is a grant for the caller.
func (s *search) granted(q *decision.Question) []change {
	operation, isKMS := strings.CutPrefix(q.Action, "kms:")
	k := s.b.key(q)
	_, arn := s.principal(q)
	if q.Rule != decision.KeyPolicy || !isKMS || !contains(grantable, operation) || k == nil || k.AWSManaged || arn == "" {
		return nil
	}
	party, known := identity.Party(s.b.cfg.World, arn)
	if !known || q.Principal.Type == decision.Service || q.Principal.Type == decision.Root {
		return nil
	}
	input := object{{"KeyId", jsonOf(k.ARN)}, {"GranteePrincipal", jsonOf(arn)}, {"Operations", jsonOf([]string{operation})}}
	return []change{{
		Edit: Edit{Op: OpGrant, Layer: decision.LayerGrant, Value: jsonOf(input),
			Words: "create a grant on " + s.b.keyName(k) + " for " + s.b.principalName(q.Principal) + " with the operation " + operation},
		question: func(q *decision.Question) error {
			q.Grants = append(slices.Clone(q.Grants), decision.Grant{
				ID: "proposed", Grantee: party, Operations: []string{operation}, IssuingAccount: k.Account,
			})
			return nil
		},
	}}
}
