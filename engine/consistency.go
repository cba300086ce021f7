package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/store"
)

// A change says what of one key was so until an instant. It is true whether or
// not the transaction that is about to change it commits, so that it may be
// noted more than once, and before.
type change struct {
	at  time.Time
	key store.KeyAddr

	tags    map[string]string // before; counts if of is ofTags
	aliases aliasNames        // before; counts if of is ofAliases
	grant   store.Grant       // made or removed
	counted bool              // a removed grant counted without its token
	of      changed
}

// What a change is of. The zero value is invalid.
type changed int

const (
	ofTags changed = iota + 1
	ofAliases
	grantMade
	grantRemoved
)

// The names of a key's aliases; over its quota there are none for policies
//
type aliasNames struct {
	names []string
	over  bool
}

// Bounds of what is remembered, and of the removed grants that one decision
// looks at. Beyond them a change counts sooner.
const (
	maxChanges = 10_000
	maxRemoved = 100
)

// changes are those of the last while, the oldest first. They are kept in
// memory alone: after a restart all that was changed counts. Safe for
// concurrent use.
type changes struct {
	mu  sync.RWMutex
	all []change
}

// note remembers a change, and forgets those before since.
func (c *changes) note(n change, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := 0
	for old < len(c.all) && (!c.all[old].at.After(since) || len(c.all)-old >= maxChanges) {
		old++
	}
	c.all = append(slices.Delete(c.all, 0, old), n)
}

// after lists the changes of one kind to a key behind an instant.
func (c *changes) after(since time.Time, key store.KeyAddr, of changed) []change {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var found []change
	for i := range c.all {
		if n := &c.all[i]; n.of == of && n.key == key && n.at.After(since) {
			found = append(found, *n)
		}
	}
	return found
}

// forget drops a removed grant, which then counts no longer.
func (c *changes) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = slices.DeleteFunc(c.all, func(n change) bool { return n.of == grantRemoved && n.grant.ID == id })
}

// delay is how long changes of grants, tags and aliases take to count for
// authorization; zero: they count at once. Guide, "Eventual consistency (for
// grants)"; ALS-32, TAG-19.
func (s *Scope) delay() time.Duration {
	return cmp.Or(s.engine.cfg.ConsistencyDelay, s.World.Settings().ConsistencyDelay)
}

// delayed notes what an operation is about to change, if that is to count
// later.
func (s *Scope) delayed(c change) {
	if d := s.delay(); d > 0 {
		c.at = s.Now
		s.engine.changes.note(c, s.Now.Add(-d))
	}
}

// pending lists the changes of one kind to a key that do not count yet.
func (s *Scope) pending(key store.KeyAddr, of changed) []change {
	d := s.delay()
	if d == 0 {
		return nil
	}
	return s.engine.changes.after(s.Now.Add(-d), key, of)
}

// tags are those of a key as they count for authorization.
func (s *Scope) tags(k *store.Key) map[string]string {
	if first := s.pending(k.Addr, ofTags); len(first) > 0 {
		return first[0].tags
	}
	return k.Tags
}

// delayTags notes that the tags of a key are about to change.
func (s *Scope) delayTags(k *store.Key) { s.delayed(change{key: k.Addr, of: ofTags, tags: k.Tags}) }

// namesOf are the names of a key's aliases, as they are now.
func (s *Scope) namesOf(k *store.Key) (aliasNames, error) {
	list, over, err := s.Tx.AliasesOfKey(k.Addr, "", s.quotas().AliasesPerKey)
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Name
	}
	return aliasNames{names, over}, err
}

// delayAliases notes that the aliases of keys are about to change.
func (s *Scope) delayAliases(keys ...*store.Key) error {
	if s.delay() == 0 {
		return nil
	}
	for _, k := range keys {
		before, err := s.namesOf(k)
		if err != nil {
			return err
		}
		s.delayed(change{key: k.Addr, of: ofAliases, aliases: before})
	}
	return nil
}

// aliases are kms:ResourceAliases as they count: none when the key is over its
// quota of aliases.
func (s *Scope) aliases(k *store.Key) ([]string, error) {
	current, err := s.namesOf(k)
	if err != nil {
		return nil, err
	}
	if first := s.pending(k.Addr, ofAliases); len(first) > 0 {
		current = first[0].aliases
	}
	if current.over {
		return nil, nil
	}
	return current.names, nil
}

// unknown are the grants on a key that do not count yet, unless a grant token
// names them.
func (s *Scope) unknown(key store.KeyAddr) map[string]bool {
	var ids map[string]bool
	for _, made := range s.pending(key, grantMade) {
		if s.tokens[made.grant.ID] {
			continue
		}
		if ids == nil {
			ids = map[string]bool{}
		}
		ids[made.grant.ID] = true
	}
	return ids
}

// delayGrant notes that a grant is about to be made.
func (s *Scope) delayGrant(g store.Grant) {
	s.delayed(change{key: g.Key, of: grantMade, grant: store.Grant{ID: g.ID}})
}

// delayRemoval notes that a grant is about to be removed. It goes on counting
// as it did: for all, or for who has its token. One that is retired by its
// token is gone at once.
func (s *Scope) delayRemoval(g store.Grant, byToken bool) {
	if byToken {
		s.engine.changes.forget(g.ID)
		return
	}
	s.delayed(change{key: g.Key, of: grantRemoved, grant: g, counted: !s.unknown(g.Key)[g.ID]})
}

// candidates are the grants on a key that may fit the caller and the action,
// as they count.
func (s *Scope) candidates(c *Check, k *store.Key) ([]store.Grant, error) {
	removed := s.pending(k.Addr, grantRemoved)
	if some, err := s.Tx.HasGrants(k.Addr); err != nil || !some && len(removed) == 0 {
		return nil, err
	}
	operation := c.Action[len("kms:"):]
	parties := grant.PartyIDs(s.Caller.Principal())
	grants, err := s.Tx.GrantCandidates(k.Addr, parties, operation, c.Request.EncryptionContext, s.unknown(k.Addr))
	if err != nil {
		return nil, err
	}
	for _, r := range removed[max(0, len(removed)-maxRemoved):] {
		g := r.grant
		known := slices.ContainsFunc(grants, func(o store.Grant) bool { return o.ID == g.ID })
		fits := slices.Contains(parties, g.GranteeID) && slices.Contains(g.Operations, operation)
		if fits && !known && (r.counted || s.tokens[g.ID]) {
			grants = append(slices.Clip(grants), g)
		}
	}
	return grants, nil
}

// known are the grants of a check under GrantOnly that count.
func (s *Scope) known(grants []store.Grant) []store.Grant {
	var counting []store.Grant
	for _, g := range grants {
		if !s.unknown(g.Key)[g.ID] {
			counting = append(counting, g)
		}
	}
	return counting
}
