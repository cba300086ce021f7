package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

func grantOperations() []row {
	return []row{
		define(Operation[wire.CreateGrantInput, wire.CreateGrantOutput]{
			Name: "CreateGrant", Effect: Writes, Checks: createGrantChecks, Run: createGrant,
		}),
		define(Operation[wire.ListGrantsInput, wire.ListGrantsOutput]{
			Name: "ListGrants", Effect: Reads,
			Checks: func(s *Scope, in *wire.ListGrantsInput) ([]Check, error) {
				return one(s.onKey("kms:ListGrants", in.KeyId, false, condition.Side{}))
			},
			Run: listGrants,
		}),
		define(Operation[wire.ListRetirableGrantsInput, wire.ListRetirableGrantsOutput]{
			Name: "ListRetirableGrants", Effect: Reads,
			Checks: func(s *Scope, _ *wire.ListRetirableGrantsInput) ([]Check, error) {
				return []Check{s.onNothing("kms:ListRetirableGrants", condition.Side{})}, nil
			},
			Run: listRetirableGrants,
		}),
		define(Operation[wire.RetireGrantInput, wire.RetireGrantOutput]{
			Name: "RetireGrant", Effect: Writes, Checks: retireGrantChecks, Run: retireGrant,
		}),
		define(Operation[wire.RevokeGrantInput, wire.RevokeGrantOutput]{
			Name: "RevokeGrant", Effect: Writes,
			Checks: func(s *Scope, in *wire.RevokeGrantInput) ([]Check, error) {
				return one(s.onKey("kms:RevokeGrant", in.KeyId, false, condition.Side{}))
			},
			Run: revokeGrant,
		}),
	}
}

// constraints are those of a grant that is asked for; absent ones are empty.
func constraints(c *wire.GrantConstraints) wire.GrantConstraints {
	if c == nil {
		return wire.GrantConstraints{}
	}
	return *c
}

func createGrantChecks(s *Scope, in *wire.CreateGrantInput) ([]Check, error) {
	c := constraints(in.Constraints)
	keys := condition.Context{}
	keys.Set("kms:GrantOperations", in.Operations...)
	keys.One("kms:GranteePrincipal", in.GranteePrincipal)
	keys.One("kms:RetiringPrincipal", deref(in.RetiringPrincipal))
	if _, service := s.World.ServiceNamed(in.GranteePrincipal); service {
		keys.One("kms:GranteeServicePrincipal", in.GranteePrincipal)
	}
	if _, service := s.World.ServiceNamed(deref(in.RetiringPrincipal)); service {
		keys.One("kms:RetiringServicePrincipal", *in.RetiringPrincipal)
	}
	side := condition.Side{Keys: keys, EncryptionContext: c.EncryptionContextEquals}
	switch {
	case len(c.EncryptionContextEquals) > 0:
		keys.One("kms:GrantConstraintType", "EncryptionContextEquals")
	case len(c.EncryptionContextSubset) > 0:
		keys.One("kms:GrantConstraintType", "EncryptionContextSubset")
		side.EncryptionContext = c.EncryptionContextSubset
	}
	check, err := s.onKey("kms:CreateGrant", in.KeyId, false, side)
	check.Child = &decision.Child{Operations: in.Operations, Equals: nonEmpty(c.EncryptionContextEquals), Subset: nonEmpty(c.EncryptionContextSubset)}
	return []Check{check}, err
}

// nonEmpty is pairs, or nil if there are none: an empty constraint is no
// constraint.
func nonEmpty(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	return pairs
}

func createGrant(_ context.Context, s *Scope, in *wire.CreateGrantInput) (*wire.CreateGrantOutput, error) {
	k := s.key(0)
	if err := grant.Check(in.Operations, in.Constraints, spec.KeySpec(k.Spec), spec.Usage(k.Usage)); err != nil {
		return nil, err
	}
	g, err := s.newGrant(in, k)
	if err != nil {
		return nil, err
	}
	existing, err := s.Tx.GrantByName(g)
	switch {
	case err == nil:
		g = existing // the same request again makes no second grant
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	default:
		if err := s.putGrant(k, g); err != nil {
			return nil, err
		}
	}
	token, err := s.engine.tokens.Make(k.Addr, g.ID)
	if err != nil {
		return nil, err
	}
	return &wire.CreateGrantOutput{GrantId: &g.ID, GrantToken: &token}, nil
}

// newGrant is the grant that a request asks for.
func (s *Scope) newGrant(in *wire.CreateGrantInput, k *store.Key) (store.Grant, error) {
	grantee, err := s.party(in.GranteePrincipal)
	if err != nil {
		return store.Grant{}, err
	}
	var retiree decision.Party
	if in.RetiringPrincipal != nil {
		if retiree, err = s.party(*in.RetiringPrincipal); err != nil {
			return store.Grant{}, err
		}
	}
	id, err := Once(s, "grant id", func() (string, error) {
		var b [32]byte
		_, err := rand.Read(b[:])
		return hex.EncodeToString(b[:]), err
	})
	if err != nil {
		return store.Grant{}, err
	}
	c := constraints(in.Constraints)
	operations := slices.Clone(in.Operations)
	slices.Sort(operations)
	return store.Grant{
		ID: id, Key: k.Addr, Name: deref(in.Name), Created: s.Now, IssuingAccount: cmp.Or(s.account(), k.Addr.Account),
		GranteeAccount: identity.AccountOf(in.GranteePrincipal),
		Grantee:        in.GranteePrincipal, GranteeID: grant.PartyID(grantee), Retiree: deref(in.RetiringPrincipal), RetireeID: grant.PartyID(retiree),
		Operations: slices.Compact(operations), Equals: nonEmpty(c.EncryptionContextEquals), Subset: nonEmpty(c.EncryptionContextSubset),
	}, nil
}

// party is the principal that a grant names, bound to its unique id.
// Only integrated services can name services (SV-009).
func (s *Scope) party(arn string) (decision.Party, error) {
	p, known := identity.Party(s.World, arn)
	if !known || p.Via == decision.ViaService && s.Caller.Service == nil {
		return p, wire.Errorf(wire.InvalidArn, "ARN does not refer to a valid principal: %s", arn)
	}
	return p, nil
}

func (s *Scope) putGrant(k *store.Key, g store.Grant) error {
	n, err := s.Tx.CountGrants(k.Addr)
	if err != nil {
		return err
	}
	if n >= s.quotas().GrantsPerKey && k.Manager != managerAWS {
		return wire.Errorf(wire.LimitExceeded, "The key %s has reached its quota of %d grants.", s.keyARN(k), s.quotas().GrantsPerKey)
	}
	s.delayGrant(g)
	return s.Tx.PutGrant(g)
}

func (s *Scope) grantEntry(g store.Grant) wire.GrantListEntry {
	e := wire.GrantListEntry{
		GrantId: &g.ID, KeyId: new(s.keyARN(&store.Key{Addr: g.Key})), Name: &g.Name, CreationDate: &g.Created,
		GranteePrincipal: &g.Grantee, Operations: g.Operations,
		IssuingAccount: new("arn:" + s.World.Partition() + ":iam::" + g.IssuingAccount + ":root"),
	}
	if g.Retiree != "" {
		e.RetiringPrincipal = &g.Retiree
	}
	if len(g.Equals)+len(g.Subset) > 0 {
		e.Constraints = &wire.GrantConstraints{EncryptionContextEquals: g.Equals, EncryptionContextSubset: g.Subset}
	}
	return e
}

func listGrants(_ context.Context, s *Scope, in *wire.ListGrantsInput) (*wire.ListGrantsOutput, error) {
	page, err := s.page("ListGrants", s.key(0).Addr.String(), in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	grants, more, err := s.grantsOf(s.key(0).Addr, in, page)
	if err != nil {
		return nil, err
	}
	out := &wire.ListGrantsOutput{Grants: []wire.GrantListEntry{}, Truncated: &more}
	for _, g := range grants {
		out.Grants = append(out.Grants, s.grantEntry(g))
	}
	if more {
		out.NextMarker, err = page.next(grants[len(grants)-1].ID)
	}
	return out, err
}

// grantsOf is a page of the grants that a ListGrants asks for. Each filter has
// an index of the store, so that a key with many grants costs no more.
func (s *Scope) grantsOf(addr store.KeyAddr, in *wire.ListGrantsInput, p page) ([]store.Grant, bool, error) {
	switch {
	case in.GrantId == nil && in.GranteePrincipal == nil:
		return s.Tx.GrantsOf(addr, p.after, p.limit)
	case in.GrantId == nil:
		return s.Tx.GrantsTo(addr, *in.GranteePrincipal, p.after, p.limit)
	}
	g, err := s.Tx.Grant(addr, *in.GrantId)
	if errors.Is(err, store.ErrNotFound) || err == nil && either(in.GranteePrincipal, g.Grantee) != g.Grantee {
		return nil, false, nil
	}
	return []store.Grant{g}, false, err
}

func listRetirableGrants(_ context.Context, s *Scope, in *wire.ListRetirableGrantsInput) (*wire.ListRetirableGrantsOutput, error) {
	page, err := s.page("ListRetirableGrants", in.RetiringPrincipal, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	if account := identity.AccountOf(in.RetiringPrincipal); account != s.Caller.Account {
		return nil, wire.Errorf(wire.InvalidArn, "The retiring principal must be in the caller's account.")
	}
	retiree, err := s.party(in.RetiringPrincipal) // after the account: who is in another one is not told
	if err != nil {
		return nil, err
	}
	after, err := grantAfter(s.Region, page.after)
	if err != nil {
		return nil, err
	}
	grants, more, err := s.Tx.GrantsRetirableBy(s.Region, grant.PartyID(retiree), "", after, page.limit)
	if err != nil {
		return nil, err
	}
	out := &wire.ListRetirableGrantsOutput{Grants: []wire.GrantListEntry{}, Truncated: &more}
	for _, g := range grants {
		_, err := s.stored(g.Key)
		switch {
		case err == nil:
			out.Grants = append(out.Grants, s.grantEntry(g))
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	if more {
		last := grants[len(grants)-1]
		out.NextMarker, err = page.next(last.Key.Account + "/" + last.Key.ID + "/" + last.ID)
	}
	return out, err
}

// grantAfter reads where a listing over many keys goes on.
func grantAfter(region, after string) (store.GrantRef, error) {
	if after == "" {
		return store.GrantRef{}, nil
	}
	parts := strings.Split(after, "/")
	if len(parts) != 3 {
		return store.GrantRef{}, errMarker()
	}
	return store.GrantRef{Key: store.KeyAddr{Account: parts[0], Region: region, ID: parts[1]}, ID: parts[2]}, nil
}

// retireGrantChecks finds the grant by its token, or by key ARN and grant id.
// A grant on a key of another account that does not exist answers like one
// that the caller may not retire.
func retireGrantChecks(s *Scope, in *wire.RetireGrantInput) ([]Check, error) {
	check := Check{Action: "kms:RetireGrant", Rule: decision.GrantOnly}
	var addr store.KeyAddr
	var id string
	switch {
	case in.GrantToken != nil && in.GrantId == nil && in.KeyId == nil:
		var err error
		if addr, id, err = s.engine.tokens.Open(*in.GrantToken); err != nil {
			return nil, err
		}
		if addr.Region != s.Region {
			return nil, wire.Errorf(wire.NotFound, "Invalid arn %s", addr.Region)
		}
		s.hold(id)
		check.Resource = Resource{ARN: s.arn(addr.Account, "key/"+addr.ID), Account: addr.Account}
	case in.GrantToken == nil && in.GrantId != nil && in.KeyId != nil:
		named, err := s.resolve(*in.KeyId, false)
		if err != nil {
			return nil, err
		}
		check.Resource = Resource{ARN: named.ARN, Account: named.Account}
		id = *in.GrantId
		if named.Key != nil {
			addr = named.Key.Addr
		}
	default:
		return nil, wire.Errorf(wire.Validation, "Specify either a grant token or both a key ID and a grant ID.")
	}
	return s.withGrant(check, addr, id)
}

func (s *Scope) withGrant(check Check, addr store.KeyAddr, id string) ([]Check, error) {
	k, err := s.stored(addr)
	var g store.Grant
	if err == nil {
		g, err = s.Tx.Grant(addr, id)
	}
	switch {
	case err == nil:
		check.Resource.Key, check.Grants = &k, []store.Grant{g}
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	case check.Resource.Account == s.Caller.Account:
		return nil, errNoGrant(id)
	}
	return []Check{check}, nil
}

func errNoGrant(id string) *wire.Error {
	return wire.Errorf(wire.NotFound, "Grant %s does not exist.", id)
}

func retireGrant(_ context.Context, s *Scope, in *wire.RetireGrantInput) (*wire.RetireGrantOutput, error) {
	g := s.checks[0].Grants[0]
	s.delayRemoval(g, in.GrantToken != nil)
	return nil, s.Tx.DeleteGrant(g.Key, g.ID)
}

func revokeGrant(_ context.Context, s *Scope, in *wire.RevokeGrantInput) (*wire.RevokeGrantOutput, error) {
	g, err := s.Tx.Grant(s.key(0).Addr, in.GrantId)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errNoGrant(in.GrantId)
	case err != nil:
		return nil, err
	}
	s.delayRemoval(g, false)
	return nil, s.Tx.DeleteGrant(g.Key, g.ID)
}
