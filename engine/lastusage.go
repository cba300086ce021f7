package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// tracked are the operations that count as a use of a key.
var tracked = map[string]bool{
	"Decrypt": true, "DeriveSharedSecret": true, "Encrypt": true, "GenerateDataKey": true, "GenerateDataKeyPair": true,
	"GenerateDataKeyPairWithoutPlaintext": true, "GenerateDataKeyWithoutPlaintext": true, "GenerateMac": true, "ReEncrypt": true, "Sign": true,
	"Verify": true, "VerifyMac": true,
}

// uses are the last uses of keys that the store does not know yet. A use
// writes nothing, since a key can be used thousands of times a second; the
// sweeper does, every few seconds. A process that is killed forgets those since.
type uses struct {
	mu      sync.Mutex
	fresh   map[store.KeyAddr]store.Usage
	writing map[store.KeyAddr]store.Usage // by the sweeper, nil otherwise
}

// note keeps a use.
func (u *uses) note(use store.Usage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fresh == nil {
		u.fresh = map[store.KeyAddr]store.Usage{}
	}
	if known, there := u.fresh[use.Addr]; !there || !known.At.After(use.At) {
		u.fresh[use.Addr] = use
	}
}

// of is the last use of a key that the store may not know.
func (u *uses) of(addr store.KeyAddr) (store.Usage, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if use, there := u.fresh[addr]; there {
		return use, true
	}
	use, there := u.writing[addr]
	return use, there
}

// begin hands over what is to be written.
func (u *uses) begin() []store.Usage {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.writing, u.fresh = u.fresh, nil
	all := make([]store.Usage, 0, len(u.writing))
	for _, use := range u.writing {
		all = append(all, use)
	}
	return all
}

// end takes back what could not be written.
func (u *uses) end(left []store.Usage) {
	u.mu.Lock()
	u.writing = nil
	u.mu.Unlock()
	for _, use := range left {
		u.note(use)
	}
}

// noteUse notes that a call used its keys. Each use has the event of the account
// that the key is in.
func (e *Engine) noteUse(s *Scope) error {
	if !tracked[s.row.name] || s.row.service != "kms" {
		return nil
	}
	for _, c := range s.checks {
		if c.Resource.Key == nil {
			continue
		}
		addr := c.Resource.Key.Addr
		eventID := s.eventID
		if addr.Account != s.Caller.Account {
			var err error
			if eventID, err = audit.CopyID(s.eventID, addr.Account); err != nil {
				return err
			}
		}
		e.uses.note(store.Usage{Addr: addr, Operation: s.row.name, At: s.Now, EventID: eventID, RequestID: s.request.ID})
	}
	return nil
}

// usesAtOnce is how many uses one transaction writes.
const usesAtOnce = 100

// writeUses brings the store up to date. What fails is tried again the next
// time.
func (e *Engine) writeUses(ctx context.Context) error {
	all := e.uses.begin()
	defer func() { e.uses.end(all) }()
	for len(all) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		some := all[:min(len(all), usesAtOnce)]
		err := e.cfg.Store.Update(func(tx *store.Tx) error {
			for _, use := range some {
				if err := tx.PutUsage(use); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("writing the last uses of keys: %w", err)
		}
		all = all[len(some):]
	}
	return nil
}

// lastUse is the last use of a key; none if it was never used.
func (s *Scope) lastUse(k *store.Key) (store.Usage, bool, error) {
	if use, there := s.engine.uses.of(k.Addr); there && !use.At.Before(k.Created) {
		return use, true, nil
	}
	use, err := s.Tx.Usage(k.Addr)
	if errors.Is(err, store.ErrNotFound) {
		return use, false, nil
	}
	return use, err == nil, err
}

func usageOperations() []row {
	return []row{
		define(Operation[wire.GetKeyLastUsageInput, wire.GetKeyLastUsageOutput]{
			Name: "GetKeyLastUsage", Effect: Reads,
			Checks: func(s *Scope, in *wire.GetKeyLastUsageInput) ([]Check, error) {
				return one(s.onKey("kms:GetKeyLastUsage", in.KeyId, false, condition.Side{}))
			},
			Run: getKeyLastUsage,
		}),
	}
}

// getKeyLastUsage answers from the day on which the key was made: its uses are
// tracked since (NEW-02).
func getKeyLastUsage(_ context.Context, s *Scope, _ *wire.GetKeyLastUsageInput) (*wire.GetKeyLastUsageOutput, error) {
	k := s.key(0)
	out := &wire.GetKeyLastUsageOutput{KeyId: new(s.keyARN(k)), KeyCreationDate: &k.Created, TrackingStartDate: &k.Created}
	use, there, err := s.lastUse(k)
	if err != nil {
		return nil, err
	}
	out.KeyLastUsage = &wire.KeyLastUsageData{}
	if there {
		*out.KeyLastUsage = wire.KeyLastUsageData{Operation: &use.Operation, Timestamp: &use.At, CloudTrailEventId: &use.EventID, KmsRequestId: &use.RequestID}
	}
	return out, nil
}

// onIdleKey makes the check of an operation that policies can permit for keys
// that have not been used for some whole days: since they were made, if never.
func (s *Scope) onIdleKey(action, identifier string, keys condition.Context) (Check, error) {
	c, err := s.onKey(action, identifier, false, condition.Side{Keys: keys})
	k := c.Resource.Key
	if err != nil || k == nil {
		return c, err
	}
	since := k.Created
	use, there, err := s.lastUse(k)
	if there {
		since = use.At
	}
	keys.Number("kms:TrailingDaysWithoutKeyUsage", int(max(0, s.Now.Sub(since))/day))
	return c, err
}
