package engine

import (
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"time"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

func keyOperations() []row {
	return []row{
		define(Operation[wire.CreateKeyInput, wire.CreateKeyOutput]{
			Name: "CreateKey", Effect: Writes, Checks: createKeyChecks, Run: createKey,
		}),
		define(Operation[wire.DescribeKeyInput, wire.DescribeKeyOutput]{
			Name: "DescribeKey", Effect: Reads,
			Checks: func(s *Scope, in *wire.DescribeKeyInput) ([]Check, error) {
				return one(s.onKey("kms:DescribeKey", in.KeyId, true, condition.Side{}))
			},
			Run: func(_ context.Context, s *Scope, _ *wire.DescribeKeyInput) (*wire.DescribeKeyOutput, error) {
				return &wire.DescribeKeyOutput{KeyMetadata: s.metadata(s.key(0))}, nil
			},
		}),
		define(Operation[wire.ListKeysInput, wire.ListKeysOutput]{
			Name: "ListKeys", Effect: Reads,
			Checks: func(s *Scope, _ *wire.ListKeysInput) ([]Check, error) {
				return []Check{s.onNothing("kms:ListKeys", condition.Side{})}, nil
			},
			Run: listKeys,
		}),
		define(Operation[wire.UpdateKeyDescriptionInput, wire.UpdateKeyDescriptionOutput]{
			Name: "UpdateKeyDescription", Effect: Writes,
			Checks: func(s *Scope, in *wire.UpdateKeyDescriptionInput) ([]Check, error) {
				return one(s.onKey("kms:UpdateKeyDescription", in.KeyId, false, condition.Side{}))
			},
			Run: func(_ context.Context, s *Scope, in *wire.UpdateKeyDescriptionInput) (*wire.UpdateKeyDescriptionOutput, error) {
				return nil, s.change(0, func(k *store.Key) { k.Description = in.Description })
			},
		}),
		define(Operation[wire.EnableKeyInput, wire.EnableKeyOutput]{
			Name: "EnableKey", Effect: Writes,
			Checks: func(s *Scope, in *wire.EnableKeyInput) ([]Check, error) {
				return one(s.onKey("kms:EnableKey", in.KeyId, false, condition.Side{}))
			},
			Run: func(_ context.Context, s *Scope, _ *wire.EnableKeyInput) (*wire.EnableKeyOutput, error) {
				return nil, s.change(0, func(k *store.Key) { k.State = string(lifecycle.Enabled) })
			},
		}),
		define(Operation[wire.DisableKeyInput, wire.DisableKeyOutput]{
			Name: "DisableKey", Effect: Writes,
			Checks: func(s *Scope, in *wire.DisableKeyInput) ([]Check, error) {
				return one(s.onIdleKey("kms:DisableKey", in.KeyId, condition.Context{}))
			},
			Run: func(_ context.Context, s *Scope, _ *wire.DisableKeyInput) (*wire.DisableKeyOutput, error) {
				return nil, s.change(0, func(k *store.Key) { k.State = string(lifecycle.Disabled) })
			},
		}),
		define(Operation[wire.ScheduleKeyDeletionInput, wire.ScheduleKeyDeletionOutput]{
			Name: "ScheduleKeyDeletion", Effect: Writes, Checks: scheduleKeyDeletionChecks, Run: scheduleKeyDeletion,
		}),
		define(Operation[wire.CancelKeyDeletionInput, wire.CancelKeyDeletionOutput]{
			Name: "CancelKeyDeletion", Effect: Writes,
			Checks: func(s *Scope, in *wire.CancelKeyDeletionInput) ([]Check, error) {
				return one(s.onKey("kms:CancelKeyDeletion", in.KeyId, false, condition.Side{}))
			},
			Run: cancelKeyDeletion,
		}),
	}
}

// one makes a list of one check.
func one(c Check, err error) ([]Check, error) { return []Check{c}, err }

// keyParameters are the parameters of CreateKey with their defaults (CRK-01).
type keyParameters struct {
	spec        spec.KeySpec
	usage       spec.Usage
	origin      spec.Origin
	multiRegion bool
}

func newKeyParameters(in *wire.CreateKeyInput) keyParameters {
	p := keyParameters{
		spec:        spec.KeySpec(cmp.Or(deref(in.KeySpec), deref(in.CustomerMasterKeySpec), string(spec.SymmetricDefault))),
		origin:      spec.Origin(either(in.Origin, string(spec.OriginKMS))),
		multiRegion: deref(in.MultiRegion),
	}
	p.usage = spec.Usage(deref(in.KeyUsage))
	if p.usage == "" && p.spec == spec.SymmetricDefault {
		p.usage = spec.EncryptDecrypt
	}
	return p
}

// facts are the condition keys of the key that is asked for.
func (p keyParameters) facts() *condition.Key {
	facts := &condition.Key{Spec: string(p.spec), Usage: string(p.usage), Origin: string(p.origin), MultiRegion: p.multiRegion}
	if p.multiRegion {
		facts.MultiRegionKeyType = primaryKey
	}
	return facts
}

func createKeyChecks(s *Scope, in *wire.CreateKeyInput) ([]Check, error) {
	tags := tagMap(in.Tags)
	side := condition.Side{Keys: condition.RequestTags(tags)}
	if in.BypassPolicyLockoutSafetyCheck != nil {
		condition.Context(side.Keys).Flag("kms:BypassPolicyLockoutSafetyCheck", *in.BypassPolicyLockoutSafetyCheck)
	}
	create := s.onNothing("kms:CreateKey", side)
	create.Resource.Facts = newKeyParameters(in).facts()
	checks := []Check{create}
	if deref(in.MultiRegion) {
		checks = append(checks, s.onServiceLinkedRole())
	}
	if len(in.Tags) > 0 {
		tag := s.onNothing("kms:TagResource", side)
		tag.Resource.Facts = create.Resource.Facts
		checks = append(checks, tag)
	}
	return checks, nil
}

func createKey(ctx context.Context, s *Scope, in *wire.CreateKeyInput) (*wire.CreateKeyOutput, error) {
	p := newKeyParameters(in)
	if err := p.validate(in); err != nil {
		return nil, err
	}
	tags, err := checkTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	id, err := s.newID("key id")
	if err != nil {
		return nil, err
	}
	key := store.Key{
		Addr: store.KeyAddr{Account: s.Caller.Account, Region: s.Region, ID: id},
		Spec: string(p.spec), Usage: string(p.usage), Origin: string(p.origin),
		State: string(lifecycle.Enabled), Manager: managerCustomer, Description: deref(in.Description),
		Created: s.Now, Tags: tags,
	}
	if p.multiRegion {
		key.Addr.ID = multiRegionID(id)
		key.MultiRegion = store.MultiRegion{Type: primaryKey, Primary: s.Region}
	}
	text := either(in.Policy, ask.DefaultKeyPolicy(s.World.Partition(), s.Caller.Account))
	if key.Policy, err = s.keyPolicy(ctx, key, text, deref(in.BypassPolicyLockoutSafetyCheck)); err != nil {
		return nil, err
	}
	if err := s.keyQuota(s.Region); err != nil {
		return nil, err
	}
	if p.origin == spec.OriginExternal { // IM-001
		key.State = string(lifecycle.PendingImport)
	} else {
		first, err := s.newMaterial(ctx, p.spec)
		if err != nil {
			return nil, err
		}
		key.CurrentMaterial, key.Materials = first.ID, []store.Material{first}
	}
	if err := s.Tx.PutKey(key); err != nil {
		return nil, err
	}
	return &wire.CreateKeyOutput{KeyMetadata: s.metadata(&key)}, nil
}

// validate applies the rules between parameters, which the model's shapes
// cannot express (CRK-10 to CRK-15, AMB-12).
func (p keyParameters) validate(in *wire.CreateKeyInput) error {
	entry, _ := spec.Lookup(p.spec)
	switch {
	case in.KeySpec != nil && in.CustomerMasterKeySpec != nil:
		return wire.Errorf(wire.Validation, "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	case p.usage == "":
		return wire.Errorf(wire.Validation, "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case !entry.Permits(p.usage):
		return wire.Errorf(wire.Validation, "KeyUsage %s is not compatible with KeySpec %s", p.usage, p.spec)
	case p.origin == spec.OriginKMS && (in.CustomKeyStoreId != nil || in.XksKeyId != nil):
		return wire.Errorf(wire.Validation, "CustomKeyStoreId and XksKeyId need an Origin of AWS_CLOUDHSM or EXTERNAL_KEY_STORE.")
	case p.origin != spec.OriginKMS && p.origin != spec.OriginExternal:
		return wire.Errorf(wire.UnsupportedOperation, "keyreeve does not offer keys with Origin %s yet.", p.origin)
	}
	return nil
}

func (s *Scope) keyQuota(region string) error {
	n, err := s.Tx.CountKeys(s.Caller.Account, region)
	if err != nil || n < s.quotas().Keys {
		return err
	}
	managed, err := s.managedKeys(region)
	if err != nil {
		return err
	}
	if n-managed >= s.quotas().Keys {
		return wire.Errorf(wire.LimitExceeded, "The account has reached its quota of %d KMS keys in this Region.", s.quotas().Keys)
	}
	return nil
}

// newMaterial makes key material, the same one when the transaction runs
// again.
func (s *Scope) newMaterial(ctx context.Context, sp spec.KeySpec) (store.Material, error) {
	return Once(s, "material", func() (store.Material, error) {
		var id [32]byte
		if _, err := io.ReadFull(s.engine.cfg.Rand, id[:]); err != nil {
			return store.Material{}, err
		}
		return s.engine.generate(ctx, hex.EncodeToString(id[:]), sp, s.Now)
	})
}

// generate makes the record of new material.
func (e *Engine) generate(ctx context.Context, id string, sp spec.KeySpec, now time.Time) (store.Material, error) {
	ref, err := e.cfg.Materials.Generate(ctx, id, sp)
	if err != nil {
		return store.Material{}, err
	}
	return store.Material{ID: ref.ID, Created: now, Ref: store.MaterialRef{
		Provider: ref.Provider, ID: ref.ID, Spec: string(ref.Spec), Sealed: ref.Sealed,
	}}, nil
}

func listKeys(_ context.Context, s *Scope, in *wire.ListKeysInput) (*wire.ListKeysOutput, error) {
	page, err := s.page("ListKeys", "", in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	keys, more, err := s.Tx.KeysOf(s.Caller.Account, s.Region, page.after, page.limit)
	if err != nil {
		return nil, err
	}
	out := &wire.ListKeysOutput{Keys: []wire.KeyListEntry{}, Truncated: &more}
	for i := range keys {
		if s.gone(&keys[i]) {
			continue
		}
		out.Keys = append(out.Keys, wire.KeyListEntry{KeyId: &keys[i].Addr.ID, KeyArn: new(s.keyARN(&keys[i]))})
	}
	if more {
		out.NextMarker, err = page.next(keys[len(keys)-1].Addr.ID)
	}
	return out, err
}

// Waiting periods of ScheduleKeyDeletion in days (DEL-01).
const (
	minPendingDays     = 7
	defaultPendingDays = 30
)

func scheduleKeyDeletionChecks(s *Scope, in *wire.ScheduleKeyDeletionInput) ([]Check, error) {
	keys := condition.Context{}
	keys.Number("kms:ScheduleKeyDeletionPendingWindowInDays", int(either(in.PendingWindowInDays, defaultPendingDays)))
	return one(s.onIdleKey("kms:ScheduleKeyDeletion", in.KeyId, keys))
}

func scheduleKeyDeletion(_ context.Context, s *Scope, in *wire.ScheduleKeyDeletionInput) (*wire.ScheduleKeyDeletionOutput, error) {
	days := either(in.PendingWindowInDays, defaultPendingDays)
	if days < minPendingDays || days > defaultPendingDays {
		return nil, wire.Errorf(wire.Validation, "Invalid pending window days: %d. PendingWindowInDays must be between %d and %d (inclusive).", days, minPendingDays, defaultPendingDays)
	}
	out := &wire.ScheduleKeyDeletionOutput{KeyId: new(s.keyARN(s.key(0))), PendingWindowInDays: &days}
	err := s.change(0, func(k *store.Key) {
		if len(k.MultiRegion.Replicas) > 0 && k.MultiRegion.Type == primaryKey { // MR-184 to MR-186
			k.State, k.PendingWindowDays = string(lifecycle.PendingReplicaDeletion), int(days)
		} else {
			k.State, k.DeletionDate = string(lifecycle.PendingDeletion), s.Now.Add(time.Duration(days)*day)
			out.DeletionDate = &k.DeletionDate
		}
		out.KeyState = &k.State
	})
	return out, err
}

func cancelKeyDeletion(_ context.Context, s *Scope, _ *wire.CancelKeyDeletionInput) (*wire.CancelKeyDeletionOutput, error) {
	err := s.change(0, func(k *store.Key) {
		k.State = string(lifecycle.Disabled)
		k.DeletionDate, k.PendingWindowDays = time.Time{}, 0
		if k.Origin == string(spec.OriginExternal) && !usable(k) { // IM-111
			k.State = string(lifecycle.PendingImport)
		}
	})
	return &wire.CancelKeyDeletionOutput{KeyId: new(s.keyARN(s.key(0)))}, err
}
