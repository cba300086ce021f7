package check

import (
	"embed"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Rules about what is linted rather than about policies.
const (
	ruleUnsettled = "KR_UNSETTLED_VALUE"
	ruleUnused    = "KR_IGNORE_UNUSED"
	ruleExpired   = "KR_IGNORE_EXPIRED"
	ruleUndecided = "KR_UNDECIDED"
)

// notIgnored are rules that no entry of a configuration sets aside: that a
// policy, or a part of one, was not looked at must not end as "fine".
var notIgnored = []string{policy.CodeSyntax, ruleUndecided, ruleUnsettled}

// ownRules are beside those of rego/lint.
var ownRules = []lint.Rule{
	{ID: ruleExpired, Severity: lint.Warning, Title: "What an entry of the configuration ignored counts again."},
	{ID: ruleUnused, Severity: lint.Warning, Title: "An entry of the configuration ignores nothing."},
	{ID: ruleUndecided, Severity: lint.Warning, ByMeaning: true, Title: "The checks by meaning could not be made, or not of all."},
	{ID: ruleUnsettled, Severity: lint.Warning, Title: "A part of a policy is known at deployment only."},
}

//go:embed pages/*.md
var pages embed.FS

// Rule finds a rule of rego/lint or of this package, with its page, by its id
// or by one that another tool has for it.
func Rule(id string) (rule lint.Rule, page string, ok bool) {
	if rule, ok := lint.RuleNamed(id); ok {
		return rule, rule.Page(), true
	}
	for _, r := range ownRules {
		if strings.EqualFold(r.ID, id) {
			text, err := pages.ReadFile("pages/" + r.ID + ".md")
			return r, string(text), err == nil
		}
	}
	return lint.Rule{}, "", false
}

// Rules lists all rules by id.
func Rules() []lint.Rule {
	return sortedRules(append(append([]lint.Rule{}, lint.Rules...), ownRules...))
}

// RuleIDs lists the ids of all rules.
func RuleIDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

func sortedRules(all []lint.Rule) []lint.Rule {
	slices.SortFunc(all, func(a, b lint.Rule) int { return strings.Compare(a.ID, b.ID) })
	return all
}
