package decision

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

var errQuestion = errors.New("malformed question")

// malformed makes the error for a question that cannot be decided. It names
// fields, never their values.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errQuestion}, args...)...)
}

// validate refuses questions that would be decided on missing facts.
func (q *Question) validate() error {
	switch {
	case q.Rule < KeyPolicy || q.Rule > Trust:
		return malformed("no rule")
	case q.Action == "" || q.Resource.ARN == "" || q.Resource.Account == "":
		return malformed("action, resource and its account are required")
	case q.Rule == GrantOnly && q.Action != retireGrant:
		return malformed("the rule of grants is for %s only", retireGrant)
	case q.Rule != GrantOnly && q.Action == retireGrant:
		return malformed("%s has a rule of its own", retireGrant)
	}
	if err := q.Principal.validate(); err != nil {
		return err
	}
	for i := range q.Grants {
		if q.Grants[i].ID == "" {
			return malformed("grant %d has no id", i)
		}
	}
	return nil
}

// validateContext refuses condition keys that no policy would find.
func (q *Question) validateContext() error {
	for name, values := range q.Context {
		if len(values) == 0 || name != strings.ToLower(name) {
			return malformed("a condition key is not in lower case or has no value")
		}
	}
	return nil
}

const retireGrant = "kms:RetireGrant"

// required says which fields of a principal must be set, and may be, by type.
// Only the user of a federated session may be either: it lacks the one that
// the root user began.
var required = map[PrincipalType]struct{ account, user, role, session, services bool }{
	Root:              {account: true},
	User:              {account: true, user: true},
	Role:              {account: true, role: true, session: true},
	Federated:         {account: true, user: true, session: true},
	WebIdentity:       {account: true, role: true, session: true},
	ServiceLinkedRole: {account: true, role: true, session: true},
	Service:           {services: true},
}

func (p *Principal) validate() error {
	want, ok := required[p.Type]
	if !ok {
		return malformed("no such type of principal")
	}
	for _, f := range []struct {
		name      string
		set, want bool
	}{
		{"account", p.Account != "", want.account},
		{"user", p.User != "", want.user},
		{"role", p.Role != "", want.role},
		{"session", p.Session != "", want.session},
		{"services", len(p.Services) > 0, want.services},
	} {
		if f.set != f.want && (p.Type != Federated || f.name != "user") {
			return malformed("a principal of type %s with or without %s", p.Type, f.name)
		}
	}
	if slices.Contains(p.Services, "") {
		return malformed("a service without name")
	}
	return nil
}

// kinds says which kinds of documents a layer may hold. Managed policies are
// identity policies also where they serve as boundary or session policy.
var kinds = map[Layer][]policy.Kind{
	LayerSCP:      {policy.SCP},
	LayerRCP:      {policy.RCP},
	LayerEndpoint: {policy.Endpoint},
	LayerBoundary: {policy.Boundary, policy.Identity},
	LayerSession:  {policy.Session, policy.Identity},
	LayerIdentity: {policy.Identity},
}

// fits tells whether a document of kind k may stand in layer l under rule r.
func fits(k policy.Kind, l Layer, r Rule) bool {
	switch {
	case l != LayerResource:
		return slices.Contains(kinds[l], k)
	case r == Trust:
		return k == policy.Trust
	default:
		return k == policy.Key
	}
}
