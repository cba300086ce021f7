package engine

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/store"
)

// Who manages a key (KCL-01).
const (
	managerCustomer = "CUSTOMER"
	managerAWS      = "AWS"
)

// managedPrefix begins the aliases of AWS managed keys.
const managedPrefix = "alias/aws/"

// errFirstUse ends a transaction that has met the alias of an AWS managed key
// that is not there yet. The call runs again in one that can make it.
var errFirstUse = errors.New("the first use of an AWS managed key")

// A newManaged is what an AWS managed key is made of, the same one when its
// transaction runs again.
type newManaged struct {
	id       string
	material store.Material
	eventID  string
}

func (e *Engine) newManaged(ctx context.Context, c *call) (*newManaged, error) {
	var id [32]byte
	if _, err := io.ReadFull(e.cfg.Rand, id[:]); err != nil {
		return nil, err
	}
	ref, err := e.cfg.Materials.Generate(ctx, hex.EncodeToString(id[:]), spec.SymmetricDefault)
	if err != nil {
		return nil, fmt.Errorf("making the material of an AWS managed key: %w", err)
	}
	n := &newManaged{material: store.Material{ID: ref.ID, Created: c.now, Ref: store.MaterialRef{
		Provider: ref.Provider, ID: ref.ID, Spec: string(ref.Spec), Sealed: ref.Sealed,
	}}}
	for _, to := range []*string{&n.id, &n.eventID} {
		random, err := uuid.NewRandomFromReader(e.cfg.Rand)
		if err != nil {
			return nil, err
		}
		*to = random.String()
	}
	return n, nil
}

// comesIntoBeing tells whether the alias of an AWS managed key that is not
// there gets its key by this call: by the first use by its service on a
// principal's behalf, or by DescribeKey (LST-08).
func (s *Scope) comesIntoBeing(alias string) (*world.Service, bool) {
	service, predefined := s.World.ServiceOfKey(alias)
	if !predefined || s.Caller.Account == "" {
		return nil, false
	}
	called := s.Caller.Service
	used := called != nil && called.Forward != nil && called.Service.Principal == service.Principal
	return service, used || s.row.name == "DescribeKey"
}

// firstUse makes the AWS managed key behind an alias of the caller's account.
// What it writes stays only if the call succeeds.
func (s *Scope) firstUse(alias string, service *world.Service) (store.Alias, error) {
	n := s.managed
	if n == nil {
		return store.Alias{}, errFirstUse
	}
	name := strings.TrimPrefix(alias, managedPrefix)
	k := store.Key{
		Addr: store.KeyAddr{Account: s.Caller.Account, Region: s.Region, ID: n.id},
		Spec: string(spec.SymmetricDefault), Usage: string(spec.EncryptDecrypt), Origin: string(spec.OriginKMS),
		State: string(lifecycle.Enabled), Manager: managerAWS, Description: managedDescription(name), Created: s.Now,
		Policy:          store.Policy{Text: ask.ManagedKeyPolicy(s.World.Partition(), s.Caller.Account, name, service.Via(s.Region))},
		CurrentMaterial: n.material.ID, Materials: []store.Material{n.material},
		Rotation: store.Rotation{PeriodDays: defaultRotationDays, Next: s.Now.Add(defaultRotationDays * day)},
	}
	schedule(&k)
	a := store.Alias{Account: s.Caller.Account, Region: s.Region, Name: alias, TargetKeyID: n.id, Created: s.Now, Updated: s.Now}
	if err := s.Tx.PutKey(k); err != nil {
		return a, err
	}
	if err := s.Tx.PutAlias(a); err != nil {
		return a, err
	}
	return a, s.recordManaged(&k)
}

func managedDescription(name string) string {
	return "The AWS managed key that " + name + " uses where no other key is named"
}

// recordManaged records that the key was made: by the service on its own, as
// the account sees it (CT-054).
func (s *Scope) recordManaged(k *store.Key) error {
	meta := s.metadata(k)
	lines, err := audit.Lines(audit.Call{
		Operation: "CreateKey", Region: s.Region, Time: s.Now, RequestID: s.request.ID, EventID: s.managed.eventID,
		Caller: audit.Identity{Kind: audit.Internal, Account: k.Addr.Account, InvokedBy: audit.InternalName},
		Input:  &wire.CreateKeyInput{Description: meta.Description, KeySpec: meta.KeySpec, KeyUsage: meta.KeyUsage, Origin: meta.Origin},
		Output: &wire.CreateKeyOutput{KeyMetadata: meta}, Keys: []string{*meta.Arn}, Allowed: true,
	})
	if err != nil {
		return fmt.Errorf("making the audit event: %w", err)
	}
	for _, line := range lines {
		if err := s.Tx.AppendEvent(line); err != nil {
			return err
		}
	}
	return nil
}

// usesOfManaged are the actions on an AWS managed key, besides those that only
// read, that change nothing of it (KCL-02).
var usesOfManaged = []string{
	"kms:CreateGrant", "kms:Decrypt", "kms:DeriveSharedSecret", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
	"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateMac", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	"kms:RetireGrant", "kms:RevokeGrant", "kms:Sign", "kms:Verify", "kms:VerifyMac",
}

// unchanged refuses to change an AWS managed key, whatever its policy says.
func (s *Scope) unchanged(action string, k *store.Key) error {
	a, _ := policy.ActionNamed(action)
	if k.Manager != managerAWS || a.ReadOnly || slices.Contains(usesOfManaged, action) {
		return nil
	}
	return wire.Errorf(wire.AccessDenied, "%s is an AWS managed key, which nobody can change.", s.keyARN(k))
}

// predefined adds to a page of the account's aliases those of AWS managed keys
// that are not there yet (ALS-18). They have no target.
func (s *Scope) predefined(stored []store.Alias, more bool, p page) ([]store.Alias, bool) {
	last := ""
	if more {
		last = stored[len(stored)-1].Name
	}
	for _, name := range s.World.PredefinedAliases() {
		there := slices.ContainsFunc(stored, func(a store.Alias) bool { return a.Name == name })
		if !there && name > p.after && (last == "" || name < last) {
			stored = append(stored, store.Alias{Account: s.Caller.Account, Region: s.Region, Name: name})
		}
	}
	slices.SortFunc(stored, func(a, b store.Alias) int { return cmp.Compare(a.Name, b.Name) })
	if len(stored) > p.limit {
		return stored[:p.limit], true
	}
	return stored, more
}

// managedKeys counts the account's AWS managed keys in a Region, which do not count against
// its quota (KCL-07). Each has one alias of its own.
func (s *Scope) managedKeys(region string) (n int, err error) {
	after := managedPrefix
	for {
		page, more, err := s.Tx.AliasesOf(s.Caller.Account, region, after, 100)
		if err != nil {
			return 0, err
		}
		for _, a := range page {
			if !strings.HasPrefix(a.Name, managedPrefix) {
				return n, nil
			}
			after = a.Name
			n++
		}
		if !more {
			return n, nil
		}
	}
}
