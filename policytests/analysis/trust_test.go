package analysis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// trusts is a statement of a trust policy.
func trusts(effect, principal, actions, condition string) string {
	return strings.Replace(says(effect, principal, actions, condition), `,"Resource":"*"`, "", 1)
}

const github = `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`

func TestTrustPoliciesAreCheckedByMeaning(t *testing.T) {
	const assume, web = `"sts:AssumeRole"`, `"sts:AssumeRoleWithWebIdentity"`
	own := trusts("Allow", `{"AWS":"arn:aws:iam::111122223333:root"}`, assume, "")
	undecided := []string{"KR_PUBLIC_ROLE unknown", "KR_UNREACHABLE_ALLOW unknown"}
	builds := func(subject string) string {
		return trusts("Allow", github, web, `{"StringLike":{"token.actions.githubusercontent.com:sub":`+subject+`}}`)
	}
	for name, row := range map[string]struct {
		policy string
		want   []string
	}{
		"the account":                       {own, []string{}},
		"a service":                         {trusts("Allow", `{"Service":"ec2.amazonaws.com"}`, assume, ""), []string{}},
		"anybody":                           {trusts("Allow", `{"AWS":"*"}`, assume, ""), []string{"KR_PUBLIC_ROLE"}},
		"anybody who knows a word":          {trusts("Allow", `{"AWS":"*"}`, assume, `{"StringEquals":{"sts:ExternalId":"sesame"}}`), []string{"KR_PUBLIC_ROLE"}},
		"anybody of the organization":       {trusts("Allow", `{"AWS":"*"}`, assume, `{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorg"}}`), []string{}},
		"roles of a name, in any account":   {trusts("Allow", `{"AWS":"*"}`, assume, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ci"}}`), []string{"KR_PUBLIC_ROLE"}},
		"another account":                   {own + "," + trusts("Allow", `{"AWS":"arn:aws:iam::444455556666:root"}`, assume, ""), []string{"KR_CROSS_ACCOUNT"}},
		"builds of anybody":                 {trusts("Allow", github, web, `{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}`), []string{"KR_PUBLIC_ROLE"}},
		"builds like anything":              {trusts("Allow", github, web, `{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*:ref:refs/heads/main"}}`), []string{"KR_PUBLIC_ROLE"}},
		"builds of somebody":                {trusts("Allow", github, web, `{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:example/*"}}`), []string{}},
		"builds of an environment":          {builds(`"repo:*:environment:prod"`), []string{"KR_PUBLIC_ROLE"}},
		"builds of any pull request":        {builds(`"repo:*:pull_request"`), []string{"KR_PUBLIC_ROLE"}},
		"builds of tags":                    {builds(`"repo:*:ref:refs/tags/*"`), []string{"KR_PUBLIC_ROLE"}},
		"builds of a name, of anybody":      {builds(`"repo:*/infra:ref:refs/heads/main"`), []string{"KR_PUBLIC_ROLE"}},
		"builds of whatever begins so":      {builds(`"repo:example*"`), []string{"KR_PUBLIC_ROLE"}},
		"builds by what they end with":      {builds(`"*:environment:prod"`), []string{"KR_PUBLIC_ROLE"}},
		"builds of somebody, or of anybody": {builds(`["repo:example/*","repo:*:environment:prod"]`), []string{"KR_PUBLIC_ROLE"}},
		"builds of either of two":           {builds(`["repo:example/*","repo:other/app:*"]`), []string{}},
		"builds of an owner by number":      {builds(`"repository_owner_id:1234:*"`), []string{}},
		"builds asked for twice": {trusts("Allow", github, web,
			`{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*:environment:prod"},"StringEquals":{"token.actions.githubusercontent.com:repository_owner":"example"}}`), []string{}},
		"builds of others are denied": {builds(`"repo:*:environment:prod"`) + "," + trusts("Deny", github, web,
			`{"StringNotLike":{"token.actions.githubusercontent.com:sub":"repo:example/*"}}`), []string{}},
		"users of an application":          {trusts("Allow", `{"Federated":"accounts.google.com"}`, web, `{"StringEquals":{"accounts.google.com:aud":"1234"}}`), []string{}},
		"users of any application":         {trusts("Allow", `{"Federated":"accounts.google.com"}`, web, ""), []string{"KR_PUBLIC_ROLE"}},
		"users of a provider of one's own": {trusts("Allow", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.example.com"}`, web, ""), []string{}},
		"users of a directory":             {trusts("Allow", `{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}`, `"sts:AssumeRoleWithSAML"`, `{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}`), []string{}},
		"what is said twice":               {own + "," + trusts("Allow", `{"AWS":"arn:aws:iam::111122223333:root"}`, assume, `{"StringEquals":{"sts:ExternalId":"a"}}`), []string{"REDUNDANT_STATEMENT"}},
		"what no request can meet":         {own + "," + trusts("Allow", `{"AWS":"arn:aws:iam::111122223333:user/bob"}`, assume, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"5"},"Bool":{"aws:MultiFactorAuthPresent":"false"}}`), []string{"KR_UNREACHABLE_ALLOW"}},
		"a Deny that covers an Allow":      {trusts("Allow", `{"AWS":"arn:aws:iam::111122223333:user/bob"}`, assume, "") + "," + trusts("Deny", `{"AWS":"*"}`, assume, ""), []string{"KR_UNREACHABLE_ALLOW"}},
		"a Deny for nobody":                {own + "," + trusts("Deny", `{"AWS":"arn:aws:iam::444455556666:user/eve"}`, assume, ""), []string{"KR_DENY_WITHOUT_EFFECT"}},
		"a key that is not looked at":      {trusts("Allow", `{"AWS":"*"}`, assume, `{"NumericLessThanEquals":{"sts:DurationSeconds":"3600"}}`), undecided},
		"a tag of the role":                {trusts("Allow", `{"AWS":"*"}`, assume, `{"StringEquals":{"aws:ResourceTag/stage":"test"}}`), undecided},
		"a tag of the role, by IAM":        {trusts("Allow", `{"AWS":"*"}`, assume, `{"StringEquals":{"iam:ResourceTag/stage":"test"}}`), undecided},
		"a session that a directory began": {trusts("Allow", `{"AWS":"*"}`, assume, `{"StringEquals":{"saml:sub":"somebody"}}`), undecided},
		"a session that a provider began":  {trusts("Allow", `{"AWS":"*"}`, assume, `{"StringEquals":{"accounts.google.com:aud":"1234"}}`), undecided},
		"a word beside tags":               {own + "," + trusts("Allow", `{"AWS":"*"}`, `"sts:TagSession"`, `{"StringEquals":{"sts:ExternalId":"sesame"}}`), undecided},
		"a key that is merely there":       {trusts("Allow", `{"AWS":"arn:aws:iam::111122223333:root"}`, assume, `{"StringLike":{"sts:ExternalId":"*"}}`), []string{"EQUIVALENT_TO_NULL_FALSE"}},
	} {
		found, err := CheckDocument(t.Context(), parse(t, policy.Trust, full(row.policy)), lint.Options{Account: "111122223333"})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, ids(found), "%s: %v", name, found)
		for _, f := range found {
			r, known := lint.RuleNamed(f.Rule)
			assert.True(t, known && r.ByMeaning && r.On(policy.Trust), f.Rule)
		}
	}
}

func TestWhoMayNewlyAssumeARoleOfAWorldIsFound(t *testing.T) {
	of := func(trust, iam string) *Universe {
		w := loadWorld(t, `
accounts:
  "111122223333":
    users: {bob: {policies: {use: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "`+iam+`", Resource: "*"}}}}, eve: {}}
    roles: {app: {trust: {Version: 2012-10-17, Statement: `+trust+`}}}
`)
		u, err := OfRole(w, w.RoleByName("111122223333", "app"), Config{})
		require.NoError(t, err)
		return u
	}
	const account = `{Effect: Allow, Principal: {AWS: "111122223333"}, Action: "sts:AssumeRole"}`
	classes := func(changes []Change) (all []string) {
		for _, c := range changes {
			all = append(all, c.Class+" "+strings.Join(c.Actions, " "))
			assert.True(t, c.Witness.Decision.Allowed)
		}
		return all
	}
	for name, row := range map[string]struct {
		trust, iam string
		want       []string
	}{
		"nothing":                 {account, "kms:*", nil},
		"an IAM policy":           {account, "sts:*", []string{"user/bob@111122223333 sts:AssumeRole"}},
		"a user by name":          {`{Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:user/eve"}, Action: "sts:AssumeRole"}`, "kms:*", []string{"user/eve@111122223333 sts:AssumeRole"}},
		"strangers by their tags": {`{Effect: Allow, Principal: "*", Action: "sts:AssumeRole", Condition: {StringEquals: {"aws:PrincipalTag/a": b}}}`, "kms:*", []string{"any other account sts:AssumeRole"}},
		"users of a provider":     {`{Effect: Allow, Principal: {Federated: accounts.google.com}, Action: "sts:AssumeRoleWithWebIdentity"}`, "kms:*", []string{"accounts.google.com sts:AssumeRoleWithWebIdentity"}},
	} {
		d, err := Diff(t.Context(), of(account, "kms:*"), of(row.trust, row.iam), nil)
		require.NoError(t, err, name)
		assert.Equal(t, row.want, classes(d.Granted), name)
		assert.Empty(t, d.Unknown, name)
	}
}
