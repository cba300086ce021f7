package engine

import (
	"errors"
	"regexp"
	"strings"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// A named key is what an identifier of a request stands for.
type namedKey struct {
	ARN     string // of the key; of the alias if it is another account's and names no key
	Account string
	Key     *store.Key // nil: a key of another account that does not exist
	Alias   string     // alias name, if the request named the key by one
	Sent    string     // ARN of the alias, if it is another account's
}

// keyID is the form of a key id: a UUID, or mrk- and 32 hex digits (KID-03,
// KID-04).
var keyID = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

// A reference is a key identifier taken apart.
type reference struct {
	account, region, id, alias string // id or alias, the other is empty
	foreign                    bool   // of another account than the caller's
}

// parseReference takes a key identifier apart: key id, key ARN, alias name or
// alias ARN (KID-01).
func (s *Scope) parseReference(identifier string, aliases bool) (reference, error) {
	// A service as itself is told nothing of the account that it calls for.
	ref := reference{account: s.account(), region: s.Region, foreign: s.Caller.Account == ""}
	name := identifier
	if rest, isARN := strings.CutPrefix(identifier, "arn:"); isARN {
		parts, whole := arnParts(rest)
		if !whole || parts[0] != s.World.Partition() || parts[1] != "kms" || parts[3] == "" {
			return ref, wire.Errorf(wire.NotFound, "Invalid arn %s", identifier)
		}
		if parts[2] != s.Region {
			return ref, wire.Errorf(wire.NotFound, "Invalid arn %s", parts[2])
		}
		ref.account = parts[3]
		ref.foreign = ref.account != s.Caller.Account
		var isKey bool
		name, isKey = strings.CutPrefix(parts[4], "key/")
		if isKey == strings.HasPrefix(name, "alias/") {
			return ref, wire.Errorf(wire.NotFound, "Invalid arn %s", identifier)
		}
	}
	switch {
	case ref.account == "":
		return ref, wire.Errorf(wire.NotFound, "Invalid keyId '%s'", identifier)
	case strings.HasPrefix(name, "alias/") && aliases:
		ref.alias = name
	case keyID.MatchString(name):
		ref.id = name
	default:
		return ref, wire.Errorf(wire.NotFound, "Invalid keyId '%s'", identifier)
	}
	return ref, nil
}

// arnParts are the parts of an ARN behind "arn:", and whether there are all.
func arnParts(rest string) (parts [5]string, whole bool) {
	for i := range 4 {
		if parts[i], rest, whole = strings.Cut(rest, ":"); !whole {
			return parts, false
		}
	}
	parts[4] = rest
	return parts, true
}

// resolve finds the key that an identifier names. A key of the caller's own
// account that does not exist is NotFoundException; one of another account
// comes back without a record, and the decision says no.
func (s *Scope) resolve(identifier string, aliases bool) (namedKey, error) {
	ref, err := s.parseReference(identifier, aliases)
	if err != nil {
		return namedKey{}, err
	}
	found := namedKey{Account: ref.account, Alias: ref.alias}
	id := ref.id
	if ref.alias != "" {
		found.ARN = s.arn(ref.account, ref.alias)
		if ref.foreign {
			found.Sent = found.ARN
		}
		alias, err := s.alias(ref.account, ref.alias)
		if service, soon := s.comesIntoBeing(ref.alias); soon && !ref.foreign && errors.Is(err, store.ErrNotFound) {
			alias, err = s.firstUse(ref.alias, service)
		}
		switch {
		case errors.Is(err, store.ErrNotFound) && ref.foreign:
			return found, nil
		case errors.Is(err, store.ErrNotFound):
			return found, wire.Errorf(wire.NotFound, "Alias %s is not found.", found.ARN)
		case err != nil:
			return found, err
		}
		id = alias.TargetKeyID
	}
	return s.load(found, ref, id)
}

func (s *Scope) load(found namedKey, ref reference, id string) (namedKey, error) {
	addr := store.KeyAddr{Account: ref.account, Region: s.Region, ID: id}
	arn := s.addrARN(addr)
	if ref.alias == "" {
		found.ARN = arn
	}
	key, err := s.stored(addr)
	switch {
	case errors.Is(err, store.ErrNotFound) && ref.foreign:
		return found, nil
	case errors.Is(err, store.ErrNotFound):
		return found, wire.Errorf(wire.NotFound, "Key '%s' does not exist", arn)
	case err != nil:
		return found, err
	}
	found.ARN, found.Key = arn, &key
	return found, nil
}

// stored finds a key that is there; one whose waiting period is over is not.
func (s *Scope) stored(addr store.KeyAddr) (store.Key, error) {
	k, err := s.Tx.Key(addr)
	if err == nil && s.gone(&k) {
		return store.Key{}, store.ErrNotFound
	}
	// Also before the sweeper comes by (IM-108).
	arrive(&k, s.Now)
	if err == nil && len(expire(&k, s.Now)) > 0 {
		s.expired = append(s.expired, addr)
	}
	return k, err
}

// alias finds an alias that is there: it goes with its key.
func (s *Scope) alias(account, name string) (store.Alias, error) {
	a, err := s.Tx.Alias(account, s.Region, name)
	if err != nil {
		return a, err
	}
	_, err = s.stored(a.Target())
	return a, err
}

// gone tells whether the waiting period of a key is over: it is deleted at
// that moment, whenever the sweeper comes by (DEL-06).
func (s *Scope) gone(k *store.Key) bool {
	return k.State == string(lifecycle.PendingDeletion) && !k.DeletionDate.After(s.Now)
}

// arn builds the ARN of a resource of this Region.
func (s *Scope) arn(account, resource string) string {
	return "arn:" + s.World.Partition() + ":kms:" + s.Region + ":" + account + ":" + resource
}

// keyARN is the ARN of a key.
func (s *Scope) keyARN(k *store.Key) string { return s.addrARN(k.Addr) }

// addrARN keeps the ARN that it was asked for last: most calls have one key.
func (s *Scope) addrARN(addr store.KeyAddr) string {
	if s.lastARN == "" || s.lastKey != addr {
		s.lastKey = addr
		s.lastARN = "arn:" + s.World.Partition() + ":kms:" + addr.Region + ":" + addr.Account + ":key/" + addr.ID
	}
	return s.lastARN
}

// onKey makes the check of an operation on the key that identifier names.
func (s *Scope) onKey(action, identifier string, aliases bool, side condition.Side) (Check, error) {
	named, err := s.resolve(identifier, aliases)
	if err != nil {
		return Check{}, err
	}
	side.Alias = named.Alias
	return Check{
		Action:   action,
		Rule:     decision.KeyPolicy,
		Request:  side,
		Resource: Resource{ARN: named.ARN, Account: named.Account, Key: named.Key, Sent: named.Sent},
	}, nil
}

// onNothing makes the check of an operation that names no resource.
func (s *Scope) onNothing(action string, side condition.Side) Check {
	return Check{
		Action:   action,
		Rule:     decision.IdentityOnly,
		Request:  side,
		Resource: Resource{ARN: "*", Account: s.account()},
	}
}

// onAlias makes the alias half of the check of an alias operation.
func (s *Scope) onAlias(action, name string) Check {
	return Check{
		Action:   action,
		Rule:     decision.IdentityOnly,
		Resource: Resource{ARN: s.arn(s.account(), name), Account: s.account()},
	}
}
