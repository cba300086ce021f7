package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// resourceControl looks for what resource control policies often stop without
// meaning to.
func (c *checker) resourceControl(f *facts) {
	if c.kind != policy.RCP || f.s.Effect != policy.Deny {
		return
	}
	for i, a := range f.s.Actions {
		service, _, _ := strings.Cut(strings.ToLower(a.Text), ":")
		if services.has[service] && !rcpServices.has[service] {
			c.add("unsupported_rcp_service", a.Pos, "Resource control policies do not reach %s.", service)
		}
		if slices.Equal(f.named[i], []string{"kms:RetireGrant"}) {
			c.add("KR_RCP_RETIREGRANT", a.Pos, "Resource control policies do not bind kms:RetireGrant, nor keys that AWS manages.")
		}
	}
	if len(f.s.Conditions) == 0 && slices.ContainsFunc(f.s.Resources, star) && slices.ContainsFunc(f.s.Actions, wholeService) {
		c.add("rcp_blanket_deny", f.s.Pos, "The statement denies a whole service to everybody, AWS's own services among them.")
	}
	c.perimeter(f)
}

func wholeService(a policy.Value) bool {
	_, name, found := strings.Cut(a.Text, ":")
	return !found || strings.Trim(name, "*") == ""
}

// Conditions of a data perimeter.
var (
	identityPerimeter = []string{"aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount"}
	sourcePerimeter   = []string{"aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount"}
	networkPerimeter  = []string{"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce"}
	serviceExemptions = []string{"aws:principalisawsservice", "aws:viaawsservice", "aws:principalservicename", "aws:principalservicenameslist"}
)

// perimeter looks at Denies by organization, source and network for the
// exceptions that they need.
func (c *checker) perimeter(f *facts) {
	exempts := slices.ContainsFunc(f.s.Conditions, func(k policy.Condition) bool { return among(k.Key, serviceExemptions) })
	for i := range f.s.Conditions {
		k := &f.s.Conditions[i]
		op, _ := policy.OperatorNamed(k.Operator)
		if !op.Negated {
			continue
		}
		switch {
		case among(k.Key, identityPerimeter) && !exempts:
			c.add("RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", k.Pos, "Calls of AWS services lack %s and are denied as well. Add \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}.", k.KeyText)
		case among(k.Key, sourcePerimeter):
			if !exempts {
				c.add("RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY", k.Pos, "Calls that are no service's lack %s and are denied as well. Add \"Bool\": {\"aws:PrincipalIsAWSService\": \"true\"}.", k.KeyText)
			}
			if !k.IfExists && !nullChecked(f.s, sourcePerimeter) {
				c.add("RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", k.Pos, "Service calls that tell no source are denied as well. Add \"Null\": {\"aws:SourceAccount\": \"false\"}.")
			}
		case among(k.Key, networkPerimeter) && !exempts:
			c.add("rcp_missing_service_carveout", k.Pos, "Calls of AWS services come from their own networks and are denied as well. Add \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\", \"aws:ViaAWSService\": \"false\"}.")
			return
		}
	}
}

// nullChecked tells whether the statement asks for the presence of a key.
func nullChecked(s *policy.Statement, keys []string) bool {
	return slices.ContainsFunc(s.Conditions, func(k policy.Condition) bool {
		return k.Operator == "Null" && among(k.Key, keys) && len(k.Values) == 1 && strings.EqualFold(k.Values[0].Text, "false")
	})
}

// endpoint looks at the statements of an endpoint policy.
func (c *checker) endpoint(f *facts) {
	if c.kind != policy.Endpoint || f.s.Effect != policy.Allow {
		return
	}
	everybody := slices.ContainsFunc(f.s.Principals, func(p policy.Principal) bool { return p.Type == policy.Everyone }) || f.s.NotPrincipal
	wide := slices.ContainsFunc(f.s.Resources, func(r policy.Value) bool { return everyAccount(r.Text) }) || f.s.NotResource
	if everybody && len(f.s.Conditions) == 0 && slices.ContainsFunc(f.s.Actions, star) && slices.ContainsFunc(f.s.Resources, star) {
		c.add("KR_VPCE_DEFAULT", f.s.Pos, "The endpoint lets through whoever asks for whatever; its policy limits nothing.")
		return
	}
	for _, p := range f.s.Principals {
		if c.o.Account != "" && p.Account != "" && p.Account != c.o.Account && !slices.Contains(c.o.Trusted, p.Account) {
			c.add("KR_VPCE_UNTRUSTED_ACCOUNT", p.Pos, "The account %s is not among the trusted ones.", p.Account)
		}
	}
	if wide && f.reaches(cryptographic...) && !narrowed(f.s, resourceOwners) {
		at := f.s.Pos
		if len(f.s.Resources) > 0 {
			at = f.s.Resources[0].Pos
		}
		c.add("KR_VPCE_NO_RESOURCE_ACCOUNT", at, "Through the endpoint data can go to the keys of any account. Name keys, or compare aws:ResourceAccount or aws:ResourceOrgID.")
	}
}

var resourceOwners = []string{"aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "aws:resourcetag/", "kms:resourcealiases"}
