package engine

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// The two types of multi-Region keys, and how their ids begin (MR-003).
const (
	primaryKey        = "PRIMARY"
	replicaKey        = "REPLICA"
	multiRegionPrefix = "mrk-"
)

// keep writes a changed key and what follows from the change: when the sweeper
// has to look at it again, and what the members of its multi-Region set share.
// A set changes in one transaction, so that none of its keys encrypts under
// material that another lacks (MR-142). What is copied is what stands in the
// records. The id is that of the event, if anything was copied.
func (e *Engine) keep(tx *store.Tx, k store.Key, eventID string) error {
	if k.MultiRegion.Type == replicaKey {
		primary, err := tx.Key(memberOf(&k, k.MultiRegion.Primary))
		if err != nil {
			return fmt.Errorf("looking for the primary of %s: %w", k.Addr, err)
		}
		k = shared(&primary, k)
	}
	schedule(&k)
	if err := tx.PutKey(k); err != nil || k.MultiRegion.Type != primaryKey || len(k.MultiRegion.Replicas) == 0 {
		return err
	}
	return e.synchronize(tx, k.Addr, eventID)
}

// synchronize brings the replicas of a primary key in line with it, and
// records that if one of them was not (MR-038, MR-039).
func (e *Engine) synchronize(tx *store.Tx, addr store.KeyAddr, eventID string) error {
	primary, err := tx.Key(addr)
	if err != nil {
		return err
	}
	copied := false
	for _, region := range primary.MultiRegion.Replicas {
		k, err := tx.Key(memberOf(&primary, region))
		if err != nil {
			return fmt.Errorf("looking for the replica of %s in %s: %w", addr, region, err)
		}
		next := shared(&primary, k)
		schedule(&next)
		if reflect.DeepEqual(next, k) {
			continue
		}
		copied = true
		if err := tx.PutKey(next); err != nil {
			return err
		}
	}
	if !copied {
		return nil
	}
	return e.recordInternal(tx, "SynchronizeMultiRegionKey", addr, eventID, nil)
}

// memberOf is the address of the key of a set in a Region.
func memberOf(k *store.Key, region string) store.KeyAddr {
	return store.KeyAddr{Account: k.Addr.Account, Region: region, ID: k.Addr.ID}
}

// shared is a replica with what it has from its primary (MR-030, MR-031). All
// else is its own (MR-033, MR-034).
func shared(primary *store.Key, k store.Key) store.Key {
	k.Rotation, k.CurrentMaterial = primary.Rotation, primary.CurrentMaterial
	k.MultiRegion.Primary, k.MultiRegion.Replicas = primary.Addr.Region, primary.MultiRegion.Replicas
	own := k.Materials
	k.Materials = make([]store.Material, len(primary.Materials))
	for i, m := range primary.Materials {
		k.Materials[i] = sharedMaterial(m, own)
	}
	if k.Origin == string(spec.OriginExternal) && k.State != string(lifecycle.Creating) {
		settle(&k)
	}
	return k
}

// sharedMaterial is a material of the primary as a replica has it. What was
// imported is known there, but has to be imported there too, and expires there
// on a date of its own (MR-160 to MR-165).
func sharedMaterial(m store.Material, own []store.Material) store.Material {
	if m.Import == nil {
		return m
	}
	known := *m.Import
	known.Description, known.ValidTo, known.Missing = "", time.Time{}, true
	m.Ref.Sealed = nil
	at := slices.IndexFunc(own, func(o store.Material) bool { return o.ID == m.ID && o.Import != nil })
	if at >= 0 {
		o := own[at].Import
		known.Description, known.ValidTo, known.Missing = o.Description, o.ValidTo, o.Missing
		m.Ref = own[at].Ref
	}
	m.Import = &known
	return m
}

// arrive ends the state Creating or Updating of a key whose time is over, and
// tells whether it was (KST-04, KST-05).
func arrive(k *store.Key, now time.Time) bool {
	if k.MultiRegion.Settles.IsZero() || k.MultiRegion.Settles.After(now) {
		return false
	}
	k.MultiRegion.Settles = time.Time{}
	if k.State == string(lifecycle.Creating) || k.State == string(lifecycle.Updating) {
		k.State = string(lifecycle.Enabled)
		if k.Origin == string(spec.OriginExternal) {
			settle(k)
		}
	}
	return true
}

// arriveKey keeps that a key has arrived.
func (e *Engine) arriveKey(addr store.KeyAddr) error {
	event, err := uuid.NewRandomFromReader(e.cfg.Rand)
	if err != nil {
		return err
	}
	return e.cfg.Store.Update(func(tx *store.Tx) error {
		k, err := tx.Key(addr)
		if err != nil {
			return ignoreNotFound(err)
		}
		if !arrive(&k, e.cfg.Clock()) {
			return nil
		}
		return e.keep(tx, k, event.String())
	})
}

// leave takes a key that was deleted off the lists of its set. With the last
// replica the waiting period of a primary begins that waits for it (MR-186,
// MR-187).
func (e *Engine) leave(tx *store.Tx, deleted store.Key, eventID string) error {
	if deleted.MultiRegion.Type != replicaKey {
		return nil
	}
	primary, err := tx.Key(memberOf(&deleted, deleted.MultiRegion.Primary))
	if err != nil {
		return fmt.Errorf("looking for the primary of %s: %w", deleted.Addr, err)
	}
	primary.MultiRegion.Replicas = slices.DeleteFunc(slices.Clone(primary.MultiRegion.Replicas), func(r string) bool { return r == deleted.Addr.Region })
	if primary.State == string(lifecycle.PendingReplicaDeletion) && len(primary.MultiRegion.Replicas) == 0 {
		primary.State = string(lifecycle.PendingDeletion)
		primary.DeletionDate = e.cfg.Clock().Add(time.Duration(primary.PendingWindowDays) * day)
		primary.PendingWindowDays = 0
	}
	return e.keep(tx, primary, eventID)
}

// primary refuses what only the primary key of a set can do (KTO-07, AMB-29).
func (s *Scope) primary(k *store.Key) error {
	if k.MultiRegion.Type == primaryKey {
		return nil
	}
	return wire.Errorf(wire.UnsupportedOperation, "%s is not a multi-region primary key.", s.keyARN(k))
}

// notReplica refuses what is done with the primary key of a set alone, or with
// a key of one Region.
func (s *Scope) notReplica(k *store.Key) error {
	if k.MultiRegion.Type == replicaKey {
		return s.primary(k)
	}
	return nil
}

// importedEverywhere tells whether all replicas of a key have a material
// (NEW-06).
func (s *Scope) importedEverywhere(k *store.Key, material string) (bool, error) {
	if k.MultiRegion.Type == "" {
		return true, nil
	}
	for _, region := range k.MultiRegion.Replicas {
		r, err := s.stored(memberOf(k, region))
		if err != nil {
			return false, ignoreNotFound(err)
		}
		at := slices.IndexFunc(r.Materials, func(m store.Material) bool { return m.ID == material })
		if at < 0 || r.Materials[at].Import == nil || r.Materials[at].Import.Missing {
			return false, nil
		}
	}
	return true, nil
}

// multiRegionConfiguration is the set of a key as DescribeKey tells it; nil for
// a key of one Region (MR-012, MR-013, MR-150, MR-151).
func (s *Scope) multiRegionConfiguration(k *store.Key) *wire.MultiRegionConfiguration {
	if k.MultiRegion.Type == "" {
		return nil
	}
	member := func(region string) wire.MultiRegionKey {
		return wire.MultiRegionKey{Arn: new(s.addrARN(memberOf(k, region))), Region: &region}
	}
	c := &wire.MultiRegionConfiguration{
		MultiRegionKeyType: &k.MultiRegion.Type, PrimaryKey: new(member(k.MultiRegion.Primary)), ReplicaKeys: []wire.MultiRegionKey{},
	}
	for _, region := range k.MultiRegion.Replicas {
		c.ReplicaKeys = append(c.ReplicaKeys, member(region))
	}
	return c
}
