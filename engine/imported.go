package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/store"
)

// fingerprintPurpose separates fingerprints from all else that is sealed.
const fingerprintPurpose = "imported material"

// fingerprint is what is kept of imported material for ever, so that a key
// takes no other (IM-090). It is sealed: material can be guessable.
func (e *Engine) fingerprint(secret seal.Secret) ([]byte, error) {
	sum := sha256.Sum256(secret.Expose())
	return e.cfg.Root.Seal(fingerprintPurpose, nil, sum[:])
}

// materialPurpose separates the ids of imported material from other codes.
const materialPurpose = "imported material id"

// importedID is the id of material that is imported into a key: it follows
// from both, so that a key knows the same material by the same id, and tells
// nothing of the material without the root key. The keys of a multi-Region set
// have one id.
func (e *Engine) importedID(addr store.KeyAddr, b brought) (string, error) {
	code, err := e.cfg.Root.Code(materialPurpose, []byte(addr.Account), []byte(addr.ID), b.secret.Expose())
	return hex.EncodeToString(code[:]), err
}

// A brought is material that a request brings.
type brought struct {
	secret seal.Secret // in the form in which it is kept: one for each key
	given  seal.Secret // as it came
}

func (b brought) clear() {
	clear(b.secret.Expose())
	clear(b.given.Expose())
}

// matches tells whether material has a fingerprint. That of a pair may be of
// the document that was given.
func (e *Engine) matches(fingerprint []byte, b brought) (bool, error) {
	kept, err := e.cfg.Root.Open(fingerprintPurpose, nil, fingerprint)
	if err != nil {
		return false, err
	}
	one, given := sha256.Sum256(b.secret.Expose()), sha256.Sum256(b.given.Expose())
	return subtle.ConstantTimeCompare(kept.Expose(), one[:])|subtle.ConstantTimeCompare(kept.Expose(), given[:]) == 1, nil
}

// samePair tells whether a material that is there, or with the primary key of a
// replica, is the pair that a request brings, whatever document its fingerprint
// is of.
func (s *Scope) samePair(ctx context.Context, k *store.Key, m store.Material, b brought) (bool, error) {
	if !keypair.Known(spec.KeySpec(k.Spec)) {
		return false, nil
	}
	if m.Import.Missing && k.MultiRegion.Type == replicaKey {
		primary, err := s.stored(memberOf(k, k.MultiRegion.Primary))
		at := slices.IndexFunc(primary.Materials, func(p store.Material) bool { return p.ID == m.ID && p.Import != nil })
		if err != nil || at < 0 {
			return false, ignoreNotFound(err)
		}
		k, m = &primary, primary.Materials[at]
	}
	if m.Import.Missing || len(m.Ref.Sealed) == 0 {
		return false, nil
	}
	kept, err := able[material.Pair](ctx, s, k, m.ID)
	if err != nil {
		return false, err
	}
	own, err := keypair.Open(spec.KeySpec(k.Spec), b.secret)
	if err != nil {
		return false, err
	}
	return bytes.Equal(kept.Public(), own.Public()), nil
}

// usable tells whether a key has all material that it needs: one that lacks any
// that it ever used is pending import (NEW-06).
func usable(k *store.Key) bool {
	permanent := 0
	for _, m := range k.Materials {
		if m.Import == nil || m.Import.Pending {
			continue
		}
		if m.Import.Missing {
			return false
		}
		permanent++
	}
	return permanent > 0
}

// settle brings the state of a key in line with its material, unless it waits
// for its deletion (IM-087, IM-100, IM-103, IM-109).
func settle(k *store.Key) {
	switch {
	case k.State == string(lifecycle.PendingDeletion), k.State == string(lifecycle.PendingReplicaDeletion):
	case !usable(k):
		k.State = string(lifecycle.PendingImport)
	case k.State == string(lifecycle.PendingImport):
		k.State = string(lifecycle.Enabled)
	}
}

// drop takes imported material away from a key, and returns what it was.
// Material that was never used goes without a trace.
func drop(k *store.Key, id string) (dropped store.Material) {
	materials := make([]store.Material, 0, len(k.Materials))
	for _, m := range k.Materials {
		if m.ID == id && m.Import != nil {
			dropped = m
			if m.Import.Pending {
				continue
			}
			imported := *m.Import
			imported.Missing = true
			m.Import, m.Ref.Sealed = &imported, nil
		}
		materials = append(materials, m)
	}
	k.Materials = materials
	settle(k)
	return dropped
}

// expire drops the material of a key whose time is over, and returns it.
func expire(k *store.Key, now time.Time) (expired []store.Material) {
	for _, m := range k.Materials {
		if m.Import != nil && !m.Import.Missing && !m.Import.ValidTo.IsZero() && !m.Import.ValidTo.After(now) {
			expired = append(expired, drop(k, m.ID))
		}
	}
	return expired
}

// expires is when the first material of a key expires, or zero.
func expires(k *store.Key) (first time.Time) {
	for _, m := range k.Materials {
		if m.Import == nil || m.Import.Missing || m.Import.ValidTo.IsZero() {
			continue
		}
		if first.IsZero() || m.Import.ValidTo.Before(first) {
			first = m.Import.ValidTo
		}
	}
	return first
}

// expireMaterial removes the material of a key that is over (IM-101).
func (e *Engine) expireMaterial(addr store.KeyAddr) error {
	event, err := uuid.NewRandomFromReader(e.cfg.Rand)
	if err != nil {
		return err
	}
	var expired []store.Material
	err = e.cfg.Store.Update(func(tx *store.Tx) error {
		k, err := tx.Key(addr)
		if err != nil {
			return ignoreNotFound(err)
		}
		if expired = expire(&k, e.cfg.Clock()); len(expired) == 0 {
			return nil
		}
		return errors.Join(e.keep(tx, k, event.String()), e.recordExpiry(tx, addr, event.String()))
	})
	if err == nil {
		e.forget(expired)
	}
	return err
}

func (e *Engine) recordExpiry(tx *store.Tx, addr store.KeyAddr, eventID string) error {
	return e.recordInternal(tx, "DeleteExpiredKeyMaterial", addr, eventID, &audit.ServiceDetails{KeyID: addr.ID})
}

// expirationModel is how a key tells the expiry of its material (IM-010,
// IM-011); empty for one that never had any.
func expirationModel(k *store.Key) (model string, validTo time.Time) {
	if k.Origin != string(spec.OriginExternal) || len(k.Materials) == 0 {
		return "", time.Time{}
	}
	for _, m := range k.Materials { // also of material that is gone (D-9)
		if m.Import != nil && !m.Import.ValidTo.IsZero() && (validTo.IsZero() || m.Import.ValidTo.Before(validTo)) {
			validTo = m.Import.ValidTo
		}
	}
	if validTo.IsZero() {
		return doesNotExpire, validTo
	}
	return doesExpire, validTo
}

// pendingMaterial is the material of a key that waits for a rotation, or nil.
func pendingMaterial(k *store.Key) *store.Material {
	at := slices.IndexFunc(k.Materials, func(m store.Material) bool { return m.Import != nil && m.Import.Pending })
	if at < 0 {
		return nil
	}
	return &k.Materials[at]
}
