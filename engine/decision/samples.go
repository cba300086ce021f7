package decision

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A sample is a question whose answer is known.
type sample struct {
	name   string
	asked  Question
	reason Reason
	layer  Layer
}

var errSample = errors.New("a known sample was decided otherwise than it must be")

// check decides the samples. An engine that answers one of them otherwise is
// broken, by its build or by its Rego, and must not serve.
func (e *Engine) check(ctx context.Context) error {
	all, err := samples()
	if err != nil {
		return err
	}
	for _, s := range all {
		s.asked.Unguarded = true // they are about the Rego of the library
		d, err := e.Decide(ctx, s.asked)
		if err != nil {
			return fmt.Errorf("deciding the sample %q: %w", s.name, err)
		}
		if d.Reason != s.reason || d.Layer != s.layer || d.Allowed != (s.reason == Allow) {
			return fmt.Errorf("%w: %s: %s %s, not %s %s", errSample, s.name, d.Reason, d.Layer, s.reason, s.layer)
		}
	}
	return nil
}

// samplePolicies are the documents of the samples.
var samplePolicies = map[string]struct {
	kind policy.Kind
	text string
}{
	"delegates": {policy.Key, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}}`},
	"user": {policy.Key, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::111122223333:user/sample"}, "Action": "kms:Decrypt", "Resource": "*"}}`},
	"everyone but": {policy.Key, `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Principal": "*", "Action": "kms:*", "Resource": "*"}, {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt",
		"Resource": "*", "Condition": {"StringNotEquals": {"kms:ViaService": "s3.us-west-2.amazonaws.com"}}}]}`},
	"decrypt": {policy.Identity, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Action": ["kms:Dec*", "kms:CreateKey"], "Resource": "*"}}`},
	"never": {policy.Identity, `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}}`},
	"other": {policy.Boundary, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`},
	"scp":   {policy.SCP, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`},
}

// samples are one question for each way to be allowed and to be refused.
func samples() ([]sample, error) {
	parsed := map[string]Policy{}
	for name, p := range samplePolicies {
		d, err := policy.Parse(p.kind, []byte(p.text))
		if err != nil {
			return nil, fmt.Errorf("parsing the sample policy %q: %w", name, err)
		}
		parsed[name] = Policy{
			Name: name, Owner: "111122223333", Document: d,
			Principals: map[string]string{"arn:aws:iam::111122223333:user/sample": "AIDASAMPLE"},
		}
	}
	one := func(name string) *Policy { p := parsed[name]; return &p }
	ask := func(change func(q *Question)) Question {
		q := Question{
			Rule: KeyPolicy, Action: "kms:Decrypt", CrossAccountPossible: true,
			Resource:  Resource{ARN: "arn:aws:kms:us-west-2:111122223333:key/sample", Account: "111122223333"},
			Principal: Principal{Type: User, Account: "111122223333", User: "AIDASAMPLE", ARN: "arn:aws:iam::111122223333:user/sample"},
			Context:   map[string][]string{"kms:viaservice": {"ec2.us-west-2.amazonaws.com"}},
			KeyPolicy: one("delegates"), Identity: []Policy{parsed["decrypt"]},
		}
		change(&q)
		return q
	}
	grant := Grant{ID: "sample", Grantee: Party{ViaUser, "AIDASAMPLE"}, Operations: []string{"Decrypt"}, IssuingAccount: "111122223333"}
	return []sample{
		{"delegated", ask(func(*Question) {}), Allow, LayerIdentity},
		{"direct", ask(func(q *Question) { q.KeyPolicy, q.Identity = one("user"), nil }), Allow, LayerResource},
		{"granted", ask(func(q *Question) { q.Grants, q.Identity = []Grant{grant}, nil }), Allow, LayerGrant},
		{"no IAM policy", ask(func(q *Question) { q.Identity = nil }), NoAllow, LayerIdentity},
		{"no key", ask(func(q *Question) { q.KeyPolicy = nil }), NoAllow, LayerResource},
		{"another action", ask(func(q *Question) { q.Action = "kms:Encrypt" }), NoAllow, LayerIdentity},
		{"another user", ask(func(q *Question) { q.KeyPolicy, q.Principal.User = one("user"), "AIDAOTHER" }), NoAllow, LayerResource},
		{"denied by condition", ask(func(q *Question) { q.KeyPolicy = one("everyone but") }), ExplicitDeny, LayerResource},
		{"denied by an absent key", ask(func(q *Question) { q.KeyPolicy, q.Context = one("everyone but"), nil }), ExplicitDeny, LayerResource},
		{"denied", ask(func(q *Question) { q.Identity = append(q.Identity, parsed["never"]) }), ExplicitDeny, LayerIdentity},
		{"bounded", ask(func(q *Question) { q.Boundary = one("other") }), NoAllow, LayerBoundary},
		{"guarded", ask(func(q *Question) { q.SCP = [][]Policy{{parsed["scp"]}} }), NoAllow, LayerSCP},
		{"across accounts by both", ask(func(q *Question) { q.Resource.Account = "444455556666" }), Allow, LayerIdentity},
		{"across accounts by one", ask(func(q *Question) {
			q.Resource.Account, q.KeyPolicy, q.Identity = "444455556666", one("user"), nil
		}), NoAllow, LayerIdentity},
		{"never across accounts", ask(func(q *Question) {
			q.Resource.Account, q.CrossAccountPossible = "444455556666", false
		}), CrossAccount, LayerResource},
		{"on no key", ask(func(q *Question) { q.Rule, q.Action, q.KeyPolicy = IdentityOnly, "kms:CreateKey", nil }), Allow, LayerIdentity},
	}, nil
}
