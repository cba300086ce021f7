package engine

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/store"
)

// Seed makes the keys that the world lists, with their aliases and grants, all
// of them or none, in a store that has no key of the world's accounts yet:
// later a key that was deleted would come back.
func (e *Engine) Seed(ctx context.Context) error {
	w := e.cfg.World()
	if used, err := e.used(w); err != nil || used {
		return err
	}
	records := make([]store.Key, len(w.Keys()))
	for i, k := range w.Keys() {
		var err error
		if records[i], err = e.seedKey(ctx, w, k); err != nil {
			return fmt.Errorf("making the key %s of the world: %w", k.Name, err)
		}
	}
	if err := seedSets(w.Keys(), records); err != nil {
		return err
	}
	return e.cfg.Store.Update(func(tx *store.Tx) error {
		for i, k := range w.Keys() {
			if err := e.seedRecords(tx, w, k, records[i]); err != nil {
				return fmt.Errorf("making the key %s of the world: %w", k.Name, err)
			}
		}
		return nil
	})
}

func (e *Engine) used(w *world.World) (used bool, err error) {
	err = e.cfg.Store.View(func(tx *store.Tx) error {
		for _, a := range w.Accounts() {
			for _, region := range w.Regions() {
				n, err := tx.CountKeys(a.ID, region)
				if err != nil {
					return err
				}
				used = used || n > 0
			}
		}
		return nil
	})
	return used, err
}

// seedKey makes the record of a key, with new material.
func (e *Engine) seedKey(ctx context.Context, w *world.World, k *world.Key) (store.Key, error) {
	if _, known := spec.Lookup(spec.KeySpec(k.Spec)); !known || k.Origin != string(spec.OriginKMS) {
		return store.Key{}, fmt.Errorf("a key with spec %s and origin %s cannot be made yet", k.Spec, k.Origin)
	}
	var id [32]byte
	if _, err := io.ReadFull(e.cfg.Rand, id[:]); err != nil {
		return store.Key{}, err
	}
	now := e.cfg.Clock()
	first, err := e.generate(ctx, hex.EncodeToString(id[:]), spec.KeySpec(k.Spec), now)
	if err != nil {
		return store.Key{}, err
	}
	record := store.Key{
		Addr: store.KeyAddr{Account: k.Account, Region: k.Region, ID: k.ID},
		Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, State: k.State, Manager: seedManager(k),
		Description: k.Description, Created: now, Tags: k.Tags, Policy: seedPolicy(w, k),
		CurrentMaterial: first.ID, Materials: []store.Material{first},
	}
	if k.MultiRegion {
		record.MultiRegion = store.MultiRegion{Type: primaryKey, Primary: k.Region}
	}
	if k.ReplicaOf != "" {
		record.MultiRegion = store.MultiRegion{Type: replicaKey, Primary: k.ReplicaOf}
	}
	if k.AWSManaged {
		record.Rotation = store.Rotation{PeriodDays: defaultRotationDays, Next: now.Add(defaultRotationDays * day)} // ROT-14
	}
	schedule(&record)
	if record.State == string(lifecycle.PendingDeletion) {
		record.DeletionDate = now.Add(defaultPendingDays * 24 * time.Hour)
	}
	return record, nil
}

// seedSets brings the replicas among the records of keys together with their
// primaries.
func seedSets(keys []*world.Key, records []store.Key) error {
	primaries := map[string]int{}
	for i, r := range records {
		if r.MultiRegion.Type == primaryKey {
			primaries[r.Addr.String()] = i
		}
	}
	for i := range records {
		r := &records[i]
		if r.MultiRegion.Type != replicaKey {
			continue
		}
		at, listed := primaries[memberOf(r, r.MultiRegion.Primary).String()]
		if !listed {
			return fmt.Errorf("making the key %s of the world: its primary key is not listed", keys[i].Name)
		}
		set := &records[at].MultiRegion
		set.Replicas = slices.Sorted(slices.Values(append(set.Replicas, r.Addr.Region)))
	}
	for i, r := range records {
		if r.MultiRegion.Type == replicaKey {
			records[i] = shared(&records[primaries[memberOf(&r, r.MultiRegion.Primary).String()]], r)
			schedule(&records[i])
		}
	}
	return nil
}

func seedManager(k *world.Key) string {
	if k.AWSManaged {
		return managerAWS
	}
	return managerCustomer
}

func seedPolicy(w *world.World, k *world.Key) store.Policy {
	if k.Policy == nil {
		return store.Policy{Text: ask.UnlistedPolicy(w, k)}
	}
	return store.Policy{Text: k.Policy.Document.Text, Principals: k.Policy.Principals}
}

func (e *Engine) seedRecords(tx *store.Tx, w *world.World, k *world.Key, record store.Key) error {
	if err := tx.PutKey(record); err != nil {
		return err
	}
	for _, name := range k.Aliases {
		a := store.Alias{
			Account: k.Account, Region: k.Region, Name: name, TargetKeyID: k.ID, Created: record.Created, Updated: record.Created,
		}
		if err := tx.PutAlias(a); err != nil {
			return err
		}
	}
	for _, g := range k.Grants {
		grantee, known := identity.Party(w, g.Grantee)
		retiree, retireeKnown := identity.Party(w, g.Retiree)
		if !known || !retireeKnown && g.Retiree != "" {
			return fmt.Errorf("grant %s names a principal that does not exist", g.Name)
		}
		err := tx.PutGrant(store.Grant{
			ID: g.ID, Key: record.Addr, Name: g.Name, Created: record.Created, IssuingAccount: k.Account,
			Grantee: g.Grantee, GranteeID: grant.PartyID(grantee), GranteeAccount: identity.AccountOf(g.Grantee),
			Retiree: g.Retiree, RetireeID: grant.PartyID(retiree),
			Operations: g.Operations, Equals: nonEmpty(g.Equals), Subset: nonEmpty(g.Subset),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
