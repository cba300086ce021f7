package analysis

import (
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A sharedProvider identifies anybody who signs up with it, whoever trusts it.
type sharedProvider struct {
	// subject of somebody whom nobody knows.
	subject string
	// audience: whoever asks for a token chooses for whom it is.
	audience bool
}

// sharedProviders are those by the beginning of their condition keys. Of the
// providers of builds, subjects begin with what they are built for.
var sharedProviders = map[string]sharedProvider{
	"token.actions.githubusercontent.com": {subject: "repo:somebody-else/some-repository:ref:refs/heads/main", audience: true},
	"gitlab.com":                          {subject: "project_path:somebody-else/some-project:ref_type:branch:ref:main", audience: true},
	"app.terraform.io":                    {subject: "organization:somebody-else:project:some-project:workspace:some-workspace:run_phase:apply", audience: true},
	"agent.buildkite.com":                 {subject: "organization:somebody-else:pipeline:some-pipeline:ref:refs/heads/main:commit:0a1b2c3d:step:build", audience: true},
	"accounts.google.com":                 {subject: "100000000000000000000"},
	"www.amazon.com":                      {subject: "amzn1.account.SOMEBODYELSE"},
	"graph.facebook.com":                  {subject: "10000000000000000"},
	"cognito-identity.amazonaws.com":      {subject: "us-east-1:00000000-0000-0000-0000-000000000000"},
}

// audiences are the names of the key for whom a token is, by provider.
var audiences = map[string]string{"www.amazon.com": ":app_id", "graph.facebook.com": ":app_id"}

// assumers looks for statements of a trust policy by which strangers, or other
// accounts, may assume the role.
func (c *checker) assumers() error {
	for _, s := range c.statements(policy.Allow) {
		public, err := c.assumable(s)
		if err != nil {
			return err
		}
		if public {
			continue
		}
		if err := c.crossAccount(s); err != nil {
			return err
		}
	}
	return nil
}

// assumable tells whether anybody may assume the role by a statement.
func (c *checker) assumable(s *statement) (bool, error) {
	if s.everyone || s.source.NotPrincipal {
		w, state, err := c.found("KR_PUBLIC_ROLE", s, search{matching: []*statement{s}, callers: func(x *Caller) bool { return x.Outside }})
		if err != nil {
			return false, err
		}
		if state == Found {
			f := c.report("KR_PUBLIC_ROLE", s, s.principalPlace(), "Anybody, of any account, may call %s on the role.", w.Action)
			return true, c.witness(f, w, "")
		}
	}
	for _, x := range c.u.callers {
		shared, known := sharedProviders[x.host()]
		if x.provider == "" || !known || !slices.ContainsFunc(s.source.Principals, func(p policy.Principal) bool { return p.Text == x.provider || p.Type == policy.Everyone }) {
			continue
		}
		host := x.host()
		keys := map[string][]string{host + subjectOf: {shared.subject}}
		if !shared.audience {
			audience := audiences[host]
			if audience == "" {
				audience = ":aud"
			}
			keys[host+audience] = []string{"somebody-elses-application"}
		}
		w, state, err := c.found("KR_PUBLIC_ROLE", s, search{matching: []*statement{s}, callers: func(y *Caller) bool { return y.key() == x.key() }, keys: keys})
		if err != nil {
			return false, err
		}
		if state == Found {
			f := c.report("KR_PUBLIC_ROLE", s, s.principalPlace(), "Anybody whom %s identifies may call %s on the role. Ask for %s%s.", host, w.Action, host, subjectOf)
			return true, c.witness(f, w, "")
		}
	}
	return false, nil
}
