package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// viaService looks at the names of services in kms:ViaService, which are
// service.region.amazonaws.com.
func (c *checker) viaService(f *facts, k *policy.Condition) {
	if k.Key != "kms:viaservice" || f.s.Effect != policy.Allow || k.Operator == "Null" {
		return
	}
	op, _ := policy.OperatorNamed(k.Operator)
	for _, v := range k.Values {
		if op.Negated || v.HasVariable() || c.o.Known != nil && c.o.Known(policy.Principal{Type: policy.Service, Text: v.Text, Pos: v.Pos}) {
			continue
		}
		service, rest, _ := strings.Cut(v.Text, ".")
		region, domain, found := strings.Cut(rest, ".")
		switch {
		case op.Wildcards && wild(service):
			c.add("KR_VIASERVICE_WILDCARD", v.Pos, "The pattern admits every service whose name fits, not one.")
		case !op.Wildcards && wild(v.Text):
			// WILDCARD_WITHOUT_LIKE_OPERATOR says it.
		case rest == "amazonaws.com" || !found && !wild(rest) || found && !wild(region) && !regionForm.MatchString(region):
			c.add("KR_VIASERVICE_WILDCARD", v.Pos, "No service is called %q: the name holds a Region, as in s3.eu-central-1.amazonaws.com.", v.Text)
		case found && !wild(domain) && domain != "amazonaws.com":
			c.add("KR_VIASERVICE_WILDCARD", v.Pos, "No service is called %q: the name ends in amazonaws.com, in every partition.", v.Text)
		case !viaServices.has[service] && !services.has[service]:
			g := c.add("KR_VIASERVICE_WILDCARD", v.Pos, "No service is called %q.", service)
			if near, ok := nearest(service, viaServices.words); ok {
				c.guessed(g, v.Pos, near.word+v.Text[len(service):], near)
			}
		case !wild(region) && c.region0() != "" && region != c.region0():
			g := c.add("KR_VIASERVICE_REGION", v.Pos, "The key is in %s, and a service calls the keys of its own Region.", c.region0())
			g.Suggestion = service + "." + c.region0() + "." + domain
		}
	}
}

// region0 is the Region of the key, as far as it is known.
func (c *checker) region0() string {
	if fields := strings.SplitN(c.o.KeyARN, ":", 6); c.o.Region == "" && len(fields) == 6 {
		return fields[3]
	}
	return c.o.Region
}

// guards are condition keys whose absence should refuse.
var guards = []string{"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:sourcevpce", "aws:sourcevpc", "aws:sourceip", "aws:vpcsourceip",
	"kms:viaservice", "kms:encryptioncontext:", "kms:encryptioncontextkeys", "kms:calleraccount", "aws:principalorgid", "aws:principalaccount",
	"aws:sourcearn", "aws:sourceaccount", "kms:recipientattestation:", "kms:grantisforawsresource", "aws:resourcetag/", "kms:resourcealiases"}

// ifExists looks for an Allow that a request without the key passes.
func (c *checker) ifExists(f *facts, k *policy.Condition) {
	op, _ := policy.OperatorNamed(k.Operator)
	if f.s.Effect != policy.Allow || !k.IfExists || op.Negated || !among(k.Key, guards) || c.alwaysPresent(f, k) {
		return
	}
	c.add("KR_IFEXISTS_WEAKENS", k.Pos, "A request without %s passes. Leave out IfExists, or add \"Null\": {%s: \"false\"}.", k.KeyText, quoted(k.KeyText))
}

// untrustworthy looks for access that hangs on what the caller says.
func (c *checker) untrustworthy(_ *facts, k *policy.Condition) {
	if k.Key == "aws:referer" || k.Key == "aws:useragent" {
		c.add("UNTRUSTWORTHY_CONDITION_KEY", k.Pos, "The caller sends whatever it likes as %s.", k.KeyText)
	}
}

// present are keys that every request of a principal holds.
var present = []string{"aws:currenttime", "aws:epochtime", "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:requestedregion",
	"aws:securetransport", "aws:userid", "aws:useragent", "kms:calleraccount", "aws:principalisawsservice", "aws:resourceaccount"}

// absentVariable looks for an Allow that compares, negated, with a variable
// that some callers lack.
func (c *checker) absentVariable(f *facts, k *policy.Condition) {
	op, _ := policy.OperatorNamed(k.Operator)
	if f.s.Effect != policy.Allow || !op.Negated {
		return
	}
	for _, v := range k.Values {
		for _, p := range v.Parts {
			if p.Kind == policy.Variable && !p.HasDefault && !slices.Contains(present, p.Text) {
				c.add("KR_VARIABLE_MAYBE_ABSENT", v.Pos, "A caller without %s passes: nothing equals a value that is not there. Give it a default, as in ${%s, 'none'}, or demand its presence by Null.", p.Text, p.Text)
			}
		}
	}
}

// identityKeys tell who calls or for whom; the number of the field of an ARN
// that must be written out, or -1 where all of it must.
var identityKeys = map[string]int{"aws:principalaccount": -1, "aws:principalorgid": -1, "kms:calleraccount": -1, "aws:sourceaccount": -1,
	"aws:sourceorgid": -1, "aws:principalarn": 4, "aws:sourcearn": 4}

// tooPermissive looks for wildcards and variables that swallow the account or
// organization which a condition should name.
func (c *checker) tooPermissive(f *facts, k *policy.Condition) {
	field, ok := identityKeys[k.Key]
	if !ok || f.s.Effect != policy.Allow || !demands(k) || c.kind == policy.Trust {
		return
	}
	op, _ := policy.OperatorNamed(k.Operator)
	others := slices.DeleteFunc(slices.Concat(callerPairs, sourceKeys), func(o string) bool { return o == k.Key })
	for _, v := range k.Values {
		part := v.Text
		if field >= 0 {
			fields := strings.SplitN(v.Text, ":", 6)
			if len(fields) < 6 || narrowed(f.s, others) || accountless(fields[2]) || !c.foreign(f) {
				continue
			}
			part = fields[field]
		}
		switch {
		case strings.Contains(part, "${") && slices.ContainsFunc(v.Parts, callerFills):
			c.add("VARIABLE_USAGE_TOO_PERMISSIVE", v.Pos, "The caller's own request fills the variable in, so the condition holds for everybody.")
		case op.Wildcards && wild(part):
			c.add("WILDCARD_USAGE_TOO_PERMISSIVE", v.Pos, "The wildcard lets in every account that fits; write the account or the organization out.")
		}
	}
}

// callerFills tells whether a part is a variable that says something about the
// caller, not about the resource.
func callerFills(p policy.Part) bool {
	return p.Kind == policy.Variable && !strings.HasPrefix(p.Text, "aws:resource") && !strings.HasPrefix(p.Text, "kms:resource")
}

// accountless are services whose ARNs have no account.
func accountless(service string) bool {
	return service == "s3" || service == "route53" || wild(service)
}

// foreign tells whether the statement is met by principals of any account:
// of those of one account, the account in an ARN says nothing more.
func (c *checker) foreign(f *facts) bool {
	return slices.ContainsFunc(f.s.Principals, func(p policy.Principal) bool { return p.Type == policy.Everyone || p.Type == policy.Service })
}

// mfa looks for conditions on MFA that do not say what they seem to. Without
// temporary credentials the key is absent.
func (c *checker) mfa(f *facts) {
	for i := range f.s.Conditions {
		k := &f.s.Conditions[i]
		if k.Key != "aws:multifactorauthpresent" || len(k.Values) != 1 {
			continue
		}
		yes := strings.EqualFold(k.Values[0].Text, "true")
		switch {
		case k.Operator == "Bool" && f.s.Effect == policy.Deny && !yes && !k.IfExists && !c.nullsMFA():
			c.add("BAD_PATTERN_FOR_MFA", k.Pos, "Requests with long-term credentials lack the key and are not denied. Use BoolIfExists.")
		case k.Operator == "Bool" && f.s.Effect == policy.Allow && !yes:
			c.add("BAD_PATTERN_FOR_MFA", k.Pos, "Callers without MFA are allowed, and those with it are not.")
		case k.Operator == "Null" && f.s.Effect == policy.Allow && !yes && !narrowed(f.s, []string{k.Key}):
			c.add("BAD_PATTERN_FOR_MFA", k.Pos, "The key is also present, and false, without MFA. Use Bool.")
		}
	}
}

// nullsMFA tells whether another statement denies requests without the key.
func (c *checker) nullsMFA() bool {
	return slices.ContainsFunc(c.doc.Statements, func(s policy.Statement) bool {
		return s.Effect == policy.Deny && slices.ContainsFunc(s.Conditions, func(k policy.Condition) bool {
			return k.Key == "aws:multifactorauthpresent" && holdsWithout(&k)
		})
	})
}

var (
	zeros    = regexp.MustCompile(`^(0x)?0{96}$`)
	register = regexp.MustCompile(`^kms:recipientattestation:pcr([0-9]+)$`)
)

// attested tells whether a statement asks for an attestation.
func attested(s *policy.Statement) bool {
	return slices.ContainsFunc(s.Conditions, func(k policy.Condition) bool { return strings.HasPrefix(k.Key, "kms:recipientattestation:") })
}

// attestation looks at what of an enclave is pinned. PCR0 to PCR2 measure the
// image and are zero in debug mode; PCR3, PCR4 and PCR8 bind role, instance
// and signer.
func (c *checker) attestation(f *facts) {
	if f.s.Effect != policy.Allow {
		return
	}
	var image []*policy.Condition
	bound := false
	for i := range f.s.Conditions {
		k := &f.s.Conditions[i]
		if !strings.HasPrefix(k.Key, "kms:recipientattestation:") || !demands(k) {
			continue
		}
		m := register.FindStringSubmatch(k.Key)
		measures := m != nil && (m[1] == "0" || m[1] == "1" || m[1] == "2")
		if measures {
			image = append(image, k)
		}
		bound = bound || !measures
		for _, v := range k.Values {
			if (measures || strings.HasSuffix(k.Key, ":imagesha384")) && zeros.MatchString(v.Text) {
				c.add("KR_ATTESTATION_DEBUG_PCR", v.Pos, "All zeros are what an enclave in debug mode measures; its memory can be read from outside.")
				return
			}
		}
	}
	if bound || len(image) == 0 {
		return
	}
	g := c.add("KR_ATTESTATION_NO_BINDING", image[0].Pos, "The image is measured, and nothing binds it to a role (PCR3), an instance (PCR4) or a signer (PCR8): anybody may start it.")
	if len(image) == 1 && image[0].Key != "kms:recipientattestation:pcr0" {
		g.Severity = Warning
	}
}
