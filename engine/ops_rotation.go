package engine

import (
	"context"
	"encoding/hex"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// Rotation of key material. Guide, "Rotating AWS KMS keys".
const (
	day                 = 24 * time.Hour
	defaultRotationDays = 365 // ROT-03

	rotationAutomatic = "AUTOMATIC"
	rotationOnDemand  = "ON_DEMAND"

	// soon is how close an automatic rotation forbids one on demand (NEW-05).
	soon = 20 * time.Minute
)

func rotationOperations() []row {
	return []row{
		define(Operation[wire.EnableKeyRotationInput, wire.EnableKeyRotationOutput]{
			Name: "EnableKeyRotation", Effect: Writes,
			Checks: func(s *Scope, in *wire.EnableKeyRotationInput) ([]Check, error) {
				side := condition.Side{Keys: condition.Context{}}
				condition.Context(side.Keys).Number("kms:RotationPeriodInDays", int(either(in.RotationPeriodInDays, defaultRotationDays)))
				return one(s.onKey("kms:EnableKeyRotation", in.KeyId, false, side))
			},
			Run: enableKeyRotation,
		}),
		define(Operation[wire.DisableKeyRotationInput, wire.DisableKeyRotationOutput]{
			Name: "DisableKeyRotation", Effect: Writes,
			Checks: func(s *Scope, in *wire.DisableKeyRotationInput) ([]Check, error) {
				return one(s.onKey("kms:DisableKeyRotation", in.KeyId, false, condition.Side{}))
			},
			Run: func(_ context.Context, s *Scope, _ *wire.DisableKeyRotationInput) (*wire.DisableKeyRotationOutput, error) {
				if err := s.rotates(s.key(0)); err != nil {
					return nil, err
				}
				return nil, s.change(0, func(k *store.Key) { k.Rotation = store.Rotation{} })
			},
		}),
		define(Operation[wire.GetKeyRotationStatusInput, wire.GetKeyRotationStatusOutput]{
			Name: "GetKeyRotationStatus", Effect: Reads,
			Checks: func(s *Scope, in *wire.GetKeyRotationStatusInput) ([]Check, error) {
				return one(s.onKey("kms:GetKeyRotationStatus", in.KeyId, false, condition.Side{}))
			},
			Run: getKeyRotationStatus,
		}),
		define(Operation[wire.RotateKeyOnDemandInput, wire.RotateKeyOnDemandOutput]{
			Name: "RotateKeyOnDemand", Effect: Writes,
			Checks: func(s *Scope, in *wire.RotateKeyOnDemandInput) ([]Check, error) {
				return one(s.onKey("kms:RotateKeyOnDemand", in.KeyId, false, condition.Side{}))
			},
			Run: rotateKeyOnDemand,
		}),
		define(Operation[wire.ListKeyRotationsInput, wire.ListKeyRotationsOutput]{
			Name: "ListKeyRotations", Effect: Reads,
			Checks: func(s *Scope, in *wire.ListKeyRotationsInput) ([]Check, error) {
				return one(s.onKey("kms:ListKeyRotations", in.KeyId, false, condition.Side{}))
			},
			Run: listKeyRotations,
		}),
	}
}

// rotates refuses keys whose material the service does not rotate by a
// schedule (ROT-02).
func (s *Scope) rotates(k *store.Key) error {
	if err := s.notReplica(k); err != nil {
		return err
	}
	return s.rotatable(k)
}

// rotatable refuses keys that do not have several materials made by the
// service (KTO-05).
func (s *Scope) rotatable(k *store.Key) error {
	if k.Origin != string(spec.OriginKMS) {
		return wire.Errorf(wire.UnsupportedOperation, "%s origin is %s which is not valid for this operation.", s.keyARN(k), k.Origin)
	}
	if k.Spec != string(spec.SymmetricDefault) {
		return &wire.Error{Code: wire.UnsupportedOperation} // without a message, as observed
	}
	return nil
}

func enableKeyRotation(_ context.Context, s *Scope, in *wire.EnableKeyRotationInput) (*wire.EnableKeyRotationOutput, error) {
	if err := s.rotates(s.key(0)); err != nil {
		return nil, err
	}
	days := int(either(in.RotationPeriodInDays, defaultRotationDays))
	return nil, s.change(0, func(k *store.Key) {
		k.Rotation = store.Rotation{PeriodDays: days, Next: s.Now.Add(time.Duration(days) * day)} // ROT-04, AMB-24
	})
}

func getKeyRotationStatus(_ context.Context, s *Scope, _ *wire.GetKeyRotationStatusInput) (*wire.GetKeyRotationStatusOutput, error) {
	k := s.key(0)
	if k.Origin != string(spec.OriginKMS) { // AMB-07
		return nil, s.rotatable(k)
	}
	out := &wire.GetKeyRotationStatusOutput{KeyId: new(s.keyARN(k)), KeyRotationEnabled: new(false)}
	if k.Rotation.Next.IsZero() || k.State == string(lifecycle.PendingDeletion) || k.State == string(lifecycle.PendingReplicaDeletion) { // ROT-08
		return out, nil
	}
	out.KeyRotationEnabled, out.NextRotationDate, out.RotationPeriodInDays = new(true), &k.Rotation.Next, new(int32(k.Rotation.PeriodDays)) // at most 2,560
	return out, nil
}

func rotateKeyOnDemand(ctx context.Context, s *Scope, _ *wire.RotateKeyOnDemandInput) (*wire.RotateKeyOnDemandOutput, error) {
	k := s.key(0)
	external := k.Origin == string(spec.OriginExternal) && k.Spec == string(spec.SymmetricDefault) && k.MultiRegion.Type != replicaKey // AMB-06
	if err := s.rotates(k); err != nil && !external {
		return nil, err
	}
	if k.State == string(lifecycle.PendingImport) {
		return nil, wire.Errorf(wire.KMSInvalidState, "%s is pending import.", s.keyARN(k))
	}
	done := 0
	for _, m := range k.Materials {
		if m.Rotated.Type == rotationOnDemand {
			done++
		}
	}
	switch {
	case done >= s.quotas().Rotations:
		return nil, wire.Errorf(wire.LimitExceeded, "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: %s", s.keyARN(k))
	case !k.Rotation.Next.IsZero() && k.Rotation.Next.Sub(s.Now) <= soon:
		return nil, wire.Errorf(wire.Conflict, "An automatic rotation of %s is in progress or due within 20 minutes.", s.keyARN(k))
	}
	next, err := s.nextMaterial(ctx, k, external)
	if err != nil {
		return nil, err
	}
	id, err := s.newID("rotation event")
	if err != nil {
		return nil, err
	}
	err = s.change(0, func(k *store.Key) { rotateTo(k, next, rotationOnDemand, s.Now) })
	if err != nil {
		return nil, err
	}
	details := &audit.ServiceDetails{KeyID: k.Addr.ID, RotationType: rotationOnDemand}
	return &wire.RotateKeyOnDemandOutput{KeyId: new(s.keyARN(k))}, s.engine.recordInternal(s.Tx, "RotateKey", k.Addr, id, details)
}

// nextMaterial is what a key is rotated to: new material, or what was imported
// for it (NEW-06).
func (s *Scope) nextMaterial(ctx context.Context, k *store.Key, external bool) (store.Material, error) {
	if !external {
		return s.newMaterial(ctx, spec.SymmetricDefault)
	}
	pending := pendingMaterial(k)
	if pending == nil || pending.Import.Missing {
		return store.Material{}, wire.Errorf(wire.KMSInvalidState, "No available key material pending rotation for the key: %s.", s.keyARN(k))
	}
	everywhere, err := s.importedEverywhere(k, pending.ID)
	switch {
	case err != nil:
		return store.Material{}, err
	case !everywhere:
		return store.Material{}, wire.Errorf(wire.KMSInvalidState, "The key material pending rotation of %s has not been imported into all of its replica keys.", s.keyARN(k))
	}
	imported := *pending.Import
	imported.Pending = false
	next := *pending
	next.Import = &imported
	return next, nil
}

// rotateTo makes a material the current one of a key; those before it stay.
func rotateTo(k *store.Key, next store.Material, kind string, now time.Time) {
	next.Rotated = store.Rotated{Type: kind, At: now}
	putMaterial(k, next)
	k.CurrentMaterial = next.ID
}

// schedule says when the sweeper has to look at a key again for other reasons
// than its deletion. A key that is not enabled is not rotated (ROT-07, ROT-08).
func schedule(k *store.Key) {
	k.Due = earlier(expires(k), k.MultiRegion.Settles)
	if k.State == string(lifecycle.Enabled) && k.MultiRegion.Type != replicaKey {
		k.Due = earlier(k.Due, k.Rotation.Next)
	}
}

// earlier is the earlier of two times, of which one that is zero does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// rotateKey rotates a key that is due, once, however many dates it missed
// (AMB-23).
func (e *Engine) rotateKey(ctx context.Context, addr store.KeyAddr) error {
	var random [32]byte
	if _, err := io.ReadFull(e.cfg.Rand, random[:]); err != nil {
		return err
	}
	event, err := uuid.NewRandomFromReader(e.cfg.Rand)
	if err != nil {
		return err
	}
	return e.cfg.Store.Update(func(tx *store.Tx) error {
		now := e.cfg.Clock()
		k, err := tx.Key(addr)
		if err != nil {
			return ignoreNotFound(err)
		}
		if k.Rotation.Next.IsZero() || k.Rotation.Next.After(now) || k.State != string(lifecycle.Enabled) || k.MultiRegion.Type == replicaKey {
			return nil
		}
		next, err := e.generate(ctx, hex.EncodeToString(random[:]), spec.KeySpec(k.Spec), now)
		if err != nil {
			return err
		}
		rotateTo(&k, next, rotationAutomatic, now)
		k.Rotation.Next = now.Add(time.Duration(k.Rotation.PeriodDays) * day)
		if err := e.keep(tx, k, event.String()); err != nil {
			return err
		}
		return e.recordInternal(tx, "RotateKey", addr, event.String(), &audit.ServiceDetails{KeyID: addr.ID, RotationType: rotationAutomatic})
	})
}

// States of material in ListKeyRotations.
const (
	materialCurrent    = "CURRENT"
	materialNonCurrent = "NON_CURRENT"
	materialPending    = "PENDING_ROTATION"
	materialAwaited    = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
	materialImported   = "IMPORTED"
	materialToImport   = "PENDING_IMPORT"
)

func listKeyRotations(_ context.Context, s *Scope, in *wire.ListKeyRotationsInput) (*wire.ListKeyRotationsOutput, error) {
	k := s.key(0)
	if k.Spec != string(spec.SymmetricDefault) { // also of imported material (NEW-06)
		return nil, s.rotatable(k)
	}
	page, err := s.page("ListKeyRotations", k.Addr.String(), in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	materials := slices.Clone(k.Materials)
	if page.after != "" {
		at := slices.IndexFunc(materials, func(m store.Material) bool { return m.ID == page.after })
		if at < 0 { // materials that come before others stay
			return nil, errMarker()
		}
		materials = materials[at+1:]
	}
	materials = slices.DeleteFunc(materials, func(m store.Material) bool {
		return m.Rotated.At.IsZero() && deref(in.IncludeKeyMaterial) != "ALL_KEY_MATERIAL"
	})
	more := len(materials) > page.limit
	out := &wire.ListKeyRotationsOutput{Rotations: []wire.RotationsListEntry{}, Truncated: &more}
	for _, m := range materials[:min(len(materials), page.limit)] {
		entry, err := s.rotation(k, m)
		if err != nil {
			return nil, err
		}
		out.Rotations = append(out.Rotations, entry)
	}
	if more {
		out.NextMarker, err = page.next(materials[page.limit-1].ID)
	}
	return out, err
}

// rotation is a material as ListKeyRotations tells it (ROT-16, NEW-07).
func (s *Scope) rotation(k *store.Key, m store.Material) (wire.RotationsListEntry, error) {
	state := materialNonCurrent
	if m.ID == k.CurrentMaterial {
		state = materialCurrent
	}
	entry := wire.RotationsListEntry{KeyId: new(s.keyARN(k)), KeyMaterialState: &state}
	if k.Spec == string(spec.SymmetricDefault) {
		entry.KeyMaterialId = &m.ID
	}
	if i := m.Import; i != nil {
		entry.ImportState, entry.ExpirationModel = new(materialImported), new(doesNotExpire)
		if i.Missing {
			entry.ImportState = new(materialToImport)
		}
		if !i.ValidTo.IsZero() {
			entry.ExpirationModel, entry.ValidTo = new(doesExpire), &i.ValidTo
		}
		if i.Pending {
			everywhere, err := s.importedEverywhere(k, m.ID)
			if err != nil {
				return entry, err
			}
			state = materialPending
			if !everywhere {
				state = materialAwaited
			}
		}
		if i.Description != "" {
			entry.KeyMaterialDescription = &i.Description
		}
	}
	if !m.Rotated.At.IsZero() {
		entry.RotationDate, entry.RotationType = &m.Rotated.At, &m.Rotated.Type
	}
	return entry, nil
}
