package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Condition keys that requests may hold though none of the analysis ever does.
// What is not found because of a condition on one of them is unknown.
var (
	// sessionFacts come with sessions of roles that a service has begun.
	sessionFacts = []string{"aws:ec2instancesourcevpc", "aws:ec2instancesourceprivateipv4", "aws:sourceinstancearn", "aws:chatbotsourcearn",
		"lambda:sourcefunctionarn", "ssm:sourceinstancearn", "ec2:sourceinstancearn", "ec2:roledelivery", "glue:credentialissuingservice",
		"glue:roleassumedby", "identitystore:userid"}
	// endpointFacts are of the owner of a VPC endpoint.
	endpointFacts = []string{"aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "aws:sourcevpcarn"}
	// serviceFacts are of services that call for somebody.
	serviceFacts = []string{"kms:viaservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:viaawsservice", "kms:grantisforawsresource"}
)

// ofProviders tells keys that tell what a provider of identities has said.
func ofProviders(key string) bool {
	origin, _, _ := strings.Cut(key, ":")
	return origin == "saml" || info(key).source == fromClaims && strings.ContainsAny(origin, "./")
}

// mayBeBeyond tells keys that may be beyond what the analysis looks at.
func mayBeBeyond(key string) bool {
	return ofProviders(key) || slices.Contains(sessionFacts, key) || slices.Contains(endpointFacts, key) || slices.Contains(serviceFacts, key)
}

// beyond tells whether a request of the subject may hold a key, or values of it,
// that those of the analysis do not.
func (s *subject) beyond(key string) bool {
	switch {
	case s.caller.provider != "" || s.caller.Type == decision.Service || s.on.kind == policy.RoleResource:
		return false
	case slices.Contains(sessionFacts, key), ofProviders(key):
		return s.caller.Type == decision.Role
	case slices.Contains(endpointFacts, key):
		return true
	default:
		return slices.Contains(serviceFacts, key) && s.u.namesUnlisted()
	}
}

// namesUnlisted tells whether policies of a world ask for calls by services that
// it does not list.
func (u *Universe) namesUnlisted() bool {
	if u.open {
		return false
	}
	if u.unlisted == nil {
		is := slices.ContainsFunc(u.all(), func(d *document) bool {
			return slices.ContainsFunc(d.statements, func(s *statement) bool { return slices.ContainsFunc(s.conditions, u.asksForUnlisted) })
		})
		u.unlisted = &is
	}
	return *u.unlisted
}

func (u *Universe) asksForUnlisted(c *condition) bool {
	if !slices.Contains(serviceFacts[:4], c.key) || c.op.Negated || c.op.Type != policy.StringType {
		return false
	}
	services := u.world.Services()
	return slices.ContainsFunc(c.operands, func(o operand) bool {
		for i := range services {
			host := strings.TrimSuffix(services[i].Principal, ".amazonaws.com")
			for _, region := range append([]string{""}, u.world.Regions()...) {
				if name := strings.TrimSuffix(host+"."+region, ".") + ".amazonaws.com"; o.fixed.matches(name) {
					return false
				}
			}
		}
		return !o.never && !o.value.HasVariable()
	})
}
