package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// unreachable reports an Allow by which nobody gets anything, and says what
// stands against it. Where only a service could match it, and the world lists
// none that does, it is not known.
func (c *checker) unreachable(s *statement) error {
	a, err := c.find(search{matching: []*statement{s}, anything: true, shown: true})
	if err != nil {
		return err
	}
	switch a.State {
	case Unknown:
		c.unknown("KR_UNREACHABLE_ALLOW", s, "It could not be decided: "+a.Why+".")
		return nil
	case Proved:
		services, there := c.neededServices(s)
		switch {
		case services == "":
			c.report("KR_UNREACHABLE_ALLOW", s, s.source.Pos, "No request can ever match this statement.")
		case there:
			c.report("KR_UNREACHABLE_ALLOW", s, s.source.Pos, "No request can ever match this statement: only a call by %s could, "+
				"and what the world lets it do, by acts-for, is none of this.", services)
		default:
			c.needs("KR_UNREACHABLE_ALLOW", s, services)
		}
		return nil
	}
	why, err := c.against(s, a.Witness)
	if err != nil {
		return err
	}
	f := c.report("KR_UNREACHABLE_ALLOW", s, s.source.Pos, "Whatever this statement allows is refused: %s.", why)
	return c.witness(f, a.Witness, "")
}

// needs says that a rule cannot be decided without services that the world does
// not list.
func (c *checker) needs(id string, s *statement, services string) {
	c.unknown(id, s, "Only a call by "+services+" can match this statement, and the world lists no such service that acts for anybody. "+
		"List it under services, with acts-for, to have it decided.")
}

// against says what refuses a request that a statement allows.
func (c *checker) against(s *statement, w *Witness) (string, error) {
	switch w.Decision.Reason {
	case decision.ExplicitDeny:
		return c.denying(s, w)
	case decision.NoAllow:
		if where := wanting[w.Decision.Layer]; where != "" {
			return where, nil
		}
	}
	return "something else that the requests need is wanting", nil
}

// wanting says what it means that a layer does not allow.
var wanting = map[decision.Layer]string{
	decision.LayerSCP:      "a level of the SCPs over the caller allows none of it",
	decision.LayerRCP:      "the RCPs over the key allow none of it",
	decision.LayerEndpoint: "the policy of the VPC endpoint allows none of it",
	decision.LayerBoundary: "the permissions boundary of the caller allows none of it",
	decision.LayerSession:  "the session policy of the caller allows none of it",
	decision.LayerIdentity: "no IAM policy of the caller allows it, as callers of another account need",
	decision.LayerResource: "the key policy neither allows it nor lets IAM policies count for it",
}

// denying names the Deny that refuses a request, and says whether it refuses
// all that a statement allows.
func (c *checker) denying(s *statement, w *Witness) (string, error) {
	said := w.Decision.Evidence().SettledBy
	if len(said) == 0 || said[0].Layer == decision.LayerGuardrail {
		return "a Deny refuses it", nil
	}
	name := fmt.Sprintf("%q", said[0].Sid)
	if said[0].Sid == "" {
		name = strings.TrimPrefix(said[0].Path, "$.")
	}
	deny := "the Deny " + name
	written, p := w.Question.Written(said[0])
	if written == nil {
		return deny + " covers it", nil
	}
	d := c.u.document(p)
	if d != s.doc {
		deny += " of " + layerTitles[said[0].Layer] + " " + said[0].Policy
	}
	i := slices.IndexFunc(d.statements, func(x *statement) bool { return x.source.Index == said[0].Index })
	if i < 0 {
		return deny + " covers it", nil
	}
	beside, err := c.find(search{matching: []*statement{s}, missing: []*statement{d.statements[i]}, anything: true})
	if err == nil && beside.State != Proved {
		return deny + " refuses some of it, and the rest is refused elsewhere", nil
	}
	return deny + " covers it", err
}

var layerTitles = map[decision.Layer]string{
	decision.LayerSCP: "SCP", decision.LayerRCP: "RCP", decision.LayerEndpoint: "the endpoint policy", decision.LayerBoundary: "the permissions boundary",
	decision.LayerSession: "the session policy", decision.LayerIdentity: "the IAM policy", decision.LayerResource: "the key policy",
}

// Condition keys that only calls by services hold, and those that are true for
// calls by services.
var (
	heldByServices  = []string{"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}
	namesOfServices = []string{"kms:viaservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:principalservicename",
		"aws:principalservicenameslist"}
	trueForServices = []string{"aws:viaawsservice", "kms:grantisforawsresource", "aws:principalisawsservice"}
)

// neededServices names the services of which one must call for a statement to
// match, and tells whether the world has one of them that acts for somebody.
// It is empty if others may call.
func (c *checker) neededServices(s *statement) (services string, there bool) {
	if c.u.open || s.anybody {
		return "", false
	}
	var acting []string // as principals and by their names in kms:ViaService
	for _, x := range c.u.world.Services() {
		if len(x.ActsFor) > 0 {
			acting = append(acting, x.Names(c.key.region)...)
		}
	}
	if names, only := s.onlyServices(); only {
		return listed(names), slices.ContainsFunc(names, func(n string) bool { return slices.Contains(acting, n) })
	}
	for _, x := range s.conditions {
		switch {
		case x.holds(nil, nil) || len(x.vars) > 0:
		case slices.Contains(trueForServices, x.key) && !x.holds([]string{"false"}, nil):
			return "a service", len(acting) > 0
		case slices.Contains(namesOfServices, x.key):
			return x.wanted(), slices.ContainsFunc(acting, func(n string) bool { return x.holds([]string{n}, nil) })
		case slices.Contains(heldByServices, x.key):
			return "a service", len(acting) > 0
		}
	}
	return "", false
}

// onlyServices are the principals of a statement, if all are services.
func (s *statement) onlyServices() ([]string, bool) {
	var names []string
	for _, p := range s.source.Principals {
		if p.Type != policy.Service {
			return nil, false
		}
		names = append(names, p.Text)
	}
	return names, len(names) > 0 && !s.source.NotPrincipal
}

// wanted names the services that a condition asks for, where it names any.
func (c *condition) wanted() string {
	if c.op.Negated || len(c.operands) == 0 {
		return "a service"
	}
	var names []string
	for _, o := range c.operands {
		names = append(names, o.value.Text)
	}
	return listed(names)
}
