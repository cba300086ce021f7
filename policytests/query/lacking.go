package query

import (
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// lacking tells of a request that IAM policies or the key policy would have to
// allow, and do not.
func (t *teacher) lacking() (Rule, string) {
	key, iam := t.said(decision.LayerResource, policy.Allow), t.said(decision.LayerIdentity, policy.Allow)
	switch {
	case t.q.Rule == decision.GrantOnly:
		return RuleRetire, fmt.Sprintf("A grant says itself who may retire it: its retiring principal, its grantee if its operations have RetireGrant, "+
			"and the account of the key by its IAM policies. %s is none of those. A key policy has no say.", t.who())
	case t.q.Rule == decision.IdentityOnly:
		return RuleIAMOnly, fmt.Sprintf("No key policy speaks about %s: IAM policies alone decide, and %s.", t.q.Action, t.noIAM())
	case t.q.Rule == decision.Trust:
		return t.untrusted(key)
	case t.q.Principal.Type == decision.Service:
		return RuleService, fmt.Sprintf("A service has no account and no IAM policies: the key policy or a grant must allow %s itself, and neither does.", t.who())
	case absent(t.q):
		return RuleNoKey, fmt.Sprintf("Account %s has no such key. Callers of other accounts are told the same whether a key is absent or closed to them.", t.owner())
	case foreign(t.q):
		return RuleBothSides, t.oneSide(key, iam)
	case len(key) > 0:
		return RuleDelegation, fmt.Sprintf("The key policy (%s) names the account %s: that delegates to IAM policies, and grants nothing by itself. %s.",
			listed(key), t.owner(), upper(t.noIAM()))
	case len(iam) > 0:
		return RuleNoDelegation, fmt.Sprintf("The IAM policy %s allows, but counts for nothing: no statement of the key policy names the account %s for %s, "+
			"so it does not leave the matter to IAM policies. Nor does one name %s itself.", named(iam), t.owner(), t.q.Action, t.who())
	}
	return RuleNothing, fmt.Sprintf("Nothing allows it: the key policy neither names %s nor leaves %s to the account's IAM policies, and %s%s.",
		t.who(), t.q.Action, t.noIAM(), t.noGrant())
}

// oneSide says of a key of another account which side lacks an Allow.
func (t *teacher) oneSide(key, iam []Statement) string {
	rule := fmt.Sprintf("The key is of account %s and the caller of account %s, so both sides must allow. ", t.owner(), t.home())
	switch {
	case len(iam) > 0:
		return rule + fmt.Sprintf("The IAM policy %s does; the key policy of account %s does not, and no grant does%s.", named(iam), t.owner(), t.noGrant())
	case len(key) > 0:
		return rule + fmt.Sprintf("The key policy does (%s); in account %s %s.", listed(key), t.home(), t.noIAM())
	}
	return rule + fmt.Sprintf("Neither does: not the key policy, and in account %s %s.", t.home(), t.noIAM())
}

func (t *teacher) untrusted(key []Statement) (Rule, string) {
	switch {
	case len(key) > 0 && foreign(t.q):
		return RuleBothSides, fmt.Sprintf("The role is another account's, so both sides must allow. Its trust policy does (%s); in account %s %s.", named(key), t.home(), t.noIAM())
	case len(key) > 0:
		return RuleTrust, fmt.Sprintf("The trust policy (%s) names the account, which delegates to IAM policies; %s.", named(key), t.noIAM())
	}
	return RuleTrust, fmt.Sprintf("The trust policy of %s does not allow %s to %s. A role trusts nobody but whom its trust policy names.", t.what(), t.who(), t.q.Action)
}

// noIAM says that IAM policies do not allow.
func (t *teacher) noIAM() string {
	switch {
	case len(t.q.Identity) == 0:
		return t.who() + " has no IAM policies"
	case len(t.said(decision.LayerIdentity, policy.Allow)) > 0:
		return "an IAM policy of " + t.who() + " allows"
	}
	return fmt.Sprintf("no IAM policy of %s allows %s on %s", t.who(), t.q.Action, t.what())
}

func (t *teacher) noGrant() string {
	if len(t.q.Grants) == 0 {
		return ""
	}
	return fmt.Sprintf(" (of %d on the key)", len(t.q.Grants))
}

// upper begins a sentence, unless that begins with somebody's name.
func upper(text string) string {
	if strings.HasPrefix(text, "no ") || strings.HasPrefix(text, "an ") {
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return text
}

// notes are what else an author should know.
func (t *teacher) notes() []string {
	var notes []string
	if state := t.b.refusedByState(t.q); state != "" {
		notes = append(notes, state)
	}
	if !t.d.Allowed {
		notes = append(notes, t.nearGrants()...)
	}
	for _, l := range t.x.Layers {
		if l.More > 0 {
			notes = append(notes, fmt.Sprintf("%d more statements of the %s matched.", l.More, l.Name))
		}
	}
	return notes
}

// nearGrants tells of grants to the caller that do not fit the request.
func (t *teacher) nearGrants() []string {
	var notes []string
	for _, g := range t.q.Grants {
		who := t.who()
		if g.Grantee.Via == decision.ViaAccount {
			who = "account " + t.home()
		}
		if said := policytests.NearGrant(t.q, g, t.b.grantName(t.q, g.ID), who); said != "" {
			notes = append(notes, said)
		}
	}
	return notes
}
