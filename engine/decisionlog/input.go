package decisionlog

import (
	"cmp"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// An input is a question in the words of the schema "answer"
// (rego/lib/schema): all facts, and the attached policies by name. So a line
// can be asked again of a bundle that has policies of these names.
type input struct {
	Rule              string
	Action            string
	CrossAccount      bool
	Principal         principal
	Resource          resource
	Context           map[string][]string
	EncryptionContext map[string]string
	Policies          policies
	Grants            []grant
	Child             *child

	masked bool // the values of encryption contexts are not written
}

type principal struct {
	Type       decision.PrincipalType
	Account    string
	User       string
	Role       string
	Session    string
	Services   []string
	Provider   string
	Management bool
}

type resource struct {
	ARN        string
	Account    string
	Management bool
	AWSManaged bool
}

type grant struct {
	ID         string
	Grantee    *party
	Retiree    *party
	Issuer     string
	Operations []string
	Equals     map[string]string
	Subset     map[string]string
}

type party struct {
	Via decision.Via
	ID  string
}

type child struct {
	Operations []string
	Equals     map[string]string
	Subset     map[string]string
}

// facts is what was asked. It shares the maps of the question.
func facts(q decision.Question) *input {
	p, r := q.Principal, q.Resource
	in := &input{
		Rule: q.Rule.String(), Action: q.Action, CrossAccount: q.CrossAccountPossible,
		Principal: principal{Type: p.Type, Account: p.Account, User: p.User, Role: p.Role, Session: p.Session,
			Services: p.Services, Provider: p.Provider, Management: p.Management},
		Resource: resource{ARN: r.ARN, Account: r.Account, Management: r.Management, AWSManaged: r.AWSManaged},
		Context:  q.Context, EncryptionContext: q.EncryptionContext, Policies: attached(&q),
	}
	for _, g := range q.Grants {
		in.Grants = append(in.Grants, grant{
			ID: g.ID, Grantee: named(g.Grantee), Retiree: named(g.Retiree), Issuer: g.IssuingAccount, Operations: actions(g.Operations),
			Equals: g.Equals, Subset: g.Subset,
		})
	}
	if q.Child != nil {
		in.Child = &child{Operations: actions(q.Child.Operations), Equals: q.Child.Equals, Subset: q.Child.Subset}
	}
	return in
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
	Boundary [][]string
	Endpoint [][]string
	Identity [][]string
	RCP      [][]string
	Resource [][]string
	SCP      [][]string
	Session  [][]string
}

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
