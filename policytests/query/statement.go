package query

import (
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// added are new statements for a level of a layer: in each policy that can be
// edited, or in a policy of its own.
func (s *search) added(q *decision.Question, layer decision.Layer, level int, targets []target) []change {
	var all []change
	for _, t := range targets {
		for _, n := range s.news(q, t.policy.Document.Kind) {
			r, err := extended(t.policy.Document, n.statement)
			e := s.edit(OpStatement, t, policy.Pos{})
			e.Path, e.Line = "", 0
			e.Words = "add to the " + s.titled(t) + " a statement that " + n.words
			if c, ok := s.rewritten(e, t, r, err); ok {
				all = append(all, c)
			}
		}
		if layer == decision.LayerIdentity {
			return all // one policy of the caller is enough
		}
	}
	if layer == decision.LayerIdentity {
		all = append(all, s.attached(q)...)
	}
	return all
}

// titled names a policy.
func (s *search) titled(t target) string {
	switch t.layer {
	case decision.LayerResource:
		return s.kind(t)
	case decision.LayerEndpoint:
		return "policy of the VPC endpoint"
	}
	return inLayer[t.layer] + " " + t.policy.Name
}

// A news is a statement that would allow.
type news struct {
	statement object
	words     string
}

// news are the statements of a kind of policy that would allow the request.
func (s *search) news(q *decision.Question, kind policy.Kind) []news {
	who := s.b.principalName(q.Principal)
	begin := object{{"Effect", jsonOf("Allow")}}
	action := member{"Action", jsonOf(q.Action)}
	switch kind {
	case policy.SCP:
		return []news{{append(begin, action, member{"Resource", jsonOf("*")}), "allows " + q.Action}}
	case policy.Endpoint:
		return []news{{append(begin, member{"Principal", jsonOf("*")}, action, member{"Resource", jsonOf(resourceIn(q))}), "allows " + q.Action + " on " + s.b.resourceName(q)}}
	case policy.Key, policy.Trust:
		return s.newsOfResource(q, kind, who)
	}
	return []news{{append(begin, action, member{"Resource", jsonOf(resourceIn(q))}), "allows " + q.Action + " on " + s.b.resourceName(q)}}
}

// newsOfResource names the caller, and within the account also delegates to IAM
// policies.
func (s *search) newsOfResource(q *decision.Question, kind policy.Kind, who string) []news {
	statement := func(kindOf, arn string) object {
		o := object{{"Effect", jsonOf("Allow")}, {"Principal", jsonOf(map[string]string{kindOf: arn})}, {"Action", jsonOf(q.Action)}}
		if kind == policy.Key {
			o = append(o, member{"Resource", jsonOf("*")})
		}
		if account := q.Context["aws:sourceaccount"]; kindOf == "Service" && len(account) == 1 {
			o = append(o, member{"Condition", jsonOf(map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": account[0]}})})
		}
		return o
	}
	var all []news
	if kindOf, arn := s.principal(q); arn != "" {
		all = append(all, news{statement(kindOf, arn), "allows " + who + " " + q.Action})
	}
	if q.Principal.Type == decision.Role && (q.Boundary != nil || q.Session != nil) && !foreign(q) {
		all = append(all, news{statement("AWS", q.Principal.ARN), "allows this session of " + who + " " + q.Action})
	}
	if q.Principal.Type != decision.Root && q.Principal.Type != decision.Service {
		root := "arn:" + s.b.cfg.World.Partition() + ":iam::" + q.Principal.Account + ":root"
		all = append(all, news{statement("AWS", root), "leaves " + q.Action + " to the IAM policies of account " + s.b.accountName(q.Principal.Account)})
	}
	return all
}

// attached is an IAM policy that the caller gets.
func (s *search) attached(q *decision.Question) []change {
	switch q.Principal.Type {
	case decision.User, decision.Role, decision.WebIdentity, decision.Federated:
	default:
		return nil // root needs none, services and service-linked roles cannot have one
	}
	n := s.news(q, policy.Identity)[0]
	text := string(jsonOf(object{{"Version", jsonOf(policy.Version2012)}, {"Statement", jsonOf([]object{n.statement})}}))
	p, err := s.parse(decision.Policy{Name: "new", Owner: q.Principal.Account, Document: &policy.Document{Kind: policy.Identity}}, text)
	if err != nil {
		return nil
	}
	who := s.b.principalName(q.Principal)
	e := Edit{Op: OpStatement, Layer: decision.LayerIdentity, Value: []byte(text), Words: "give " + who + " an IAM policy that " + n.words}
	t := target{layer: decision.LayerIdentity}
	return []change{{Edit: e, question: func(q *decision.Question) error {
		t.index = len(q.Identity)
		return place(q, t, p)
	}}}
}
