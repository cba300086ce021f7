package decisionlog

import (
	"github.com/keyreeve/keyreeve/engine/decision"
)

// An input is a question in the words of the schema "answer"
// (rego/lib/schema): all facts, and the attached policies by name. So a line
// can be asked again of a bundle that has policies of these names.
type input struct {
	Rule              string                `json:"rule"`
	Action            string                `json:"action"`
	CrossAccount      bool                  `json:"cross_account_possible"`
	Principal         principal             `json:"principal"`
	Resource          resource              `json:"resource"`
	Context           map[string][]string   `json:"context,omitempty"`
	EncryptionContext map[string]string     `json:"encryption_context,omitempty"`
	Policies          map[string][][]string `json:"policies,omitempty"`
	Grants            []grant               `json:"grants,omitempty"`
	Child             *child                `json:"child,omitempty"`
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
		Context:  make(map[string][]string, len(q.Context)), EncryptionContext: copied(q.EncryptionContext), Policies: attached(q),
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

// attached are the names of the policies by layer and level.
func attached(q decision.Question) map[string][][]string {
	all := map[string][][]string{string(decision.LayerIdentity): {names(q.Identity)}}
	for layer, p := range map[decision.Layer]*decision.Policy{
		decision.LayerEndpoint: q.Endpoint, decision.LayerBoundary: q.Boundary, decision.LayerResource: q.KeyPolicy,
	} {
		if p != nil {
			all[string(layer)] = [][]string{names([]decision.Policy{*p})}
		}
	}
	for layer, levels := range map[decision.Layer][][]decision.Policy{decision.LayerSCP: q.SCP, decision.LayerRCP: q.RCP} {
		if levels == nil {
			continue
		}
		list := make([][]string, len(levels))
		for i := range levels {
			list[i] = names(levels[i])
		}
		all[string(layer)] = list
	}
	if q.Session != nil {
		all[string(decision.LayerSession)] = [][]string{names(q.Session)}
	}
	return all
}

// names are ARNs where there are such.
func names(policies []decision.Policy) []string {
	list := make([]string, len(policies))
	for i, p := range policies {
		if list[i] = p.ARN; p.ARN == "" {
			list[i] = p.Name
		}
	}
	return list
}
