package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Rule is a row of the table of rules.
type Rule struct {
	// ID is the issue code of IAM Access Analyzer where it has the rule, and
	// otherwise starts with KR_ or is the name that another tool gave it.
	ID       string
	Severity Severity
	// Title says in one line what is found.
	Title string
	// Kinds of policies that the rule looks at.
	Kinds []policy.Kind
	// Grants: the rule looks at grants.
	Grants bool
	// ByMeaning: found by asking what is decided, not by the form of one
	// document; policytests/analysis finds it.
	ByMeaning bool
	// Also are ids that other tools have for it.
	Also []string
}

// On tells whether the rule looks at policies of kind k.
func (r Rule) On(k policy.Kind) bool { return slices.Contains(r.Kinds, k) }

// Rules is the whole table, sorted by ID.
var Rules = sorted(grammarRules, versionRules, actionRules, arnRules, principalRules, conditionRules, typeRules, variableRules,
	tagRules, guardrailRules, trustRules, endpointRules, attestationRules, keyRules, grantRules)

func sorted(tables ...[]Rule) []Rule {
	rows := slices.Concat(tables...)
	slices.SortFunc(rows, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

var rulesByName = func() map[string]*Rule {
	m := map[string]*Rule{}
	for i := range Rules {
		m[strings.ToUpper(Rules[i].ID)] = &Rules[i]
	}
	for i := range Rules {
		for _, id := range Rules[i].Also {
			if name := strings.ToUpper(id); m[name] == nil {
				m[name] = &Rules[i]
			}
		}
	}
	return m
}()

// RuleNamed finds a rule by its ID, or by an id that another tool has for it,
// in any case.
func RuleNamed(id string) (Rule, bool) {
	if r := rulesByName[strings.ToUpper(id)]; r != nil {
		return *r, true
	}
	return Rule{}, false
}

// The kinds of policies that rules name together.
var (
	everyKind = []policy.Kind{policy.Key, policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint, policy.Trust}
	// withResource have a Resource element, and actions of kms.
	withResource = []policy.Kind{policy.Key, policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint}
	// withPrincipal name principals; an RCP names everybody.
	withPrincipal = []policy.Kind{policy.Key, policy.Endpoint, policy.Trust}
	// granting allow; the others only limit.
	granting   = []policy.Kind{policy.Key, policy.Identity}
	identities = []policy.Kind{policy.Identity, policy.Boundary, policy.Session}
	onKey      = []policy.Kind{policy.Key}
	onIdentity = []policy.Kind{policy.Identity}
	onSCP      = []policy.Kind{policy.SCP}
	onRCP      = []policy.Kind{policy.RCP}
	onEndpoint = []policy.Kind{policy.Endpoint}
	onTrust    = []policy.Kind{policy.Trust}
)
