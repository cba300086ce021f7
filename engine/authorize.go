package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// A decided check is kept for the decision log and the records.
type decided struct {
	decision decision.Decision
	told     decision.Decision // what the caller is told of
}

// newScope makes the scope of one run of the transaction.
func (e *Engine) newScope(c *call, tx *store.Tx) *Scope {
	return &Scope{
		Tx: tx, World: c.world, Caller: c.caller, Region: c.region, Now: c.now,
		call: c, engine: e, dryRun: flag(c.input, c.row.dryRun),
	}
}

// flag reads an optional boolean member of an input.
func flag(input any, member []int) bool {
	if member == nil {
		return false
	}
	b, ok := reflect.ValueOf(input).Elem().FieldByIndex(member).Interface().(*bool)
	return ok && deref(b)
}

// grantTokens reads the grant tokens of an input.
func grantTokens(input any, member []int) []string {
	if member == nil {
		return nil
	}
	tokens, ok := reflect.ValueOf(input).Elem().FieldByIndex(member).Addr().Interface().(*[]string)
	if !ok {
		return nil
	}
	return *tokens
}

// authorize asks one check. Only an explicit "yes" returns nil.
func (s *Scope) authorize(ctx context.Context, c *Check) error {
	q, err := s.attached(c)
	if err != nil {
		return err
	}
	d, err := s.engine.decide(ctx, q)
	if err != nil {
		return undecided(fmt.Errorf("deciding %s: %w", c.Action, err))
	}
	told, err := s.told(ctx, c, d)
	if err != nil {
		return err
	}
	s.decisions = append(s.decisions, decided{d, told})
	if d.Allowed {
		return s.present(c)
	}
	if s.encoded, err = s.engine.encodeRefusal(s.call, told); err != nil {
		return err
	}
	if c.Hidden && c.Resource.Account != s.Caller.Account {
		return errHidden()
	}
	return &wire.Error{Code: wire.AccessDenied, Message: told.Sentence()}
}

// told is the decision that a caller is told of. Of a key that was named by
// another account's alias it is the one that would have been made if there
// were no such alias: else a refusal would tell the key's ARN.
func (s *Scope) told(ctx context.Context, c *Check, d decision.Decision) (decision.Decision, error) {
	if d.Allowed || c.Resource.Sent == "" || c.Resource.Key == nil {
		return d, nil
	}
	absent := *c
	absent.Resource = Resource{ARN: c.Resource.Sent, Account: c.Resource.Account}
	told, err := s.engine.decide(ctx, s.question(&absent, nil))
	if err != nil {
		return told, undecided(fmt.Errorf("deciding %s on the alias: %w", c.Action, err))
	}
	return told, nil
}

// undecided is the answer to a question that has none: values that are too
// long for the patterns of policies are the caller's fault (W-18), all else is
// ours.
func undecided(err error) error {
	if errors.Is(err, decision.ErrTooLong) {
		return wire.Errorf(wire.Validation, "A value of the request is too long for the patterns of the policies that apply to it.")
	}
	return err
}

// present makes sure that what was allowed is there: no rule allows an absent
// key or role, and if one did, the operation would have nothing to act on.
func (s *Scope) present(c *Check) error {
	if c.Rule == decision.KeyPolicy && c.Resource.Key == nil || c.Rule == decision.GrantOnly && len(c.Grants) == 0 ||
		c.Rule == decision.Trust && c.Policy == nil {
		return fmt.Errorf("%s was allowed on the absent %s", c.Action, c.Resource.ARN)
	}
	return nil
}

// question is a check with all that decides it, but for the policy and grants of
// the key. aliases are kms:ResourceAliases, if there is a key.
func (s *Scope) question(c *Check, aliases []string) decision.Question {
	call := s.asked()
	call.Request.Region = cmp.Or(c.Region, s.Region)
	resource := s.resource(c.Resource)
	if len(aliases) > 0 {
		resource.Key.Aliases = aliases
	}
	return call.Question(ask.Check{
		Rule: c.Rule, Action: c.Action, Resource: resource, Side: c.Request, Policy: c.Policy, Child: c.Child,
	})
}

// asked is the call as its checks have it in common.
func (s *Scope) asked() ask.Call {
	return ask.Call{World: s.World, Caller: s.Caller, Endpoint: s.endpoint, Request: condition.Request{
		SourceIP:  s.request.RemoteIP,
		Secure:    s.request.TLS != nil,
		UserAgent: s.request.Header.Get("User-Agent"),
		Referer:   s.request.Header.Get("Referer"),
		Region:    s.Region,
		Now:       s.Now,
	}}
}

// resource is a resource as questions have it.
func (s *Scope) resource(r Resource) ask.Resource {
	facts := r.Facts
	if k := r.Key; k != nil {
		facts = &condition.Key{
			Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, MultiRegion: k.MultiRegion.Type != "", MultiRegionKeyType: k.MultiRegion.Type, Tags: s.tags(k),
		}
	}
	return ask.Resource{ARN: r.ARN, Account: r.Account, Key: facts, AWSManaged: r.Key != nil && r.Key.Manager == managerAWS}
}

// attached is a check with all that decides it.
func (s *Scope) attached(c *Check) (q decision.Question, err error) {
	k := c.Resource.Key
	if k == nil {
		return s.question(c, nil), nil
	}
	names, err := s.aliases(k)
	if err != nil {
		return q, err
	}
	q = s.question(c, names)
	if q.KeyPolicy, err = s.storedPolicy(k); err != nil {
		return q, err
	}
	grants := s.known(c.Grants)
	if c.Rule == decision.KeyPolicy {
		if grants, err = s.candidates(c, k); err != nil {
			return q, err
		}
	}
	for _, g := range grants {
		q.Grants = append(q.Grants, s.asDecided(g))
	}
	return q, nil
}

// storedPolicy is the policy of a key, parsed. It was checked when it was
// stored, so one that does not parse is a fault of ours, and no answer.
func (s *Scope) storedPolicy(k *store.Key) (*decision.Policy, error) {
	doc, err := s.engine.documents.parse(k.Policy.Text)
	if err != nil {
		return nil, fmt.Errorf("parsing the policy of key %s: %w", k.Addr.ID, err)
	}
	return &decision.Policy{Name: ask.DefaultPolicyName, Owner: k.Addr.Account, Document: doc, Principals: k.Policy.Principals}, nil
}

// readTokens checks the grant tokens of the request for what they are. A grant
// counts as soon as it was created, so they add nothing to it unless a delay
// is simulated. It comes before all that depends on a key, so that it
// tells nothing of one.
func (s *Scope) readTokens() error {
	for _, token := range grantTokens(s.input, s.row.grantTokens) {
		_, id, err := s.engine.tokens.Open(token)
		if err != nil {
			return err
		}
		s.hold(id)
	}
	return nil
}

// hold notes that the request has a token of a grant.
func (s *Scope) hold(id string) {
	if s.tokens == nil {
		s.tokens = map[string]bool{}
	}
	s.tokens[id] = true
}

// asDecided is a grant as data for the decision.
func (s *Scope) asDecided(g store.Grant) decision.Grant {
	return decision.Grant{
		ID: g.ID, Grantee: grant.ReadParty(g.GranteeID), Retiree: grant.ReadParty(g.RetireeID),
		Operations: g.Operations, Equals: g.Equals, Subset: g.Subset,
		IssuingAccount: g.IssuingAccount, FromToken: s.tokens[g.ID],
	}
}

// permit asks whether the key of a check, in its state and of its usage, can
// do what was allowed.
func (s *Scope) permit(c Check) error {
	k := c.Resource.Key
	if k == nil {
		return nil
	}
	row := c.State
	if row == "" {
		row = s.row.name
	}
	arn := s.keyARN(k)
	if err := s.unchanged(c.Action, k); err != nil {
		return err
	}
	if err := s.engine.states.Permit(row, arn, lifecycle.State(k.State)); err != nil {
		return err
	}
	if err := lifecycle.Fits(s.row.name, c.Action[len("kms:"):], arn, spec.Usage(k.Usage)); err != nil {
		return err
	}
	return nil
}
