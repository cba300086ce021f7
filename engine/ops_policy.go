package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/store"
)

// defaultPolicyName is the only name that a key policy can have (LST-07).
const defaultPolicyName = "default"

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
				return &wire.GetKeyPolicyOutput{Policy: new(s.key(0).Policy.Text), PolicyName: new(defaultPolicyName)}, nil
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
	if either(name, defaultPolicyName) != defaultPolicyName {
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
	page, err := s.page("ListKeyPolicies", in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &wire.ListKeyPoliciesOutput{PolicyNames: []string{}, Truncated: new(false)}
	if page.after < defaultPolicyName {
		out.PolicyNames = append(out.PolicyNames, defaultPolicyName)
	}
	return out, nil
}

// keyPolicy checks a key policy and binds the principals that it names to
// their unique ids of this moment.
func (s *Scope) keyPolicy(ctx context.Context, k store.Key, text string, bypass bool) (store.Policy, error) {
	if len(text) > maxKeyPolicy {
		return store.Policy{}, wire.Errorf(wire.LimitExceeded, "The policy is %d bytes long; a key policy may have at most %d.", len(text), maxKeyPolicy)
	}
	doc, err := policy.Parse(policy.Key, []byte(text))
	if err != nil {
		return store.Policy{}, malformed(err)
	}
	ids, err := s.bind(doc)
	if err != nil {
		return store.Policy{}, err
	}
	p := store.Policy{Text: text, Principals: ids}
	if bypass {
		return p, nil
	}
	return p, s.checkLockout(ctx, k, doc, ids)
}

// malformed turns what is wrong with a document into the service's error, with
// JSON path and position.
func malformed(err error) error {
	var problems policy.Errors
	if !errors.As(err, &problems) {
		return err
	}
	return wire.Errorf(wire.MalformedPolicyDocument, "%s", problems.Summary())
}

// bind finds the unique id of each principal that a document names; one that
// does not exist is refused by name and place.
func (s *Scope) bind(doc *policy.Document) (map[string]string, error) {
	ids, unknown := identity.Bind(s.World, doc)
	if len(unknown) == 0 {
		return ids, nil
	}
	first := unknown[0]
	return nil, wire.Errorf(wire.MalformedPolicyDocument,
		"Policy contains a statement with one or more invalid principals. (%s at %s, line %d: no such principal in this world)",
		first.Text, first.Pos.Path, first.Pos.Line)
}

// checkLockout refuses a policy under which the caller could not put another
// on k.
func (s *Scope) checkLockout(ctx context.Context, k store.Key, doc *policy.Document, ids map[string]string) error {
	resource := Resource{ARN: s.keyARN(&k), Account: k.Addr.Account, Key: &k}
	p := decision.Policy{Name: defaultPolicyName, Owner: k.Addr.Account, Document: doc, Principals: ids}
	q := s.asked().Lockout(resource.asked(), &p)
	d, err := s.engine.cfg.Decisions.Decide(ctx, q)
	if err != nil {
		return fmt.Errorf("deciding the lockout check: %w", err)
	}
	if !d.Allowed {
		return wire.Errorf(wire.MalformedPolicyDocument, "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}
