package engine

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

func aliasOperations() []row {
	return []row{
		define(Operation[wire.CreateAliasInput, wire.CreateAliasOutput]{
			Name: "CreateAlias", Effect: Writes, Checks: createAliasChecks, Run: createAlias,
		}),
		define(Operation[wire.UpdateAliasInput, wire.UpdateAliasOutput]{
			Name: "UpdateAlias", Effect: Writes, Checks: updateAliasChecks, Run: updateAlias,
		}),
		define(Operation[wire.DeleteAliasInput, wire.DeleteAliasOutput]{
			Name: "DeleteAlias", Effect: Writes, Checks: deleteAliasChecks, Run: deleteAlias,
		}),
		define(Operation[wire.ListAliasesInput, wire.ListAliasesOutput]{
			Name: "ListAliases", Effect: Reads,
			Checks: func(s *Scope, _ *wire.ListAliasesInput) ([]Check, error) {
				return []Check{s.onNothing("kms:ListAliases", condition.Side{})}, nil
			},
			Run: listAliases,
		}),
	}
}

var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

// checkAliasName applies the rules for names that customers may give (ALS-02
// to ALS-05, AMB-15).
func checkAliasName(name string) error {
	switch {
	case !strings.HasPrefix(name, "alias/"):
		return wire.Errorf(wire.Validation, `Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case !aliasName.MatchString(name):
		return wire.Errorf(wire.Validation, "%s contains invalid characters for an alias", name)
	case strings.HasPrefix(name, "alias/aws/"):
		return wire.Errorf(wire.InvalidAliasName, "The alias prefix alias/aws/ is reserved for AWS managed keys.")
	}
	return nil
}

func createAliasChecks(s *Scope, in *wire.CreateAliasInput) ([]Check, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	key, err := s.onKey("kms:CreateAlias", in.TargetKeyId, false, condition.Side{})
	return []Check{s.onAlias("kms:CreateAlias", in.AliasName), key}, err
}

func createAlias(_ context.Context, s *Scope, in *wire.CreateAliasInput) (*wire.CreateAliasOutput, error) {
	if err := s.aliasQuota(s.key(1)); err != nil {
		return nil, err
	}
	_, err := s.alias(s.Caller.Account, in.AliasName)
	switch {
	case err == nil:
		return nil, wire.Errorf(wire.AlreadyExists, "An alias with the name %s already exists", s.arn(s.Caller.Account, in.AliasName))
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	if err := s.delayAliases(s.key(1)); err != nil {
		return nil, err
	}
	return nil, s.Tx.PutAlias(store.Alias{
		Account: s.Caller.Account, Region: s.Region, Name: in.AliasName,
		TargetKeyID: s.key(1).Addr.ID, Created: s.Now, Updated: s.Now,
	})
}

func (s *Scope) aliasQuota(k *store.Key) error {
	n, err := s.Tx.CountAliases(k.Addr)
	if err != nil {
		return err
	}
	if n >= s.quotas().AliasesPerKey {
		return wire.Errorf(wire.LimitExceeded, "The key %s has reached its quota of %d aliases.", s.keyARN(k), s.quotas().AliasesPerKey)
	}
	return nil
}

// currentTarget is the check on the key that an alias stands for now. Its
// state does not matter: an alias may leave a key that is being deleted.
func (s *Scope) currentTarget(action, name, state string) (Check, error) {
	alias, err := s.alias(s.Caller.Account, name)
	if errors.Is(err, store.ErrNotFound) {
		return Check{}, wire.Errorf(wire.NotFound, "Alias %s is not found.", s.arn(s.Caller.Account, name))
	}
	if err != nil {
		return Check{}, err
	}
	check, err := s.onKey(action, alias.TargetKeyID, false, condition.Side{})
	check.State = state
	return check, err
}

func updateAliasChecks(s *Scope, in *wire.UpdateAliasInput) ([]Check, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	current, err := s.currentTarget("kms:UpdateAlias", in.AliasName, "UpdateAlias/current")
	if err != nil {
		return nil, err
	}
	target, err := s.onKey("kms:UpdateAlias", in.TargetKeyId, false, condition.Side{})
	return []Check{s.onAlias("kms:UpdateAlias", in.AliasName), current, target}, err
}

func updateAlias(_ context.Context, s *Scope, in *wire.UpdateAliasInput) (*wire.UpdateAliasOutput, error) {
	current, target := s.key(1), s.key(2)
	if current.Usage != target.Usage || keyFamily(current.Spec) != keyFamily(target.Spec) {
		return nil, wire.Errorf(wire.Validation, "The alias can be moved only to a KMS key of the same type and key usage.")
	}
	if current.Addr != target.Addr {
		if err := s.aliasQuota(target); err != nil {
			return nil, err
		}
		if err := s.delayAliases(current, target); err != nil {
			return nil, err
		}
	}
	alias, err := s.Tx.Alias(s.Caller.Account, s.Region, in.AliasName)
	if err != nil {
		return nil, err
	}
	alias.TargetKeyID, alias.Updated = target.Addr.ID, s.Now
	return nil, s.Tx.PutAlias(alias)
}

// keyFamily tells the types of keys apart between which an alias cannot move
// (ALS-14).
func keyFamily(keySpec string) string {
	switch {
	case keySpec == symmetricDefault:
		return "symmetric"
	case strings.HasPrefix(keySpec, "HMAC_"):
		return "HMAC"
	}
	return "asymmetric"
}

func deleteAliasChecks(s *Scope, in *wire.DeleteAliasInput) ([]Check, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	current, err := s.currentTarget("kms:DeleteAlias", in.AliasName, "DeleteAlias")
	return []Check{s.onAlias("kms:DeleteAlias", in.AliasName), current}, err
}

func deleteAlias(_ context.Context, s *Scope, in *wire.DeleteAliasInput) (*wire.DeleteAliasOutput, error) {
	if err := s.delayAliases(s.key(1)); err != nil {
		return nil, err
	}
	return nil, s.Tx.DeleteAlias(s.Caller.Account, s.Region, in.AliasName)
}

func listAliases(_ context.Context, s *Scope, in *wire.ListAliasesInput) (*wire.ListAliasesOutput, error) {
	of, err := s.aliasesOf(in.KeyId)
	if err != nil {
		return nil, err
	}
	listed := ""
	if of != nil {
		listed = of.String()
	}
	page, err := s.page("ListAliases", listed, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	aliases, more, err := s.aliasPage(of, page)
	if err != nil {
		return nil, err
	}
	out := &wire.ListAliasesOutput{Aliases: []wire.AliasListEntry{}, Truncated: &more}
	for _, a := range aliases {
		entry := wire.AliasListEntry{AliasName: new(a.Name), AliasArn: new(s.arn(a.Account, a.Name))}
		if a.TargetKeyID != "" {
			_, err := s.stored(a.Target())
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			entry.TargetKeyId, entry.CreationDate, entry.LastUpdatedDate = new(a.TargetKeyID), new(a.Created), new(a.Updated)
		}
		out.Aliases = append(out.Aliases, entry)
	}
	if more {
		out.NextMarker, err = page.next(aliases[len(aliases)-1].Name)
	}
	return out, err
}

// aliasesOf is the key of the account whose aliases a request lists; nil: it
// lists those of all keys (ALS-19).
func (s *Scope) aliasesOf(keyID *string) (*store.KeyAddr, error) {
	if keyID == nil {
		return nil, nil
	}
	named, err := s.resolve(*keyID, false)
	if err != nil {
		return nil, err
	}
	if named.Account != s.Caller.Account {
		return nil, wire.Errorf(wire.NotFound, "Key '%s' does not exist", named.ARN)
	}
	return &named.Key.Addr, nil
}

// aliasPage is one page of all aliases, or of those of one key.
func (s *Scope) aliasPage(of *store.KeyAddr, p page) ([]store.Alias, bool, error) {
	if of != nil {
		return s.Tx.AliasesOfKey(*of, p.after, p.limit)
	}
	stored, more, err := s.Tx.AliasesOf(s.Caller.Account, s.Region, p.after, p.limit)
	if err != nil {
		return nil, false, err
	}
	stored, more = s.predefined(stored, more, p)
	return stored, more, nil
}
