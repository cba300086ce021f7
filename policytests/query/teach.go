package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Rule names the rule of evaluation that decided, for programs. The sentence
// that goes with it is for people and may change.
type Rule string

// The rules.
const (
	RuleExplicitDeny Rule = "explicit-deny"       // a Deny wins over all that allows
	RuleSCP          Rule = "scp-must-allow"      // each level of SCPs must allow
	RuleEndpoint     Rule = "endpoint-must-allow" // the endpoint's policy must allow
	RuleNeverAcross  Rule = "never-across"        // the operation stays in its account
	RuleDirect       Rule = "named-in-key-policy" // A-13 a: the key policy names the caller
	RuleEveryone     Rule = "everyone"            // A-13 a: the key policy allows everyone
	RuleDelegation   Rule = "delegation"          // A-13 b: key policy delegates, IAM policies decide
	RuleNoDelegation Rule = "no-delegation"       // A-13 b: IAM policies count for nothing here
	RuleGrant        Rule = "grant"               // A-13 c
	RuleGrantAccount Rule = "grant-to-account"    // A-13 c: such a grant delegates
	RuleService      Rule = "service"             // A-13 d
	RuleAccountRoot  Rule = "account-root"        // A-13 b, A-16: the root user needs no IAM policy
	RuleNothing      Rule = "nothing-allows"
	RuleBothSides    Rule = "both-sides"          // both accounts must allow
	RuleIAMOnly      Rule = "iam-only"            // no key policy speaks about it
	RuleRetire       Rule = "retire"              // the grant itself says who retires it
	RuleBoundary     Rule = "boundary-must-allow"
	RuleSession      Rule = "session-must-allow"
	RuleTrust        Rule = "trust-policy"
	RuleNoKey        Rule = "no-such-key"
)

// A teacher finds the words for a decision.
type teacher struct {
	b *Base
	q *decision.Question
	d decision.Decision
	x *Explanation
}

// teach names the rule that decided, and tells it.
func (t *teacher) teach() (Rule, string) {
	switch {
	case t.d.Allowed:
		return t.allowed()
	case t.d.Reason == decision.ExplicitDeny:
		return RuleExplicitDeny, t.denied()
	case t.d.Reason == decision.CrossAccount:
		return RuleNeverAcross, fmt.Sprintf("%s works in the key's own account only, whatever policies say: %s is of account %s, %s of account %s. "+
			"A role of account %s, assumed by %s, could do it.", t.q.Action, t.who(), t.home(), t.what(), t.owner(), t.owner(), t.who())
	}
	switch t.d.Layer {
	case decision.LayerSCP:
		return RuleSCP, t.unguarded()
	case decision.LayerEndpoint:
		return RuleEndpoint, fmt.Sprintf("The call comes through a VPC endpoint, and a call through an endpoint needs an Allow in the endpoint's policy too. "+
			"That of %s allows %s no %s. An endpoint policy grants nothing by itself: it limits what comes through.", t.endpoint(), t.who(), t.q.Action)
	case decision.LayerBoundary:
		return RuleBoundary, fmt.Sprintf("The permissions boundary of %s does not allow %s. A boundary grants nothing: "+
			"it limits what IAM policies (and a key policy that names the role, not the session) can give.", t.who(), t.q.Action)
	case decision.LayerSession:
		return RuleSession, t.session()
	}
	return t.lacking()
}

func (t *teacher) who() string   { return t.b.principalName(t.q.Principal) }
func (t *teacher) what() string  { return t.b.resourceName(t.q) }
func (t *teacher) home() string  { return t.b.accountName(t.q.Principal.Account) }
func (t *teacher) owner() string { return t.b.accountName(t.q.Resource.Account) }

// said is what a layer said, and the statements of one effect in it.
func (t *teacher) said(l decision.Layer, effect policy.Effect) []Statement {
	var all []Statement
	for _, layer := range t.x.Layers {
		if layer.Layer != l || layer.Result == Exempt {
			continue
		}
		for _, s := range layer.Statements {
			if s.Effect == effect.String() {
				all = append(all, s)
			}
		}
	}
	return all
}

// settled are the statements of a layer that settled it.
func (t *teacher) settled(l decision.Layer) []Statement {
	return slices.DeleteFunc(slices.Clone(t.x.Settled), func(s Statement) bool { return s.Layer != l })
}

// named lists statements: at most three, and how many more.
func named(all []Statement) string {
	const most = 3
	var names []string
	for _, s := range all {
		if name := s.Name(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// listed is the same with the word before it, where it is not said already.
func listed(all []Statement) string {
	text := named(all)
	switch {
	case strings.HasPrefix(text, "Statement"):
		return text
	case len(all) == 1:
		return "statement " + text
	}
	return "statements " + text
}

// allowed tells why a request is allowed.
func (t *teacher) allowed() (Rule, string) {
	key, iam := t.settled(decision.LayerResource), t.settled(decision.LayerIdentity)
	switch {
	case t.q.Rule == decision.GrantOnly:
		return RuleRetire, fmt.Sprintf("A grant says itself who may retire it; key policies have no say. %s is one of those for the grant.", t.who())
	case t.d.Layer == decision.LayerGrant && len(iam) > 0:
		return RuleGrantAccount, fmt.Sprintf("The grant %s is for the account %s, which delegates to that account's IAM policies. The IAM policy %s allows.",
			strings.Join(t.x.Grants, ", "), t.home(), named(iam))
	case t.d.Layer == decision.LayerGrant:
		return RuleGrant, fmt.Sprintf("The grant %s gives %s %s on %s. A grant needs no Allow in the key policy and no IAM policy beside it.",
			strings.Join(t.x.Grants, ", "), t.who(), t.q.Action, t.what())
	case t.q.Rule == decision.IdentityOnly && t.d.Layer == decision.LayerRoot:
		return RuleAccountRoot, fmt.Sprintf("No key policy speaks about %s; IAM policies decide, and the root user of an account needs none.", t.q.Action)
	case t.q.Rule == decision.IdentityOnly:
		return RuleIAMOnly, fmt.Sprintf("No key policy speaks about %s: IAM policies alone decide, and %s allows.", t.q.Action, named(iam))
	case t.q.Rule == decision.Trust:
		return t.trusted(key, iam)
	case t.d.Layer == decision.LayerIdentity && foreign(t.q):
		return RuleBothSides, fmt.Sprintf("The key is another account's, so both sides must allow, and both do: the key policy of account %s (%s), "+
			"and in account %s the IAM policy %s.", t.owner(), listed(key), t.home(), named(iam))
	case t.d.Layer == decision.LayerIdentity:
		return RuleDelegation, fmt.Sprintf("The key policy (%s) names the account %s: that delegates to IAM policies, and grants nothing by itself. "+
			"The IAM policy %s allows.", listed(key), t.owner(), named(iam))
	}
	return t.direct(key)
}

// direct is a key policy that allows without IAM policies.
func (t *teacher) direct(key []Statement) (Rule, string) {
	has := func(v decision.Via) bool {
		return slices.ContainsFunc(key, func(s Statement) bool { return slices.Contains(s.Via, v) })
	}
	list := listed(key)
	switch {
	case t.q.Principal.Type == decision.Service:
		return RuleService, fmt.Sprintf("The key policy (%s) allows the service itself. A service has no account, so no IAM policy and no SCP takes part.", list)
	case t.q.Principal.Type == decision.Root && !has(decision.ViaEveryone):
		return RuleAccountRoot, fmt.Sprintf("The key policy (%s) names the account %s. For users and roles that would delegate to IAM policies; the root user needs none.",
			list, t.home())
	case has(decision.ViaUser), has(decision.ViaRole), has(decision.ViaSession):
		return RuleDirect, fmt.Sprintf("The key policy (%s) names %s itself. Within the account that grants: no IAM policy is needed beside it.", list, t.who())
	}
	return RuleEveryone, fmt.Sprintf(`The key policy (%s) allows everyone ("*") under its conditions. Within the account that grants to each principal: no IAM policy is needed beside it.`, list)
}

func (t *teacher) trusted(key, iam []Statement) (Rule, string) {
	switch {
	case len(iam) > 0 && foreign(t.q):
		return RuleBothSides, fmt.Sprintf("The role is another account's, so both sides must allow, and both do: its trust policy (%s), and the IAM policy %s.",
			named(key), named(iam))
	case len(iam) > 0:
		return RuleTrust, fmt.Sprintf("The trust policy (%s) names the account, which delegates to IAM policies. The IAM policy %s allows.", named(key), named(iam))
	}
	return RuleTrust, fmt.Sprintf("The trust policy (%s) allows %s.", named(key), t.who())
}

// inLayer says where statements of a layer stand.
var inLayer = map[decision.Layer]string{
	decision.LayerGuardrail: "guardrail", decision.LayerSCP: "service control policy", decision.LayerRCP: "resource control policy",
	decision.LayerEndpoint: "VPC endpoint policy", decision.LayerBoundary: "permissions boundary", decision.LayerSession: "session policy",
	decision.LayerIdentity: "IAM policy", decision.LayerResource: "key policy",
}

// denied tells of explicit denies.
func (t *teacher) denied() string {
	layer := inLayer[t.d.Layer]
	if t.q.Rule == decision.Trust && t.d.Layer == decision.LayerResource {
		layer = "trust policy"
	}
	if t.d.Layer == decision.LayerGuardrail {
		var reasons []string
		for _, s := range t.said(decision.LayerGuardrail, policy.Deny) {
			reasons = append(reasons, s.Reason)
		}
		return "A guardrail of the organization refuses: " + strings.Join(reasons, "; ") + ". No Allow and no grant overrides a guardrail."
	}
	denies := t.settled(t.d.Layer)
	text := fmt.Sprintf("An explicit Deny in %s %s, %s, wins over every Allow and every grant, wherever they stand.", article(layer), layer, named(denies))
	if held := t.b.held(t.q, denies); held != "" {
		text += " It matches because " + held + "."
	}
	var void []string
	for _, l := range []decision.Layer{decision.LayerIdentity, decision.LayerResource} {
		if allows := t.said(l, policy.Allow); len(allows) > 0 {
			void = append(void, fmt.Sprintf("%s, %s,", inLayer[l], named(allows)))
		}
	}
	if len(void) > 0 {
		text += " So the Allow in the " + strings.Join(void, " and the one in the ") + " counts for nothing here."
	}
	return text
}

func article(noun string) string {
	if strings.HasPrefix(noun, "IAM") {
		return "an"
	}
	return "a"
}

// unguarded tells which levels of SCPs lack an Allow.
func (t *teacher) unguarded() string {
	var levels []string
	for _, l := range t.x.Layers {
		if l.Layer == decision.LayerSCP && l.Result == Silent {
			levels = append(levels, strings.TrimPrefix(l.Name, "SCPs of "))
		}
	}
	return fmt.Sprintf("Each level of the organization over account %s must have a service control policy that allows %s; %s has none. "+
		"SCPs grant nothing: they limit what an account's policies can give, its root user included.", t.home(), t.q.Action, strings.Join(levels, " and "))
}

func (t *teacher) endpoint() string {
	if ids := t.q.Context["aws:sourcevpce"]; len(ids) > 0 {
		return ids[0]
	}
	return "the endpoint"
}

func (t *teacher) session() string {
	if t.q.Principal.Type == decision.Federated && t.q.Session == nil {
		return fmt.Sprintf("%s is a federated session without a session policy, so it has none of the permissions of the user who began it: "+
			"only a key policy that names the session itself would give it some.", t.who())
	}
	return fmt.Sprintf("The session policy that this session of %s came with does not allow %s. "+
		"A session policy grants nothing: it limits what the session takes from IAM policies and from a key policy that names the role.", t.who(), t.q.Action)
}
