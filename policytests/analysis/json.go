package analysis

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/question"
)

// questionJSON writes a question in the form of engine/question, with the
// documents as they were written.
func questionJSON(q *decision.Question) (json.RawMessage, error) {
	out := map[string]any{
		"rule": q.Rule.String(), "action": q.Action, "context": q.Context, "policies": policiesJSON(q),
		"resource": question.Resource{ARN: q.Resource.ARN, Account: q.Resource.Account, OrgID: q.Resource.OrgID,
			Management: q.Resource.Management, AWSManaged: q.Resource.AWSManaged},
		"principal": question.Principal{
			Type: string(q.Principal.Type), ARN: q.Principal.ARN, Account: q.Principal.Account, User: q.Principal.User, Role: q.Principal.Role,
			Session: q.Principal.Session, Services: q.Principal.Services, Provider: q.Principal.Provider, OrgID: q.Principal.OrgID,
			Management: q.Principal.Management,
		},
	}
	if len(q.EncryptionContext) > 0 {
		out["encryptionContext"] = q.EncryptionContext
	}
	if ids := principalsOf(q); len(ids) > 0 {
		out["principals"] = ids
	}
	var grants []question.Grant
	for _, g := range q.Grants {
		grants = append(grants, question.Grant{ID: g.ID, Grantee: partyJSON(g.Grantee), Retiree: partyJSON(g.Retiree), Operations: g.Operations,
			Equals: g.Equals, Subset: g.Subset, IssuingAccount: g.IssuingAccount})
	}
	if grants != nil {
		out["grants"] = grants
	}
	if q.Child != nil {
		out["child"] = question.Child{Operations: q.Child.Operations, Equals: q.Child.Equals, Subset: q.Child.Subset}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("writing the question: %w", err)
	}
	return text, nil
}

func partyJSON(p decision.Party) question.Party { return question.Party{Via: string(p.Via), ID: p.ID} }

// policiesJSON are the documents by layer; a layer that is not attached is
// absent.
func policiesJSON(q *decision.Question) map[string]any {
	out := map[string]any{}
	one := func(name string, p *decision.Policy) {
		if p != nil {
			out[name] = json.RawMessage(p.Document.Text)
		}
	}
	list := func(all []decision.Policy) []json.RawMessage {
		texts := []json.RawMessage{}
		for _, p := range all {
			texts = append(texts, json.RawMessage(p.Document.Text))
		}
		return texts
	}
	levels := func(name string, all [][]decision.Policy) {
		if all == nil {
			return
		}
		texts := [][]json.RawMessage{}
		for _, l := range all {
			texts = append(texts, list(l))
		}
		out[name] = texts
	}
	one("resource", q.KeyPolicy)
	one("boundary", q.Boundary)
	one("endpoint", q.Endpoint)
	if q.Identity != nil {
		out["identity"] = list(q.Identity)
	}
	if q.Session != nil {
		out["session"] = list(q.Session)
	}
	levels("scp", q.SCP)
	levels("rcp", q.RCP)
	return out
}

// principalsOf are the unique ids of all principals that the policies name.
func principalsOf(q *decision.Question) map[string]string {
	ids := map[string]string{}
	take := func(all ...decision.Policy) {
		for _, p := range all {
			maps.Copy(ids, p.Principals)
		}
	}
	for _, p := range []*decision.Policy{q.KeyPolicy, q.Endpoint} {
		if p != nil {
			take(*p)
		}
	}
	for _, level := range q.RCP {
		take(level...)
	}
	return ids
}
