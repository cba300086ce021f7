package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// The role for which CreateKey needs a permission when the key is to be a
// multi-Region one (MR-090, MR-108, MR-110).
const (
	multiRegionService = "mrk.kms.amazonaws.com"
	multiRegionRole    = "role/aws-service-role/" + multiRegionService + "/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
)

func multiRegionOperations() []row {
	return []row{
		define(Operation[wire.ReplicateKeyInput, wire.ReplicateKeyOutput]{
			Name: "ReplicateKey", Effect: Writes, Checks: replicateKeyChecks, Run: replicateKey,
		}),
		define(Operation[wire.UpdatePrimaryRegionInput, wire.UpdatePrimaryRegionOutput]{
			Name: "UpdatePrimaryRegion", Effect: Writes, Checks: updatePrimaryRegionChecks, Run: updatePrimaryRegion,
		}),
	}
}

// onServiceLinkedRole is the check of a CreateKey for a multi-Region key: may
// the caller have the role made by which the set is synchronised?
func (s *Scope) onServiceLinkedRole() Check {
	side := condition.Side{Keys: condition.Context{}}
	condition.Context(side.Keys).One("iam:AWSServiceName", multiRegionService)
	return Check{
		Action: "iam:CreateServiceLinkedRole", Rule: decision.IdentityOnly, Request: side,
		Resource: Resource{ARN: "arn:" + s.World.Partition() + ":iam::" + s.account() + ":" + multiRegionRole, Account: s.account()},
	}
}

// replicateKeyChecks asks about the primary key, and about a new key in the
// Region of the replica (MR-091 to MR-094).
func replicateKeyChecks(s *Scope, in *wire.ReplicateKeyInput) ([]Check, error) {
	side := condition.Side{Keys: condition.RequestTags(tagMap(in.Tags))}
	condition.Context(side.Keys).One("kms:ReplicaRegion", in.ReplicaRegion)
	primary, err := s.onKey("kms:ReplicateKey", in.KeyId, false, side)
	if err != nil {
		return nil, err
	}
	checks := []Check{primary}
	k := primary.Resource.Key
	if k == nil || k.Addr.Account != s.account() {
		return checks, nil // there the first is refused (MR-078)
	}
	side = condition.Side{Keys: maps.Clone(side.Keys)}
	if in.BypassPolicyLockoutSafetyCheck != nil {
		condition.Context(side.Keys).Flag("kms:BypassPolicyLockoutSafetyCheck", *in.BypassPolicyLockoutSafetyCheck)
	}
	create := s.onNothing("kms:CreateKey", side)
	create.Region = in.ReplicaRegion
	create.Resource.Facts = &condition.Key{Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, MultiRegion: true, MultiRegionKeyType: replicaKey} // MR-102
	checks = append(checks, create)
	if len(in.Tags) > 0 {
		tag := create
		tag.Action = "kms:TagResource"
		checks = append(checks, tag)
	}
	return checks, nil
}

func replicateKey(ctx context.Context, s *Scope, in *wire.ReplicateKeyInput) (*wire.ReplicateKeyOutput, error) {
	primary := s.key(0)
	if err := s.canReplicate(primary, in.ReplicaRegion); err != nil {
		return nil, err
	}
	tags, err := checkTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	replica := store.Key{
		Addr: memberOf(primary, in.ReplicaRegion), Spec: primary.Spec, Usage: primary.Usage, Origin: primary.Origin, Manager: primary.Manager,
		State: string(lifecycle.Creating), Description: deref(in.Description), Created: s.Now, Tags: tags,
		MultiRegion: store.MultiRegion{Type: replicaKey, Settles: s.settles()},
	}
	text := either(in.Policy, ask.DefaultKeyPolicy(s.World.Partition(), s.Caller.Account))
	if replica.Policy, err = s.keyPolicy(ctx, replica, text, deref(in.BypassPolicyLockoutSafetyCheck)); err != nil {
		return nil, err
	}
	if err := s.keyQuota(in.ReplicaRegion); err != nil {
		return nil, err
	}
	if err := s.Tx.PutKey(replica); err != nil {
		return nil, err
	}
	err = s.change(0, func(k *store.Key) { // which brings what is shared to the replica
		k.MultiRegion.Replicas = slices.Sorted(slices.Values(append(slices.Clone(k.MultiRegion.Replicas), in.ReplicaRegion)))
	})
	if err != nil {
		return nil, err
	}
	if replica, err = s.Tx.Key(replica.Addr); err != nil {
		return nil, err
	}
	return &wire.ReplicateKeyOutput{ReplicaKeyMetadata: s.metadata(&replica), ReplicaPolicy: &text, ReplicaTags: in.Tags}, nil
}

// canReplicate holds the request against the rules about the set and the
// Region (MR-063 to MR-067).
func (s *Scope) canReplicate(k *store.Key, region string) error {
	if err := s.primary(k); err != nil {
		return err
	}
	switch {
	case region == k.Addr.Region:
		return wire.Errorf(wire.AlreadyExists, "%s is in the Region %s already.", s.keyARN(k), region)
	case !slices.Contains(s.World.Regions(), region):
		return wire.Errorf(wire.UnsupportedOperation, "The Region %s is not one that this service has.", region)
	case !s.World.Offers(k.Addr.Account, region):
		return wire.Errorf(wire.UnsupportedOperation, "The Region %s is not enabled for the account %s.", region, k.Addr.Account)
	}
	_, err := s.Tx.Key(memberOf(k, region)) // also one that is about to be deleted
	if err == nil {
		return wire.Errorf(wire.AlreadyExists, "%s already exists.", s.addrARN(memberOf(k, region)))
	}
	return ignoreNotFound(err)
}

// settles is when a key that is being created or updated has arrived.
func (s *Scope) settles() time.Time { return s.Now.Add(s.engine.cfg.Settling) }

// updatePrimaryRegionChecks asks about the primary key and about the replica
// that is to take its place, each in its Region (MR-096).
func updatePrimaryRegionChecks(s *Scope, in *wire.UpdatePrimaryRegionInput) ([]Check, error) {
	side := condition.Side{Keys: condition.Context{}}
	condition.Context(side.Keys).One("kms:PrimaryRegion", in.PrimaryRegion)
	primary, err := s.onKey("kms:UpdatePrimaryRegion", in.KeyId, false, side)
	if err != nil {
		return nil, err
	}
	checks := []Check{primary}
	k := primary.Resource.Key
	if k == nil || k.Addr.Account != s.account() || !slices.Contains(k.MultiRegion.Replicas, in.PrimaryRegion) || k.MultiRegion.Type != primaryKey {
		return checks, nil // refused, or without anything to promote
	}
	replica, err := s.stored(memberOf(k, in.PrimaryRegion))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return checks, nil
	case err != nil:
		return nil, err
	}
	return append(checks, Check{
		Action: primary.Action, Rule: primary.Rule, Request: side, Region: in.PrimaryRegion, State: promotedState,
		Resource: Resource{ARN: s.keyARN(&replica), Account: replica.Addr.Account, Key: &replica},
	}), nil
}

// promotedState is the row of the key state table for the replica that
// UpdatePrimaryRegion promotes.
const promotedState = "UpdatePrimaryRegion/promoted"

// updatePrimaryRegion exchanges the two keys. Both are Updating for a while
// (MR-124, MR-125).
func updatePrimaryRegion(_ context.Context, s *Scope, in *wire.UpdatePrimaryRegionInput) (*wire.UpdatePrimaryRegionOutput, error) {
	former := *s.key(0)
	if err := s.primary(&former); err != nil {
		return nil, err
	}
	if in.PrimaryRegion == former.Addr.Region {
		return nil, wire.Errorf(wire.UnsupportedOperation, "%s is the primary key already.", s.keyARN(&former))
	}
	if len(s.checks) < 2 {
		return nil, wire.Errorf(wire.NotFound, "Key '%s' does not exist", s.addrARN(memberOf(&former, in.PrimaryRegion)))
	}
	next := *s.key(1)
	regions := slices.DeleteFunc(slices.Clone(former.MultiRegion.Replicas), func(r string) bool { return r == next.Addr.Region })
	regions = slices.Sorted(slices.Values(append(regions, former.Addr.Region)))
	next.MultiRegion = store.MultiRegion{Type: primaryKey, Primary: next.Addr.Region, Replicas: regions, Settles: s.settles()}
	former.MultiRegion = store.MultiRegion{Type: replicaKey, Primary: next.Addr.Region, Settles: s.settles()}
	former.State, next.State = string(lifecycle.Updating), string(lifecycle.Updating)
	id, err := s.newID("synchronization event")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.recordExpired(former.Addr), s.recordExpired(next.Addr), s.Tx.PutKey(former)); err != nil {
		return nil, err
	}
	return nil, s.engine.keep(s.Tx, next, id) // which brings what is shared to the former primary, too
}

// multiRegionID is the id of a new multi-Region key: mrk- and 32 hexadecimal
// digits.
func multiRegionID(uuid string) string {
	digits := make([]byte, 0, len(uuid))
	for _, c := range []byte(uuid) {
		if c != '-' {
			digits = append(digits, c)
		}
	}
	return multiRegionPrefix + string(digits)
}
