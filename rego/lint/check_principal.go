package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// negatedPrincipal looks for NotPrincipal.
func (c *checker) negatedPrincipal(f *facts) {
	if !f.s.NotPrincipal {
		return
	}
	at := f.s.Pos
	if m, ok := c.member(f.s.Pos, "NotPrincipal"); ok {
		at = m.Pos
	}
	if f.s.Effect == policy.Allow {
		c.add("ALLOW_WITH_NOT_PRINCIPAL", at, "Everybody who is not listed is allowed, in every account and without one.")
	}
	if f.s.Effect == policy.Deny {
		c.add("KR_DENY_NOT_PRINCIPAL", at, "A session is also hit where only its role is listed, and so is a principal with a permissions boundary. "+
			"Deny \"*\" and except by ArnNotEquals with aws:PrincipalArn.")
	}
}

// knownPrincipals looks at each principal: is it one that can be here, and
// does it exist?
func (c *checker) knownPrincipals(f *facts) {
	for _, p := range f.s.Principals {
		switch p.Type {
		case policy.Federated:
			c.add("FEDERATED_PRINCIPAL_NOT_SUPPORTED", p.Pos, "An identity provider is a principal in trust policies alone; here it matches nobody. Name the role that its users assume.")
		case policy.Service:
			c.serviceName(p)
		case policy.User, policy.Role:
			if strings.Contains(p.Text, ",arn:") {
				// A path may hold both, so the ARN is one; nobody means it.
				c.add("INVALID_PRINCIPAL_FORMAT", p.Pos, "The principal is several principals in one string; write a list.")
			} else if c.o.Known != nil && !c.o.Known(p) {
				c.add("KR_PRINCIPAL_UNKNOWN", p.Pos, "There is no %s %s.", p.Type, p.Text)
			}
		}
		if fields := strings.SplitN(p.Text, ":", 3); c.o.Partition != "" && len(fields) == 3 && fields[0] == "arn" && fields[1] != c.o.Partition {
			c.meant(c.add("INVALID_PARTITION", p.Pos, "The partition is %s, and the policy is for %s.", fields[1], c.o.Partition), p.Pos, with(fields, 1, c.o.Partition))
		}
	}
}

const amazonaws = ".amazonaws.com"

// serviceName looks for service principals that are another's name but for a
// slip.
func (c *checker) serviceName(p policy.Principal) {
	if c.o.Known != nil && c.o.Known(p) {
		return
	}
	name, found := strings.CutSuffix(strings.TrimSuffix(p.Text, ".cn"), amazonaws)
	if !found {
		if word, ok := domainSlip(p.Text); ok {
			c.meant(c.add("UNKNOWN_PRINCIPAL", p.Pos, "There is no service principal %q.", p.Text), p.Pos, word)
		}
		return
	}
	labels := strings.Split(name, ".")
	if regions.has[labels[len(labels)-1]] {
		name = strings.Join(labels[:len(labels)-1], ".")
	}
	if services.has[name] || viaServices.has[name] || servicePrincipals.has[name] {
		return
	}
	near, ok := nearest(name, slices.Concat(servicePrincipals.words, services.words))
	if ok && slip.Distance(name, near.word, 3) == 1 && len(name) > 3 {
		c.guessed(c.add("UNKNOWN_PRINCIPAL", p.Pos, "There is no service principal %q.", p.Text), p.Pos, near.word+p.Text[len(name):], near)
	}
}

// otherDomains are domains of AWS that no service principal has.
var otherDomains = []string{"aws.amazon.com", "amazon.com", "aws.com", "api.aws", "amazon.aws"}

// domainSlip tells what a name with a misspelled domain was meant to be.
func domainSlip(text string) (string, bool) {
	if strings.HasSuffix(text, amazonaws) {
		return "", false
	}
	for _, domain := range otherDomains {
		if name, found := strings.CutSuffix(text, "."+domain); found {
			return name + amazonaws, true
		}
	}
	name, domain, found := strings.Cut(text, ".")
	if region, rest, more := strings.Cut(domain, "."); more && regions.has[region] {
		name, domain = name+"."+region, rest
	}
	near, ok := nearest(domain, []string{"amazonaws.com"})
	label, _, _ := strings.Cut(name, ".")
	return name + "." + near.word, found && ok && (services.has[label] || viaServices.has[label])
}

// Condition keys by which a service tells for whom it calls, and keys that a
// call of a service never holds.
var (
	sourceKeys = []string{"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}
	callerKeys = []string{"kms:calleraccount", "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principaltag/",
		"aws:principalarn", "aws:username"}
)

// servicePrincipals looks for services that may use the key on behalf of
// anybody (the confused deputy), and for conditions that no service meets.
func (c *checker) servicePrincipals(f *facts) {
	if c.kind != policy.Key || f.s.Effect != policy.Allow || f.s.NotPrincipal {
		return
	}
	for _, p := range f.s.Principals {
		if p.Type != policy.Service {
			continue
		}
		dead := false
		for i := range f.s.Conditions {
			if k := &f.s.Conditions[i]; demands(k) && among(k.Key, callerKeys) {
				dead = true
				c.add("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", k.Pos, "A call of %s does not hold %s, so the condition never holds for it. Use aws:SourceAccount, aws:SourceArn or aws:SourceOrgID.", p.Text, k.KeyText)
			}
		}
		switch {
		case dead || narrowed(f.s, sourceKeys):
		case narrowed(f.s, []string{"kms:encryptioncontext:", "kms:viaservice", "kms:grantisforawsresource"}):
			c.add("RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", p.Pos, "Say for which resources %s may use the key, by aws:SourceArn, or for which account, by aws:SourceAccount.", p.Text)
		case f.reaches(cryptographic...) || f.reaches("kms:CreateGrant"):
			c.add("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", p.Pos, "%s may use the key on behalf of anybody. Narrow it by aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths.", p.Text)
		}
	}
}

// pairedKeys looks for keys that tell the service where the caller is left
// open.
func (c *checker) pairedKeys(f *facts) {
	if c.kind != policy.Key || f.s.Effect != policy.Allow || f.s.NotPrincipal ||
		!slices.ContainsFunc(f.s.Principals, func(p policy.Principal) bool { return p.Type == policy.Everyone }) ||
		narrowed(f.s, callerPairs) {
		return
	}
	for i := range f.s.Conditions {
		k := &f.s.Conditions[i]
		switch {
		case !demands(k):
		case k.Key == "kms:viaservice":
			c.add("KR_VIASERVICE_WITHOUT_CALLERACCOUNT", k.Pos, "Through that service, everybody in every account may use the key. Add kms:CallerAccount, aws:PrincipalAccount, aws:PrincipalOrgID or aws:PrincipalArn.")
		case slices.Contains(serviceKeys, k.Key):
			c.add("MISSING_PAIRED_CONDITION_KEYS", k.Pos, "%s tells how the call came, not whose it is. Add kms:CallerAccount, aws:PrincipalAccount, aws:PrincipalOrgID or aws:PrincipalArn.", k.KeyText)
		}
	}
}

var (
	callerPairs = []string{"kms:calleraccount", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn"}
	serviceKeys = []string{"aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:viaawsservice"}
)

// assumes are the principals that each way of assuming a role is for.
var assumes = map[string]policy.PrincipalType{"sts:assumerolewithsaml": policy.Federated, "sts:assumerolewithwebidentity": policy.Federated}

// trustActions looks for principals that cannot assume a role in the way that
// the statement allows.
func (c *checker) trustActions(f *facts) {
	if c.kind != policy.Trust || f.s.Effect != policy.Allow || len(f.s.Actions) != 1 {
		return
	}
	a := f.s.Actions[0]
	low := strings.ToLower(a.Text)
	for _, p := range f.s.Principals {
		federated := p.Type == policy.Federated
		want, only := assumes[low]
		switch {
		case only && p.Type != want && p.Type != policy.Everyone:
			c.add("MISMATCHED_ACTION_FOR_PRINCIPAL", a.Pos, "%s is for identity providers; a %s assumes a role by sts:AssumeRole.", a.Text, p.Type)
		case low == "sts:assumerole" && federated:
			c.add("MISMATCHED_ACTION_FOR_PRINCIPAL", a.Pos, "Users of an identity provider assume a role by sts:AssumeRoleWithSAML or sts:AssumeRoleWithWebIdentity.")
		default:
			continue
		}
		return
	}
}

// redundantTrust looks for principals that stand beside their account. It is
// about trust policies alone: in a key policy the account delegates, and the
// principal is granted directly.
func (c *checker) redundantTrust() {
	if c.kind != policy.Trust {
		return
	}
	for i := range c.doc.Statements {
		s := &c.doc.Statements[i]
		for _, p := range s.Principals {
			within := slices.ContainsFunc(s.Principals, func(q policy.Principal) bool { return q.Type == policy.Account && q.Account == p.Account })
			if within && (p.Type == policy.User || p.Type == policy.Role || p.Type == policy.RoleSession) {
				g := c.add("REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", p.Pos, "The whole account %s is listed beside it.", p.Account)
				if edit, ok := c.remove(p.Pos); ok {
					g.mend("Remove "+quoted(p.Text), edit)
				}
			}
		}
	}
}
