package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A sharedProvider identifies anybody who signs up with it, whoever trusts it.
type sharedProvider struct {
	// claims by which a policy can tell its own people from anybody else, that
	// with whom the provider has identified first.
	claims []sharedClaim
	// audience is the end of the key for whom a token is; empty, if whoever asks
	// for a token chooses it.
	audience string
}

// A sharedClaim is what a shared provider says of whom it has identified.
type sharedClaim struct {
	suffix string // of the condition key, after the provider's host name
	// stranger is what it says of somebody whom nobody knows.
	stranger string
	// owners are the ways to begin a value that lead to its owner. Without them
	// only a whole value tells whose it is.
	owners []owner
}

// An owner stands in a claim between what comes before it and the character
// that ends it.
type owner struct{ before, end string }

// sharedProviders are those by the beginning of their condition keys.
var sharedProviders = map[string]sharedProvider{
	"token.actions.githubusercontent.com": {claims: []sharedClaim{
		{subjectOf, "repo:somebody-else/some-repository:ref:refs/heads/main", []owner{
			{"repo:", "/"}, {"repository:", "/"}, {"repository_owner:", ":"}, {"repository_owner_id:", ":"}, {"repository_id:", ":"},
			{"enterprise:", ":"}, {"enterprise_id:", ":"}}},
		{":repository", "somebody-else/some-repository", []owner{{"", "/"}}},
		{":repository_owner", "somebody-else", nil},
		{":repository_owner_id", "10000000", nil},
		{":repository_id", "100000000", nil},
		{":enterprise", "some-enterprise", nil},
		{":enterprise_id", "10000", nil},
	}},
	"gitlab.com": {claims: []sharedClaim{
		{subjectOf, "project_path:somebody-else/some-project:ref_type:branch:ref:main", []owner{{"project_path:", "/"}}},
		{":project_path", "somebody-else/some-project", []owner{{"", "/"}}},
		{":namespace_path", "somebody-else", []owner{{"", "/"}}},
		{":namespace_id", "10000000", nil},
		{":project_id", "10000000", nil},
	}},
	"app.terraform.io": {claims: []sharedClaim{
		{subjectOf, "organization:somebody-else:project:some-project:workspace:some-workspace:run_phase:apply", []owner{{"organization:", ":"}}},
		{":terraform_organization_name", "somebody-else", nil},
		{":terraform_organization_id", "org-0123456789abcdef", nil},
		{":terraform_workspace_id", "ws-0123456789abcdef", nil},
	}},
	"agent.buildkite.com": {claims: []sharedClaim{
		{subjectOf, "organization:somebody-else:pipeline:some-pipeline:ref:refs/heads/main:commit:0a1b2c3d:step:build", []owner{{"organization:", ":"}}},
		{":organization_slug", "somebody-else", nil},
		{":organization_id", "00000000-0000-0000-0000-000000000000", nil},
	}},
	"accounts.google.com":            {claims: []sharedClaim{{subjectOf, "100000000000000000000", nil}}, audience: ":aud"},
	"www.amazon.com":                 {claims: []sharedClaim{{subjectOf, "amzn1.account.SOMEBODYELSE", nil}}, audience: ":app_id"},
	"graph.facebook.com":             {claims: []sharedClaim{{subjectOf, "10000000000000000", nil}}, audience: ":app_id"},
	"cognito-identity.amazonaws.com": {claims: []sharedClaim{{subjectOf, "us-east-1:00000000-0000-0000-0000-000000000000", nil}}, audience: ":aud"},
}

// pinned tells whether all that fits an operand is of one owner, by the text
// before its first wildcard or variable.
func (k sharedClaim) pinned(v policy.Value) bool {
	text, whole := v.Literal()
	if !whole {
		text = ""
		if len(v.Parts) > 0 && v.Parts[0].Kind == policy.Literal {
			text = v.Parts[0].Text
		}
	}
	for _, o := range k.owners {
		name, begins := strings.CutPrefix(text, o.before)
		if who, _, ended := strings.Cut(name, o.end); begins && who != "" && (ended || whole) {
			return true
		}
	}
	return whole && k.owners == nil
}

// strangers are values of a claim that may be said of anybody: for each way in
// which conditions take values, unless they are of an owner whom some condition
// pins.
func (k sharedClaim) strangers(sp *space, key string) []string {
	all := []string{k.stranger}
	conditions := sp.conditions[key]
	for _, value := range sp.choice(key).values {
		owned := func(o operand) bool { return k.pinned(o.value) && !o.never && o.fixed.matches(value) }
		if !strings.ContainsAny(value, "*?") && !slices.ContainsFunc(conditions, func(c *condition) bool { return slices.ContainsFunc(c.operands, owned) }) {
			all = append(all, value)
		}
	}
	return unique(all)
}

// advice says what a policy is to ask for.
func (p sharedProvider) advice(host string) string {
	key := host + p.claims[0].suffix
	if len(p.claims[0].owners) == 0 {
		return "Ask for " + key + "."
	}
	o := p.claims[0].owners[0]
	return "Ask for " + key + " to begin with " + o.before + "OWNER" + o.end + ", the owner written out."
}

// maxSharers bounds the users of one provider that are tried for a statement.
const maxSharers = 256

// strangers are the condition keys of people whom nobody knows, as a shared
// provider tells of them; complete, unless there are too many.
func (p sharedProvider) strangers(sp *space, host string) (all []map[string][]string, complete bool) {
	all = []map[string][]string{{}}
	if p.audience != "" {
		all[0][host+p.audience] = []string{"somebody-elses-application"}
	}
	complete = true
	for _, k := range p.claims {
		key := host + k.suffix
		if len(sp.conditions[key]) == 0 && k.suffix != subjectOf {
			continue
		}
		var next []map[string][]string
		values := k.strangers(sp, key)
		for _, value := range values {
			for _, keys := range all {
				more := map[string][]string{key: {value}}
				for name, values := range keys {
					more[name] = values
				}
				next = append(next, more)
			}
		}
		complete = complete && len(next) <= maxSharers && sp.limits[key] == ""
		all = next[:min(len(next), maxSharers)]
	}
	return all, complete
}
