package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// here tells callers of the account that owns the key.
func (c *checker) here(x *Caller) bool { return x.Account == c.own && x.Account != "" }

// direct tells callers that have nothing but what the key policy gives them: of
// the key's account those without IAM policies, of others those that may do all
// that their own account can give.
func (c *checker) direct(x *Caller) bool {
	if !c.u.open {
		return x.Type != decision.Root && x.Type != decision.Service && !x.strange()
	}
	switch {
	case x.Type == decision.Root || x.Type == decision.Service || x.strange():
		return false
	case c.u.kind != policy.Key:
		return x.Variation == ""
	default:
		return x.Account != c.own || x.Variation == withoutPolicies
	}
}

// statements lists the statements of an effect.
func (c *checker) statements(e policy.Effect) []*statement {
	var all []*statement
	for _, s := range c.document.statements {
		if s.source.Effect == e {
			all = append(all, s)
		}
	}
	return all
}

// actionsOf lists the actions for which a search finds a request.
func (c *checker) actionsOf(s search) ([]string, error) {
	var all []string
	s.shown = false
	for _, class := range c.sp.classes() {
		if s.actions = []string{class[0].Name}; !slices.ContainsFunc(s.matching, func(x *statement) bool { return !x.actions[actionIndex[class[0].Name]] }) {
			a, err := c.find(s)
			if err != nil {
				return nil, err
			}
			if a.State == Found {
				for _, action := range class {
					all = append(all, action.Name)
				}
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// exposure looks for statements that let in whoever they should not: anybody,
// other accounts, or everybody in the account without IAM policies.
func (c *checker) exposure() error {
	for _, s := range c.statements(policy.Allow) {
		if s.source.NotPrincipal || s.everyone {
			public, err := c.public(s)
			if err != nil {
				return err
			}
			if err := c.star(s, public); err != nil {
				return err
			}
			if public {
				continue
			}
		}
		if err := c.crossAccount(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) public(s *statement) (bool, error) {
	q := search{matching: []*statement{s}, callers: func(x *Caller) bool { return x.Outside }}
	w, state, err := c.found("KR_PUBLIC_KEY", s, q)
	if err != nil || state != Found {
		return false, err
	}
	actions, err := c.actionsOf(q)
	if err != nil {
		return false, err
	}
	f := c.report("KR_PUBLIC_KEY", s, s.principalPlace(), "Anybody, of any account, may call %s.", listed(actions))
	return true, c.witness(f, w, "")
}

func (c *checker) crossAccount(s *statement) error {
	var accounts []string
	var shown *Witness
	actions, asked := map[string]bool{}, map[string]bool{}
	for _, x := range c.u.callers {
		a := x.Account
		if a == "" || a == c.own || x.strange() || slices.Contains(c.o.Trusted, a) || asked[a] {
			continue
		}
		asked[a] = true
		q := search{matching: []*statement{s}, callers: func(y *Caller) bool { return y.Account == a }}
		w, state, err := c.found("KR_CROSS_ACCOUNT", s, q)
		if err != nil {
			return err
		}
		if state != Found {
			continue
		}
		names, err := c.actionsOf(q)
		if err != nil {
			return err
		}
		for _, n := range names {
			actions[n] = true
		}
		accounts = append(accounts, a)
		if shown == nil {
			shown = w
		}
	}
	if len(accounts) == 0 {
		return c.members(s)
	}
	f := c.report("KR_CROSS_ACCOUNT", s, s.principalPlace(), "Account %s may call %s. If it is trusted, say so with --trusted.",
		listed(accounts), listed(sortedKeys(actions)))
	return c.witness(f, shown, "")
}

// members looks for a statement of a key policy that lets in all accounts of an
// organization.
func (c *checker) members(s *statement) error {
	if c.u.kind == policy.Trust {
		return nil
	}
	q := search{matching: []*statement{s}, callers: func(x *Caller) bool { return x.Member }}
	w, state, err := c.found("KR_CROSS_ACCOUNT", s, q)
	if err != nil || state != Found {
		return err
	}
	actions, err := c.actionsOf(q)
	if err != nil {
		return err
	}
	whose := "an organization"
	if id := w.Keys["aws:principalorgid"]; len(id) == 1 {
		whose = "organization " + id[0]
	}
	f := c.report("KR_CROSS_ACCOUNT", s, s.principalPlace(), "All accounts of %s may call %s.", whose, listed(actions))
	return c.witness(f, w, "")
}

// star looks for a "*" that gives everybody in the account what their IAM
// policies do not.
func (c *checker) star(s *statement, public bool) error {
	if c.u.loose.AWSManaged || !c.u.open {
		return nil
	}
	q := search{matching: []*statement{s}, callers: func(x *Caller) bool { return c.here(x) && x.Fresh && x.Variation == withoutPolicies }}
	if !public {
		q.extra = []*condition{c.asks.direct}
	}
	w, state, err := c.found("KR_STAR_IS_NOT_DELEGATION", s, q)
	if err != nil || state != Found {
		return err
	}
	f := c.report("KR_STAR_IS_NOT_DELEGATION", s, s.principalPlace(),
		"Everybody in account %s may do this, without any IAM policy. To leave it to IAM policies, name the account: arn:%s:iam::%s:root.",
		c.own, c.u.world.Partition(), c.own)
	if !public {
		f.Severity = lint.Warning
	}
	return c.witness(f, w, "")
}

// lockout looks for a policy that nobody can change.
func (c *checker) lockout() error {
	if c.key.decided.AWSManaged {
		return nil
	}
	q := search{actions: []string{"kms:PutKeyPolicy"}, callers: func(x *Caller) bool { return x.Type != decision.Service && !x.strange() }}
	_, state, err := c.found("KR_LOCKOUT_ALL", nil, q)
	if err != nil || state != Proved {
		return err
	}
	w, err := c.refused("kms:PutKeyPolicy", func(x *Caller) bool { return c.here(x) && x.Type == decision.Root })
	if err != nil {
		return err
	}
	f := c.whole("KR_LOCKOUT_ALL", c.document, "Nobody may call kms:PutKeyPolicy, so nobody can ever change this policy, not even the account's root user.")
	return c.witness(f, w, "")
}

// refused finds a request that is refused.
func (c *checker) refused(action string, callers func(*Caller) bool) (*Witness, error) {
	f := &finder{space: c.sp, refused: []variant{{u: c.u}}, query: Query{Actions: []string{action}, Callers: func(x Caller) bool { return callers(&x) }}}
	a, err := f.find(c.ctx)
	return a.Witness, err
}

// lockoutOfCaller asks what the service asks before it takes a policy.
func (c *checker) lockoutOfCaller() error {
	if c.o.By == "" || c.key.decided.AWSManaged {
		return nil
	}
	i := slices.IndexFunc(c.u.callers, func(x *Caller) bool { return x.ARN == c.o.By || x.who.PrincipalARN() == c.o.By })
	if i < 0 {
		c.unknown("KR_LOCKOUT_CALLER", nil, fmt.Sprintf("There is no principal %s here, so it is not known whether it would be locked out.", c.o.By))
		return nil
	}
	call := ask.Call{World: c.u.world, Caller: c.u.callers[i].who}
	call.Request.Now, call.Request.Secure, call.Request.Region = c.u.cfg.Now, true, c.key.region
	err := call.Lockout(c.ctx, c.u.cfg.Engine, c.key.asked, *c.key.policy)
	var locked policy.Errors
	if !errors.As(err, &locked) {
		return err
	}
	w, err := c.refused("kms:PutKeyPolicy", func(x *Caller) bool { return x == c.u.callers[i] || x.key() == c.u.callers[i].key() })
	if err != nil {
		return err
	}
	f := c.whole("KR_LOCKOUT_CALLER", c.document, "%s could not change the policy again; the service refuses such a policy, unless told to bypass the check.", c.o.By)
	return c.witness(f, w, "")
}

// delegation looks whether IAM policies count.
func (c *checker) delegation() error {
	if c.key.decided.AWSManaged {
		return nil
	}
	delegates, repairs := false, false
	for _, s := range c.statements(policy.Allow) {
		if s.source.NotPrincipal || !slices.Contains(s.principals, party{byAccount, c.own}) {
			continue
		}
		a, err := c.find(search{matching: []*statement{s}, callers: c.here})
		if err != nil {
			return err
		}
		delegates = delegates || a.State != Proved
		a, err = c.find(search{matching: []*statement{s}, callers: c.here, actions: []string{"kms:PutKeyPolicy"}})
		if err != nil {
			return err
		}
		repairs = repairs || a.State != Proved
	}
	told := slices.ContainsFunc(c.findings, func(f lint.Finding) bool { return f.Rule == "KR_LOCKOUT_ALL" || f.Rule == "KR_STAR_IS_NOT_DELEGATION" })
	switch {
	case told || repairs:
	case delegates:
		c.whole("KR_ROOT_DELEGATION_NARROW", c.document, "IAM policies of account %s count for some actions, but not for kms:PutKeyPolicy. "+
			"If the principals that may change the policy are deleted, nobody can.", c.own)
	default:
		c.whole("KR_ROOT_DELEGATION_MISSING", c.document, "No statement names account %s, so its IAM policies have no effect on the key. "+
			"If the principals that may change the policy are deleted, nobody can.", c.own)
	}
	return nil
}

// settled finds the statement that made the engine allow a request.
func (c *checker) settled(w *Witness) *statement {
	e := w.Decision.Evidence()
	for _, s := range e.SettledBy {
		var from []decision.Policy
		switch s.Layer {
		case decision.LayerIdentity:
			from = w.Question.Identity
		case decision.LayerResource:
			from = []decision.Policy{*w.Question.KeyPolicy}
		}
		for i := range from {
			d := c.u.document(&from[i])
			if from[i].Name == s.Policy && from[i].ARN == s.ARN && (d == c.document || !c.u.open) && s.Index < len(d.statements) {
				return d.statements[s.Index]
			}
		}
	}
	return nil
}

// mentioned are the condition keys with a prefix that policies speak of.
func (c *checker) mentioned(prefix string) []string {
	var all []string
	for _, key := range sortedKeys(c.sp.conditions) {
		if strings.HasPrefix(key, prefix) {
			all = append(all, key)
		}
	}
	return all
}
