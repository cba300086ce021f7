package policytests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// policyKinds are the kinds of policies by what case lines call them.
var policyKinds = map[string]policy.Kind{
	"key-policy": policy.Key, "iam-policy": policy.Identity, "boundary": policy.Boundary, "session-policy": policy.Session,
	"scp": policy.SCP, "rcp": policy.RCP, "endpoint-policy": policy.Endpoint, "trust-policy": policy.Trust,
}

// A refusal is what is wrong with a document: codes, and the service's text.
type refusal struct {
	codes []string
	text  string
}

// tryDocument holds what becomes of a document against what a line expects.
func (a *Asker) tryDocument(ctx context.Context, c caseline.Case, dir string) (*Failure, error) {
	refused, err := a.checkDocument(ctx, c.Document, dir)
	if err != nil {
		return nil, err
	}
	if c.Kind == caseline.Accept {
		if refused == nil {
			return nil, nil
		}
		return &Failure{Wanted: "accept", Got: "refuse because " + strings.Join(refused.codes, " ") + "\n       " + refused.text}, nil
	}
	wanted := "refuse"
	if len(c.Because) > 0 {
		wanted += " because"
		for _, w := range c.Because {
			wanted += " " + w.Text
		}
	}
	if refused == nil {
		return &Failure{Wanted: wanted, Got: "accept"}, nil
	}
	missing := slices.ContainsFunc(c.Because, func(w caseline.Word) bool { return !slices.Contains(refused.codes, w.Text) })
	if missing {
		return &Failure{Wanted: wanted, Got: "refuse because " + strings.Join(refused.codes, " ") + "\n       " + refused.text}, nil
	}
	if c.Says != nil && c.Says.Text != refused.text {
		return &Failure{Wanted: c.Says.Text, Got: refused.text}, nil
	}
	return nil, nil
}

// checkDocument says what is wrong with a document; nil if nothing is.
func (a *Asker) checkDocument(ctx context.Context, d caseline.Document, dir string) (*refusal, error) {
	text, err := a.file(d.File, dir)
	if err != nil {
		return nil, err
	}
	if d.Kind.Text == "grant" {
		return a.checkGrant(d, text)
	}
	kind := policyKinds[d.Kind.Text]
	p, err := ask.ReadPolicy(a.cfg.World, kind, text)
	if err == nil && kind == policy.Key && d.By.Text != "" && !d.Bypass {
		var call ask.Call
		var r ask.Resource
		if call, r, err = a.putting(d); err != nil {
			return nil, err
		}
		err = call.Lockout(ctx, a.cfg.Engine, r, p)
	}
	var faults policy.Errors
	switch {
	case err == nil:
		return nil, nil
	case !errors.As(err, &faults):
		return nil, err
	}
	refused := &refusal{text: faults[0].Message}
	for _, f := range faults {
		refused.codes = append(refused.codes, f.Code)
	}
	return refused, nil
}

// putting is the call that brings a key policy, and the key that it is for.
func (a *Asker) putting(d caseline.Document) (ask.Call, ask.Resource, error) {
	r := caseline.Request{Principals: []caseline.Word{d.By}, Account: d.Account}
	call, err := a.call(r, ".")
	if err != nil {
		return call, ask.Resource{}, err
	}
	if d.On.Text == "" {
		arn := fmt.Sprintf("arn:%s:kms:%s:%s:key/00000000-0000-4000-8000-000000000000",
			a.cfg.World.Partition(), call.Request.Region, call.Caller.Account)
		key := &condition.Key{Spec: string(spec.SymmetricDefault), Usage: string(spec.EncryptDecrypt), Origin: string(spec.OriginKMS)}
		return call, ask.Resource{ARN: arn, Account: call.Caller.Account, Key: key}, nil
	}
	k, err := a.key(d.On, call.Caller.Account, "")
	if err != nil {
		return call, ask.Resource{}, err
	}
	if k == nil {
		return call, ask.Resource{}, failf(d.On, "there is no key %s in this world", d.On.Text)
	}
	return call, ask.Resource{ARN: k.ARN, Account: k.Account, Key: ask.KeyFacts(k), AWSManaged: k.AWSManaged}, nil
}

// checkGrant says what is wrong with the input of a CreateGrant on a key. The
// file holds the input without KeyId.
func (a *Asker) checkGrant(d caseline.Document, text string) (*refusal, error) {
	if d.On.Text == "" {
		return nil, failf(d.Kind, "a grant is on a key: add on key/NAME")
	}
	k, err := a.key(d.On, d.Account.Text, "")
	if err != nil {
		return nil, err
	}
	var input map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &input); err != nil {
		return nil, failf(d.File, "%s: %v", d.File.Text, err)
	}
	input["KeyId"], _ = json.Marshal(k.ARN) // a string always has a JSON form
	body, err := json.Marshal(input)
	if err != nil {
		return nil, failf(d.File, "%s: %v", d.File.Text, err)
	}
	decoded, failed := wire.Decode("CreateGrant", body)
	if failed != nil {
		return &refusal{codes: []string{string(failed.Code)}, text: failed.Message}, nil //nolint:nilerr // a refusal is the answer
	}
	in := decoded.(*wire.CreateGrantInput)
	if err := grant.Check(in.Operations, in.Constraints, spec.KeySpec(k.Spec), spec.Usage(k.Usage)); err != nil {
		failed := wire.AsError(err)
		return &refusal{codes: []string{string(failed.Code)}, text: failed.Message}, nil
	}
	for _, arn := range []*string{&in.GranteePrincipal, in.RetiringPrincipal} {
		if arn == nil {
			continue
		}
		if _, known := identity.Party(a.cfg.World, *arn); !known {
			return &refusal{codes: []string{string(wire.InvalidArn)}, text: *arn}, nil
		}
	}
	return nil, nil
}
