// Package question reads self-contained questions as JSON and writes their
// decisions: batch use of the engine, and a way to compare another
// implementation with it.
package question

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Schema is the JSON Schema of a question.
//
//go:embed schema.json
var Schema []byte

// A Question is one line of input; schema.json describes it.
type Question struct {
	ID       string            `json:"id,omitempty"` // given back with the decision
	Rule     string            `json:"rule"`
	Action   string            `json:"action"`
	Resource Resource          `json:"resource"`
	Caller   Principal         `json:"principal"`
	Context  map[string]values `json:"context,omitempty"`
	Pairs    map[string]string `json:"encryptionContext,omitempty"`
	Policies Policies          `json:"policies"`
	Grants   []Grant           `json:"grants,omitempty"`
	Child    *Child            `json:"child,omitempty"`
	IDs      map[string]string `json:"principals,omitempty"` // ARN to unique id, for all policies
}

// A Resource is what is asked about.
type Resource struct {
	ARN        string `json:"arn"`
	Account    string `json:"account,omitempty"`
	OrgID      string `json:"orgId,omitempty"`
	Management bool   `json:"managementAccount,omitempty"`
	AWSManaged bool   `json:"awsManaged,omitempty"`
}

// A Principal is the caller. Where no unique id is given, its ARN is the id.
type Principal struct {
	Type       string   `json:"type"`
	ARN        string   `json:"arn"`
	Account    string   `json:"account,omitempty"`
	User       string   `json:"user,omitempty"`
	Role       string   `json:"role,omitempty"`
	Session    string   `json:"session,omitempty"`
	Services   []string `json:"services,omitempty"`
	Provider   string   `json:"provider,omitempty"`
	OrgID      string   `json:"orgId,omitempty"`
	Management bool     `json:"managementAccount,omitempty"`
}

// Policies are the documents by layer. A layer that is absent is not attached;
// one that is an empty list is attached and allows nothing.
type Policies struct {
	Resource *document    `json:"resource,omitempty"`
	Identity []document   `json:"identity,omitempty"`
	Boundary *document    `json:"boundary,omitempty"`
	Session  []document   `json:"session"`
	Endpoint *document    `json:"endpoint,omitempty"`
	SCP      [][]document `json:"scp"`
	RCP      [][]document `json:"rcp"`
}

// A Grant is a grant on the key.
type Grant struct {
	ID             string            `json:"id"`
	Grantee        Party             `json:"grantee"`
	Retiree        Party             `json:"retiree,omitzero"`
	Operations     []string          `json:"operations"`
	Equals         map[string]string `json:"encryptionContextEquals"`
	Subset         map[string]string `json:"encryptionContextSubset"`
	IssuingAccount string            `json:"issuingAccount,omitempty"`
}

// A Party is a grantee or retiring principal.
type Party struct {
	Via string `json:"via"`
	ID  string `json:"id"`
}

// A Child is the grant that a CreateGrant asks for.
type Child struct {
	Operations []string          `json:"operations"`
	Equals     map[string]string `json:"encryptionContextEquals"`
	Subset     map[string]string `json:"encryptionContextSubset"`
}

// A document is a policy: the JSON object itself.
type document json.RawMessage

// UnmarshalJSON keeps the text, so that its faults have positions.
func (d *document) UnmarshalJSON(b []byte) error {
	*d = slices.Clone(b)
	return nil
}

// MarshalJSON gives the text back.
func (d document) MarshalJSON() ([]byte, error) { return d, nil }

// values are those of one condition key: a scalar or a list of them.
type values []string

// UnmarshalJSON takes a string, number or boolean, or a list of them.
func (v *values) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if len(b) == 0 || b[0] != '[' {
		list = []json.RawMessage{b}
	} else if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*v = values{}
	for _, raw := range list {
		text, err := scalar(raw)
		if err != nil {
			return err
		}
		*v = append(*v, text)
	}
	return nil
}

func scalar(raw json.RawMessage) (string, error) {
	switch {
	case len(raw) > 0 && raw[0] == '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	case bytes.ContainsAny(raw[:min(1, len(raw))], "-0123456789tf"):
		return string(raw), nil
	}
	return "", fmt.Errorf("the value of a condition key is a string, number or boolean, not %.20s", raw)
}

// rules are the names of the rules of evaluation.
var rules = map[string]decision.Rule{
	"key_policy": decision.KeyPolicy, "identity_only": decision.IdentityOnly, "grant": decision.GrantOnly, "trust": decision.Trust,
}

// A reader turns questions into those of the engine, and keeps the documents
// that it has parsed.
type reader struct {
	parsed map[string]*policy.Document
}

// maxParsed bounds the documents that a reader keeps.
const maxParsed = 10_000

// Asked is what q asks the engine.
func (q Question) Asked() (decision.Question, error) { return (&reader{}).read(q) }

// missing lists the fields that each question has, and this one lacks.
func (q Question) missing() (names []string) {
	for _, f := range []struct{ name, value string }{
		{"rule", q.Rule}, {"action", q.Action}, {"resource.arn", q.Resource.ARN}, {"principal.type", q.Caller.Type}, {"principal.arn", q.Caller.ARN},
	} {
		if f.value == "" {
			names = append(names, f.name)
		}
	}
	return names
}

func (r *reader) read(q Question) (decision.Question, error) {
	if names := q.missing(); len(names) > 0 {
		return decision.Question{}, fmt.Errorf("the question lacks %s; keyreeve decide --help shows a complete one", strings.Join(names, ", "))
	}
	rule, known := rules[q.Rule]
	if !known {
		return decision.Question{}, fmt.Errorf("rule: %q is not one of %s", q.Rule, strings.Join(slices.Sorted(maps.Keys(rules)), ", "))
	}
	action, known := policy.ActionNamed(q.Action)
	if !known {
		return decision.Question{}, fmt.Errorf("action: there is no action %q", q.Action)
	}
	out := decision.Question{
		Rule: rule, Action: action.Name, CrossAccountPossible: action.CrossAccount || rule == decision.Trust,
		Resource: decision.Resource{
			ARN: q.Resource.ARN, Account: q.Resource.Account, OrgID: q.Resource.OrgID, Management: q.Resource.Management, AWSManaged: q.Resource.AWSManaged,
		},
		Principal: q.Caller.decided(), Context: map[string][]string{}, EncryptionContext: q.Pairs,
	}
	if out.Resource.Account == "" {
		out.Resource.Account = accountOf(q.Resource.ARN, q.Caller.Account)
	}
	for name, list := range q.Context {
		if len(list) > 0 {
			key := strings.ToLower(name)
			out.Context[key] = append(out.Context[key], canonical(name, list)...)
		}
	}
	for _, g := range q.Grants {
		out.Grants = append(out.Grants, decision.Grant{
			ID: g.ID, Grantee: g.Grantee.decided(), Retiree: g.Retiree.decided(), Operations: g.Operations,
			Equals: g.Equals, Subset: g.Subset, IssuingAccount: g.IssuingAccount,
		})
	}
	if q.Child != nil {
		out.Child = &decision.Child{Operations: q.Child.Operations, Equals: q.Child.Equals, Subset: q.Child.Subset}
	}
	return out, r.layers(&out, q)
}

// canonical writes the truth values of a condition key as the engine does:
// Python and others say True.
func canonical(key string, list values) []string {
	if k, ok := policy.ConditionKeyNamed(key); !ok || k.Type != policy.BoolType {
		return list
	}
	same := slices.Clone(list)
	for i, text := range same {
		if lower := strings.ToLower(text); lower == "true" || lower == "false" {
			same[i] = lower
		}
	}
	return same
}

func (p Party) decided() decision.Party { return decision.Party{Via: decision.Via(p.Via), ID: p.ID} }

// accountOf is the account in an ARN; for "*" that of the caller.
func accountOf(arn, caller string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return caller
	}
	return parts[4]
}

// decided is the principal as the engine knows it. Where the question gives no
// unique id, the ARN is one.
func (p Principal) decided() decision.Principal {
	out := decision.Principal{
		Type: decision.PrincipalType(p.Type), Account: p.Account, User: p.User, Role: p.Role, Session: p.Session,
		Services: p.Services, Provider: p.Provider, ARN: p.ARN, OrgID: p.OrgID, Management: p.Management,
	}
	if out.Account == "" && out.Type != decision.Service {
		out.Account = accountOf(p.ARN, "")
	}
	switch out.Type {
	case decision.User:
		if out.User == "" {
			out.User = p.ARN
		}
	case decision.Role, decision.WebIdentity, decision.ServiceLinkedRole, decision.Federated:
		if out.Session == "" {
			out.Session = p.ARN
		}
	}
	return out
}

// layers parses the documents of all layers.
func (r *reader) layers(out *decision.Question, q Question) (err error) {
	kind := policy.Key
	if out.Rule == decision.Trust {
		kind = policy.Trust
	}
	if out.KeyPolicy, err = r.optional("resource", kind, q.Policies.Resource, q.IDs); err != nil {
		return err
	}
	if out.Boundary, err = r.optional("boundary", policy.Boundary, q.Policies.Boundary, q.IDs); err != nil {
		return err
	}
	if out.Endpoint, err = r.optional("endpoint", policy.Endpoint, q.Policies.Endpoint, q.IDs); err != nil {
		return err
	}
	if out.Identity, err = r.list("identity", policy.Identity, q.Policies.Identity, q.IDs); err != nil {
		return err
	}
	if out.Session, err = r.list("session", policy.Session, q.Policies.Session, q.IDs); err != nil {
		return err
	}
	if out.SCP, err = r.levels("scp", policy.SCP, q.Policies.SCP, q.IDs); err != nil {
		return err
	}
	out.RCP, err = r.levels("rcp", policy.RCP, q.Policies.RCP, q.IDs)
	return err
}

func (r *reader) levels(layer string, kind policy.Kind, levels [][]document, ids map[string]string) ([][]decision.Policy, error) {
	if levels == nil {
		return nil, nil
	}
	out := [][]decision.Policy{}
	for i, level := range levels {
		list, err := r.list(fmt.Sprintf("%s[%d]", layer, i), kind, level, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, list)
	}
	return out, nil
}

func (r *reader) list(layer string, kind policy.Kind, docs []document, ids map[string]string) ([]decision.Policy, error) {
	if docs == nil {
		return nil, nil
	}
	out := []decision.Policy{}
	for i, d := range docs {
		p, err := r.policy(fmt.Sprintf("%s[%d]", layer, i), kind, d, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (r *reader) optional(layer string, kind policy.Kind, d *document, ids map[string]string) (*decision.Policy, error) {
	if d == nil {
		return nil, nil
	}
	p, err := r.policy(layer, kind, *d, ids)
	return &p, err
}

func (r *reader) policy(layer string, kind policy.Kind, d document, ids map[string]string) (decision.Policy, error) {
	key := fmt.Sprintf("%d\x00%s", kind, d)
	doc, kept := r.parsed[key]
	if !kept {
		var err error
		if doc, err = policy.Parse(kind, d); err != nil {
			return decision.Policy{}, fmt.Errorf("policies.%s: %w", layer, err)
		}
		if r.parsed == nil || len(r.parsed) >= maxParsed {
			r.parsed = map[string]*policy.Document{}
		}
		r.parsed[key] = doc
	}
	return decision.Policy{Name: layer, Document: doc, Principals: bind(doc, ids)}, nil
}

// bind gives each principal that a document names its unique id; one without
// stands for itself.
func bind(doc *policy.Document, ids map[string]string) map[string]string {
	bound := map[string]string{}
	for _, p := range doc.Principals() {
		bound[p.Text] = cmp.Or(ids[p.Text], p.Text)
	}
	return bound
}
