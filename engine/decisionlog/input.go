package decisionlog

import (
	"cmp"
	"encoding/json"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// An input is a question in the words of the schema "answer"
// (rego/lib/schema): all facts, and the attached policies by name. So a line
// can be asked again of a bundle that has policies of these names.
type input struct {
	Rule              string            `json:"rule"`
	Action            string            `json:"action"`
	CrossAccount      bool              `json:"cross_account_possible"`
	Principal         principal         `json:"principal"`
	Resource          resource          `json:"resource"`
	Context           conditions        `json:"context,omitempty"`
	EncryptionContext map[string]string `json:"encryption_context,omitempty"`
	Policies          policies          `json:"policies,omitzero"`
	Grants            []grant           `json:"grants,omitempty"`
	Child             *child            `json:"child,omitempty"`
}

type principal struct {
	Type       decision.PrincipalType `json:"type"`
	Account    string                 `json:"account,omitempty"`
	User       string                 `json:"user,omitempty"`
	Role       string                 `json:"role,omitempty"`
	Session    string                 `json:"session,omitempty"`
	Services   []string               `json:"services,omitempty"`
	Provider   string                 `json:"provider,omitempty"`
	Management bool                   `json:"management"`
}

type resource struct {
	ARN        string `json:"arn"`
	Account    string `json:"account"`
	Management bool   `json:"management"`
	AWSManaged bool   `json:"aws_managed"`
}

type grant struct {
	ID         string            `json:"id"`
	Grantee    *party            `json:"grantee"`
	Retiree    *party            `json:"retiree"`
	Issuer     string            `json:"issuer"`
	Operations []string          `json:"operations"`
	Equals     map[string]string `json:"equals"`
	Subset     map[string]string `json:"subset"`
}

type party struct {
	Via decision.Via `json:"via"`
	ID  string       `json:"id"`
}

type child struct {
	Operations []string          `json:"operations"`
	Equals     map[string]string `json:"equals"`
	Subset     map[string]string `json:"subset"`
}

// facts is a copy of what was asked, which may be changed.
func facts(q decision.Question) *input {
	p, r := q.Principal, q.Resource
	in := &input{
		Rule: q.Rule.String(), Action: q.Action, CrossAccount: q.CrossAccountPossible,
		Principal: principal{Type: p.Type, Account: p.Account, User: p.User, Role: p.Role, Session: p.Session,
			Services: p.Services, Provider: p.Provider, Management: p.Management},
		Resource: resource{ARN: r.ARN, Account: r.Account, Management: r.Management, AWSManaged: r.AWSManaged},
		Context:  make(conditions, len(q.Context)), EncryptionContext: copied(q.EncryptionContext), Policies: attached(&q),
	}
	for name, values := range q.Context {
		in.Context[name] = values
	}
	for _, g := range q.Grants {
		in.Grants = append(in.Grants, grant{
			ID: g.ID, Grantee: named(g.Grantee), Retiree: named(g.Retiree), Issuer: g.IssuingAccount, Operations: actions(g.Operations),
			Equals: copied(g.Equals), Subset: copied(g.Subset),
		})
	}
	if q.Child != nil {
		in.Child = &child{Operations: actions(q.Child.Operations), Equals: copied(q.Child.Equals), Subset: copied(q.Child.Subset)}
	}
	return in
}

// copied keeps nil, which is no constraint.
func copied(pairs map[string]string) map[string]string {
	if pairs == nil {
		return nil
	}
	own := make(map[string]string, len(pairs))
	for name, value := range pairs {
		own[name] = value
	}
	return own
}

func named(p decision.Party) *party {
	if p == (decision.Party{}) {
		return nil
	}
	return &party{Via: p.Via, ID: p.ID}
}

// actions names operations as actions.
func actions(operations []string) []string {
	names := make([]string, len(operations))
	for i, o := range operations {
		names[i] = "kms:" + o
	}
	return names
}

// policies are the names of those that are attached, by layer and level.
type policies struct {
	Boundary [][]string `json:"boundary,omitzero"`
	Endpoint [][]string `json:"endpoint,omitzero"`
	Identity [][]string `json:"identity,omitzero"`
	RCP      [][]string `json:"rcp,omitzero"`
	Resource [][]string `json:"resource,omitzero"`
	SCP      [][]string `json:"scp,omitzero"`
	Session  [][]string `json:"session,omitzero"`
}

// IsZero tells whether they were left out.
func (p policies) IsZero() bool { return p.Identity == nil }

func attached(q *decision.Question) policies {
	p := policies{
		Boundary: single(q.Boundary), Endpoint: single(q.Endpoint), Resource: single(q.KeyPolicy),
		Identity: [][]string{names(q.Identity)}, RCP: levels(q.RCP), SCP: levels(q.SCP),
	}
	if q.Session != nil {
		p.Session = [][]string{names(q.Session)}
	}
	return p
}

func single(p *decision.Policy) [][]string {
	if p == nil {
		return nil
	}
	return [][]string{{label(p)}}
}

func levels(all [][]decision.Policy) [][]string {
	if all == nil {
		return nil
	}
	list := make([][]string, len(all))
	for i := range all {
		list[i] = names(all[i])
	}
	return list
}

func names(policies []decision.Policy) []string {
	list := make([]string, len(policies))
	for i := range policies {
		list[i] = label(&policies[i])
	}
	return list
}

// label is the ARN where there is one.
func label(p *decision.Policy) string { return cmp.Or(p.ARN, p.Name) }

// conditions is a map that is written with few allocations.
type conditions map[string][]string

// MarshalJSON writes names in order, as encoding/json does.
func (c conditions) MarshalJSON() ([]byte, error) {
	size := 2
	for name, values := range c {
		size += len(name) + 6
		for _, v := range values {
			size += len(v) + 3
		}
	}
	b := append(make([]byte, 0, size), '{')
	for i, name := range sortedNames(c) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':', '[')
		for j, v := range c[name] {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendText(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}'), nil
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...) // a string always has a JSON form
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
