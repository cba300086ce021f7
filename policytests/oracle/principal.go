package oracle

import (
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// principalVias tells by what a statement's Principal or NotPrincipal matches
// the caller, sorted; nil if it does not.
func principalVias(q *decision.Question, p decision.Policy, s *policy.Statement) []decision.Via {
	var vias []decision.Via
	for _, pr := range s.Principals {
		if v, ok := names(q, p, pr); ok {
			vias = append(vias, v)
		}
	}
	if s.NotPrincipal {
		return spare(q, p, s, vias)
	}
	slices.Sort(vias)
	return slices.Compact(vias)
}

// names tells whether an entry is the caller, and by what.
func names(q *decision.Question, p decision.Policy, pr policy.Principal) (decision.Via, bool) {
	w := q.Principal
	id := func() string { // unique ids: A-31
		if id, ok := p.Principals[pr.Text]; ok {
			return id
		}
		return pr.Text
	}
	switch pr.Type {
	case policy.Everyone:
		return decision.ViaEveryone, true
	case policy.Account:
		return decision.ViaAccount, w.Account != "" && w.Account == pr.Account
	case policy.User: // also the parent user of a federated session
		return decision.ViaUser, w.User != "" && w.User == id()
	case policy.Role: // all sessions of the role
		return decision.ViaRole, w.Role != "" && w.Role == id()
	case policy.RoleSession, policy.FederatedUser:
		return decision.ViaSession, w.Session != "" && w.Session == id()
	case policy.Service:
		return decision.ViaService, slices.Contains(w.Services, pr.Text)
	case policy.Federated: // providers speak in trust policies only
		return decision.ViaProvider, p.Document.Kind == policy.Trust && w.Provider != "" && w.Provider == pr.Text
	default: // a canonical user is nobody here
		return "", false
	}
}

// spare is NotPrincipal, with the entries that name the caller. An Allow is
// for whom no entry names. A Deny spares a caller only if its account, its
// role and its exact session or user are listed, and never one that has a
// permissions boundary.
func spare(q *decision.Question, p decision.Policy, s *policy.Statement, vias []decision.Via) []decision.Via {
	everyone := []decision.Via{decision.ViaEveryone}
	if s.Effect == policy.Allow {
		if len(vias) > 0 {
			return nil
		}
		return everyone
	}
	if q.Boundary != nil {
		return everyone
	}
	if slices.Contains(vias, decision.ViaEveryone) {
		return nil
	}
	for _, needed := range identities[q.Principal.Type] {
		if !slices.Contains(vias, needed) {
			return everyone
		}
	}
	return nil
}

// identities are all that a caller is, by type.
var identities = map[decision.PrincipalType][]decision.Via{
	decision.Root:              {decision.ViaAccount},
	decision.User:              {decision.ViaAccount, decision.ViaUser},
	decision.Role:              {decision.ViaAccount, decision.ViaRole, decision.ViaSession},
	decision.WebIdentity:       {decision.ViaAccount, decision.ViaRole, decision.ViaSession},
	decision.ServiceLinkedRole: {decision.ViaAccount, decision.ViaRole, decision.ViaSession},
	decision.Federated:         {decision.ViaAccount, decision.ViaSession},
	decision.Service:           {decision.ViaService},
}
