package analysis

import (
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

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
		if public, err := c.shared(s, x, shared); public || err != nil {
			return public, err
		}
	}
	return false, nil
}

// shared tells whether anybody whom a shared provider identifies may assume the
// role by a statement. x is its users.
func (c *checker) shared(s *statement, x *Caller, provider sharedProvider) (bool, error) {
	host := x.host()
	all, complete := provider.strangers(c.sp, host)
	for _, keys := range all {
		w, state, err := c.found("KR_PUBLIC_ROLE", s, search{matching: []*statement{s}, callers: func(y *Caller) bool { return y.key() == x.key() }, keys: keys})
		switch {
		case err != nil:
			return false, err
		case state == Unknown:
			return false, nil
		case state == Found:
			f := c.report("KR_PUBLIC_ROLE", s, s.principalPlace(), "Anybody whom %s identifies may call %s on the role. %s", host, w.Action, provider.advice(host))
			return true, c.witness(f, w, "")
		}
	}
	if !complete {
		c.unknown("KR_PUBLIC_ROLE", s, "It could not be decided: there are too many ways in which "+host+" can identify somebody.")
	}
	return false, nil
}
