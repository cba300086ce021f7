package engine

import (
	"context"
	"errors"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/store"
)

// maxKeyPolicy is the longest key policy in bytes (RQ-04).
const maxKeyPolicy = 32_768

func policyOperations() []row {
	return []row{
		define(Operation[wire.PutKeyPolicyInput, wire.PutKeyPolicyOutput]{
			Name: "PutKeyPolicy", Effect: Writes,
			Checks: func(s *Scope, in *wire.PutKeyPolicyInput) ([]Check, error) {
				keys := condition.Context{}
				if in.BypassPolicyLockoutSafetyCheck != nil {
					keys.Flag("kms:BypassPolicyLockoutSafetyCheck", *in.BypassPolicyLockoutSafetyCheck)
				}
				return one(s.onKey("kms:PutKeyPolicy", in.KeyId, false, condition.Side{Keys: keys}))
			},
			Run: putKeyPolicy,
		}),
		define(Operation[wire.GetKeyPolicyInput, wire.GetKeyPolicyOutput]{
			Name: "GetKeyPolicy", Effect: Reads,
			Checks: func(s *Scope, in *wire.GetKeyPolicyInput) ([]Check, error) {
				return one(s.onKey("kms:GetKeyPolicy", in.KeyId, false, condition.Side{}))
			},
			Run: func(_ context.Context, s *Scope, in *wire.GetKeyPolicyInput) (*wire.GetKeyPolicyOutput, error) {
				if err := checkPolicyName(in.PolicyName); err != nil {
					return nil, err
				}
				return &wire.GetKeyPolicyOutput{Policy: new(s.key(0).Policy.Text), PolicyName: new(ask.DefaultPolicyName)}, nil
			},
		}),
		define(Operation[wire.ListKeyPoliciesInput, wire.ListKeyPoliciesOutput]{
			Name: "ListKeyPolicies", Effect: Reads,
			Checks: func(s *Scope, in *wire.ListKeyPoliciesInput) ([]Check, error) {
				return one(s.onKey("kms:ListKeyPolicies", in.KeyId, false, condition.Side{}))
			},
			Run: listKeyPolicies,
		}),
	}
}

func checkPolicyName(name *string) error {
	if either(name, ask.DefaultPolicyName) != ask.DefaultPolicyName {
		return wire.Errorf(wire.NotFound, "No such policy exists")
	}
	return nil
}

func putKeyPolicy(ctx context.Context, s *Scope, in *wire.PutKeyPolicyInput) (*wire.PutKeyPolicyOutput, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	p, err := s.keyPolicy(ctx, *s.key(0), in.Policy, deref(in.BypassPolicyLockoutSafetyCheck))
	if err != nil {
		return nil, err
	}
	return nil, s.change(0, func(k *store.Key) { k.Policy = p })
}

func listKeyPolicies(_ context.Context, s *Scope, in *wire.ListKeyPoliciesInput) (*wire.ListKeyPoliciesOutput, error) {
	page, err := s.page("ListKeyPolicies", s.key(0).Addr.String(), in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &wire.ListKeyPoliciesOutput{PolicyNames: []string{}, Truncated: new(false)}
	if page.after < ask.DefaultPolicyName {
		out.PolicyNames = append(out.PolicyNames, ask.DefaultPolicyName)
	}
	return out, nil
}

// keyPolicy checks a key policy and binds the principals that it names to
// their unique ids of this moment.
func (s *Scope) keyPolicy(ctx context.Context, k store.Key, text string, bypass bool) (store.Policy, error) {
	if len(text) > maxKeyPolicy {
		return store.Policy{}, wire.Errorf(wire.LimitExceeded, "The policy is %d bytes long; a key policy may have at most %d.", len(text), maxKeyPolicy)
	}
	p, err := ask.ReadPolicy(s.World, policy.Key, text)
	if err == nil && !bypass {
		resource := Resource{ARN: s.keyARN(&k), Account: k.Addr.Account, Key: &k}
		err = undecided(s.asked().Lockout(ctx, s.engine.cfg.Decisions, s.resource(resource), p))
	}
	if err != nil {
		return store.Policy{}, malformed(err)
	}
	return store.Policy{Text: text, Principals: p.Principals}, nil
}

// malformed turns what is wrong with a document into the service's error. A
// text that the service fixes stands alone; others come with JSON path and
// position.
func malformed(err error) error {
	var faults policy.Errors
	switch {
	case !errors.As(err, &faults):
		return err
	case faults[0].Code == ask.CodeUnknownPrincipal, faults[0].Code == ask.CodeLockout:
		return wire.Errorf(wire.MalformedPolicyDocument, "%s", faults[0].Message)
	}
	return wire.Errorf(wire.MalformedPolicyDocument, "%s", faults.Summary())
}
