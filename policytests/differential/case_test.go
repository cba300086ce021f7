package differential

import (
	"encoding/json"
	"fmt"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Case is a question with its policies as text, so that it can be written
// down and taken apart. As in decision.Question, nil and empty layers differ.
type Case struct {
	Note              string `json:",omitempty"`
	Rule              string
	Action            string
	CrossAccount      bool // the action can be used across accounts
	Resource          decision.Resource
	Principal         decision.Principal
	Context           map[string][]string
	EncryptionContext map[string]string
	Identity          []Policy
	Boundary          *Policy
	Session           []Policy
	SCP, RCP          [][]Policy
	Endpoint          *Policy
	Resourced         *Policy `json:"ResourcePolicy"`
	Grants            []decision.Grant
	Child             *decision.Child
	Want              *Want `json:",omitempty"` // of a regression
}

// Want is the answer that the requirements give.
type Want struct {
	Allowed bool
	Reason  decision.Reason
	Layer   decision.Layer
}

// A Policy is a document by its parts.
type Policy struct {
	Name       string
	Kind       string
	Document   Document
	Principals map[string]string // ARN to unique id when it was stored

	parsed *policy.Document
}

// A Document marshals to the text of a policy.
type Document struct {
	Version   string `json:",omitempty"`
	Statement []Statement
}

// A Statement of a Document.
type Statement struct {
	Sid          string                         `json:",omitempty"`
	Effect       string                         `json:",omitempty"`
	Principal    *Who                           `json:",omitempty"`
	NotPrincipal *Who                           `json:",omitempty"`
	Action       []string                       `json:",omitempty"`
	NotAction    []string                       `json:",omitempty"`
	Resource     []string                       `json:",omitempty"`
	NotResource  []string                       `json:",omitempty"`
	Condition    map[string]map[string][]string `json:",omitempty"`
}

// Who is a Principal element: "*" if it is empty.
type Who struct {
	AWS           []string `json:",omitempty"`
	Service       []string `json:",omitempty"`
	Federated     []string `json:",omitempty"`
	CanonicalUser []string `json:",omitempty"`
}

type plainWho Who

func (w Who) everyone() bool {
	return len(w.AWS)+len(w.Service)+len(w.Federated)+len(w.CanonicalUser) == 0
}

// MarshalJSON writes "*" or the object.
func (w Who) MarshalJSON() ([]byte, error) {
	if w.everyone() {
		return []byte(`"*"`), nil
	}
	return json.Marshal(plainWho(w))
}

// UnmarshalJSON reads "*" or the object.
func (w *Who) UnmarshalJSON(b []byte) error {
	if string(b) == `"*"` {
		*w = Who{}
		return nil
	}
	return json.Unmarshal(b, (*plainWho)(w))
}

// parse reads the policy's document; a second call has it already.
func (p *Policy) parse() error {
	if p.parsed != nil {
		return nil
	}
	kind, ok := policy.KindOf(p.Kind)
	if !ok {
		return fmt.Errorf("policy %s: no kind %q", p.Name, p.Kind)
	}
	text, err := json.Marshal(p.Document)
	if err != nil {
		return fmt.Errorf("policy %s: %w", p.Name, err)
	}
	if p.parsed, err = policy.Parse(kind, text); err != nil {
		return fmt.Errorf("policy %s: %w", p.Name, err)
	}
	return nil
}

// owner is whom all policies of a case belong to: who reads the evidence in
// full does not depend on it.
const owner = home

func (p *Policy) decided() (decision.Policy, error) {
	if err := p.parse(); err != nil {
		return decision.Policy{}, err
	}
	return decision.Policy{Name: p.Name, Owner: owner, Document: p.parsed, Principals: p.Principals}, nil
}

var ruleNames = func() map[string]decision.Rule {
	names := map[string]decision.Rule{}
	for r := decision.KeyPolicy; r <= decision.Trust; r++ {
		names[r.String()] = r
	}
	return names
}()

// question is the case as engine and oracle take it.
func (c *Case) question() (*decision.Question, error) {
	q := &decision.Question{
		Rule: ruleNames[c.Rule], Action: c.Action, CrossAccountPossible: c.CrossAccount, Resource: c.Resource, Principal: c.Principal,
		Context: c.Context, EncryptionContext: c.EncryptionContext, Grants: c.Grants, Child: c.Child,
	}
	var b builder
	q.Identity, q.Session = b.list(c.Identity), b.list(c.Session)
	q.Boundary, q.Endpoint, q.KeyPolicy = b.one(c.Boundary), b.one(c.Endpoint), b.one(c.Resourced)
	q.SCP, q.RCP = b.levels(c.SCP), b.levels(c.RCP)
	return q, b.err
}

// A builder turns policies into those of a question and keeps the first error.
type builder struct{ err error }

func (b *builder) one(p *Policy) *decision.Policy {
	if p == nil {
		return nil
	}
	d, err := p.decided()
	if b.err == nil {
		b.err = err
	}
	return &d
}

func (b *builder) list(policies []Policy) []decision.Policy {
	if policies == nil {
		return nil
	}
	list := []decision.Policy{}
	for i := range policies {
		list = append(list, *b.one(&policies[i]))
	}
	return list
}

func (b *builder) levels(levels [][]Policy) [][]decision.Policy {
	if levels == nil {
		return nil
	}
	out := [][]decision.Policy{}
	for _, l := range levels {
		list := b.list(l)
		if list == nil {
			list = []decision.Policy{}
		}
		out = append(out, list)
	}
	return out
}

// attached lists the policies of a case with their layers.
func (c *Case) attached(visit func(l decision.Layer, p *Policy)) {
	for _, s := range []struct {
		layer  decision.Layer
		levels [][]Policy
	}{{decision.LayerSCP, c.SCP}, {decision.LayerRCP, c.RCP}, {decision.LayerSession, [][]Policy{c.Session}},
		{decision.LayerIdentity, [][]Policy{c.Identity}}} {
		for _, level := range s.levels {
			for i := range level {
				visit(s.layer, &level[i])
			}
		}
	}
	for _, s := range []struct {
		layer  decision.Layer
		policy *Policy
	}{{decision.LayerEndpoint, c.Endpoint}, {decision.LayerBoundary, c.Boundary}, {decision.LayerResource, c.Resourced}} {
		if s.policy != nil {
			visit(s.layer, s.policy)
		}
	}
}
