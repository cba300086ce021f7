package analysis

import (
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// vias is a set of ways in which a statement matches a caller.
type vias uint16

const (
	byEveryone vias = 1 << iota
	byAccount
	byUser
	byRole
	bySession
	byService
	byProvider
	byPolicy
)

// actionIndex numbers the actions of policy.Actions.
var actionIndex = func() map[string]int {
	m := make(map[string]int, len(policy.Actions))
	for i, a := range policy.Actions {
		m[a.Name] = i
	}
	return m
}()

// A document is a policy taken apart for the analysis.
type document struct {
	policy     decision.Policy
	statements []*statement
}

// A statement of a document.
type statement struct {
	doc     *document
	source  *policy.Statement
	actions []bool // by number
	// Principals; a policy of a kind without them is for everybody.
	anybody    bool
	everyone   bool
	principals []party
	// resource is nil where the element takes every resource.
	resource   *condition
	dead       bool // it can match nothing
	conditions []*condition
}

// A party is a principal that a statement names.
type party struct {
	via vias
	id  string
}

func newDocument(p decision.Policy) *document {
	d := &document{policy: p}
	k := p.Document.Kind
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		out := &statement{doc: d, source: s, anybody: !k.HasPrincipal(), actions: make([]bool, len(policy.Actions))}
		for _, v := range s.Actions {
			for _, name := range policy.ExpandAction(v.Text) {
				out.actions[actionIndex[name]] = true
			}
		}
		if s.NotAction {
			for i := range out.actions {
				out.actions[i] = !out.actions[i]
			}
		}
		if k != policy.Trust {
			out.resources(s)
		}
		out.parties(p)
		for j := range s.Conditions {
			c := newCondition(k, s.Effect, &s.Conditions[j])
			c.of = out
			out.conditions = append(out.conditions, c)
		}
		d.statements = append(d.statements, out)
	}
	return d
}

// resources reads the Resource element.
func (s *statement) resources(source *policy.Statement) {
	if s.dead = !source.HasResource; s.dead {
		return
	}
	star := slices.ContainsFunc(source.Resources, func(v policy.Value) bool { return v.Text == "*" })
	if !star || source.NotResource {
		s.resource = newResource(s.doc.policy.Document.Kind, source)
		s.resource.of = s
	}
}

// parties reads the Principal or NotPrincipal element.
func (s *statement) parties(p decision.Policy) {
	id := func(text string) string {
		if id, ok := p.Principals[text]; ok {
			return id
		}
		return text
	}
	for _, x := range s.source.Principals {
		switch x.Type {
		case policy.Everyone:
			s.everyone = true
		case policy.Account:
			s.principals = append(s.principals, party{byAccount, x.Account})
		case policy.User:
			s.principals = append(s.principals, party{byUser, id(x.Text)})
		case policy.Role:
			s.principals = append(s.principals, party{byRole, id(x.Text)})
		case policy.RoleSession, policy.FederatedUser:
			s.principals = append(s.principals, party{bySession, id(x.Text)})
		case policy.Service:
			s.principals = append(s.principals, party{byService, x.Text})
		case policy.Federated:
			if p.Document.Kind == policy.Trust { // elsewhere it names nobody (A-13 a)
				s.principals = append(s.principals, party{byProvider, x.Text})
			}
		}
	}
}

// names tells whether a party is the caller.
func (x party) names(w *decision.Principal) bool {
	switch x.via {
	case byAccount:
		return w.Account != "" && w.Account == x.id
	case byUser:
		return w.User != "" && w.User == x.id
	case byRole:
		return w.Role != "" && w.Role == x.id
	case bySession:
		return w.Session != "" && w.Session == x.id
	case byService:
		return slices.Contains(w.Services, x.id)
	case byProvider:
		return w.Provider != "" && w.Provider == x.id
	default:
		return false
	}
}

// matched tells in which ways the statement matches a caller; none if it does
// not.
func (s *statement) matched(w *decision.Principal, bounded bool) vias {
	if s.anybody {
		return byPolicy
	}
	var named vias
	if s.everyone {
		named = byEveryone
	}
	for _, x := range s.principals {
		if named&x.via == 0 && x.names(w) {
			named |= x.via
		}
	}
	if !s.source.NotPrincipal {
		return named
	}
	switch {
	case s.source.Effect == policy.Allow && named != 0:
		return 0
	case s.source.Effect == policy.Allow:
		return byEveryone
	case bounded:
		return byEveryone
	case named&byEveryone != 0 || named&whole[w.Type] == whole[w.Type]:
		return 0
	default:
		return byEveryone
	}
}

// whole is what must be named of a caller for a Deny with NotPrincipal to
// spare it.
var whole = map[decision.PrincipalType]vias{
	decision.Root:              byAccount,
	decision.User:              byAccount | byUser,
	decision.Role:              byAccount | byRole | bySession,
	decision.WebIdentity:       byAccount | byRole | bySession,
	decision.ServiceLinkedRole: byAccount | byRole | bySession,
	decision.Federated:         byAccount | bySession,
	decision.Service:           byService,
}
