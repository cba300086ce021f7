package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// The constraint part of a candidate entry says which requests the grant can
// be for: its first byte is the kind, the rest the digest of what must match.
const (
	constraintNone   = "-" // any encryption context
	constraintBoth   = "b" // exactly these pairs, and Subset is to be checked
	constraintEquals = "e" // exactly these pairs
	constraintSubset = "s" // this pair, and the others of Subset are to be checked
)

// withoutContext are the operations for which a grant's constraint is ignored
// (Guide, Using grant constraints); they are found without it.
var withoutContext = map[string]bool{"DescribeKey": true, "RetireGrant": true}

// A class is the grants of one bucket that differ in nothing that decides
// about the operation. classPart begins the parts that name one.
const classPart = "c"

// createGrant is the operation for which the other operations of a grant
// count too: what it makes may allow no more.
const createGrant = "CreateGrant"

// divided tells whether grants for this operation under this constraint part
// can still differ in what decides. Their bucket holds classes then, which
// have a bucket of grants each.
func divided(op, constraint string) bool {
	kind := constraint[:1]
	return op == createGrant || kind == constraintBoth || kind == constraintSubset
}

// Of grants that do not differ a look-up takes a few: of a class, of which
// there may be many beside it, one.
const (
	maxEquivalent = 4
	maxOfClass    = 1
)

// indexes are the entries that lead to the record, besides its buckets.
func (g *storedGrant) indexes() []entry {
	addr := g.Key
	list := make([]entry, 0, len(g.Tokens)+5)
	list = append(list, entry{addr.key(spaceGrantee, g.Grantee, g.ID), present})
	if g.GranteeAccount != "" {
		list = append(list, entry{addr.key(spaceGranteeAccount, g.GranteeAccount, g.ID), present})
	}
	if g.RetireeID != "" {
		key := dbKey(spaceRetiree, addr.Region, g.RetireeID, addr.Account, addr.ID, g.ID)
		list = append(list, entry{key, present})
	}
	if g.Parent != "" {
		list = append(list, entry{addr.key(spaceGrantChild, g.Parent, g.ID), present})
	}
	if g.Name != "" {
		list = append(list, entry{g.guard(), []byte(g.ID)})
	}
	for _, digest := range g.Tokens {
		ref := dbKey(spaceGrant, addr.Account, addr.Region, addr.ID, g.ID)
		list = append(list, entry{dbKey(spaceToken, digestText(digest[:])), ref})
	}
	return list
}

// constraint is the constraint part of the grant's candidate entry for op.
func (g *storedGrant) constraint(op string) string {
	switch {
	case withoutContext[op]:
		return constraintNone
	case g.Equals != nil && len(g.Subset) > 0:
		return constraintBoth + contextDigest(g.Equals)
	case g.Equals != nil:
		return constraintEquals + contextDigest(g.Equals)
	case len(g.Subset) > 0:
		return constraintSubset + pairDigest(g.Pair, g.Subset[g.Pair])
	default:
		return constraintNone
	}
}

// class is the part that names the grant's class for op, which is divided
// under the constraint part.
func (g *storedGrant) class(op, constraint string) string {
	subset := "-"
	if len(g.Subset) > 0 {
		subset = contextDigest(g.Subset)
	}
	decisive := []string{constraint, subset}
	if op == createGrant {
		decisive = append(decisive, g.distinctOperations()...)
	}
	return classPart + digestText(digestOf(decisive))
}

// distinctOperations are the operations in order, each once.
func (g *Grant) distinctOperations() []string {
	return slices.Compact(slices.Sorted(slices.Values(g.Operations)))
}

// guard is the key of the entry that only one grant with these properties and
// this Name can have.
func (g *Grant) guard() []byte {
	operations := g.distinctOperations()
	properties := []string{g.Name, g.Grantee, g.GranteeID, g.Retiree, g.RetireeID, fmt.Sprint(len(operations))}
	properties = append(properties, operations...)
	for _, constraint := range []map[string]string{g.Equals, g.Subset} {
		digest := "-"
		if constraint != nil {
			digest = contextDigest(constraint)
		}
		properties = append(properties, digest)
	}
	return g.Key.key(spaceGrantGuard, digestText(digestOf(properties)))
}

// choosePair picks the pair of Subset under which the fewest classes stand, so
// that a pair which all grants share does not gather them all; where the
// grant's own class has one already, that. How many there are is a guess at
// best and decides nothing else.
func (tx *Tx) choosePair(g *Grant) (string, error) {
	names := slices.Sorted(maps.Keys(g.Subset))
	sample := slices.IndexFunc(g.Operations, func(op string) bool { return !withoutContext[op] })
	if len(names) == 0 {
		return "", nil
	}
	if len(names) == 1 || sample < 0 {
		return names[0], nil
	}
	best, fewest := "", 0
	for _, name := range names {
		there := (&storedGrant{Grant: *g, Pair: name}).place(g.Operations[sample])
		alike, err := tx.bucket(there.grants)
		if err != nil {
			return "", err
		}
		if alike.size() > 0 {
			return name, nil
		}
		b, err := tx.bucket(there.classes)
		if err != nil {
			return "", err
		}
		if n := b.size(); best == "" || n < fewest {
			best, fewest = name, n
		}
	}
	return best, nil
}

// GrantCandidates finds the grants of a key that can be for a request: for one
// of these grantees, with this operation, and with a constraint that this
// encryption context can meet. Whether one allows the request is not decided
// here. Its cost does not depend on the number of the key's other grants; of
// grants that do not differ it takes only a few. It leaves out those whose IDs
// are in but, which may be nil.
func (tx *Tx) GrantCandidates(addr KeyAddr, granteeIDs []string, operation string, ec map[string]string, but map[string]bool) ([]Grant, error) {
	version, err := tx.grantsVersion(addr)
	if err != nil || version == 0 {
		return nil, err
	}
	if tx.asked == nil || len(but) > 0 {
		return tx.searchCandidates(addr, granteeIDs, operation, ec, but)
	}
	question := candidateQuestion(addr, granteeIDs, operation, ec)
	if known, ok := tx.asked.get(question, version); ok {
		return known.([]Grant), nil // the cache has nothing else
	}
	grants, err := tx.searchCandidates(addr, granteeIDs, operation, ec, nil)
	if err == nil {
		const perGrant = 500 // about
		tx.asked.put(question, cached{version: version, size: len(question) + perGrant*len(grants), value: slices.Clip(grants)})
	}
	return grants, err
}

// HasGrants tells whether there are grants of a key.
func (tx *Tx) HasGrants(addr KeyAddr) (bool, error) {
	version, err := tx.grantsVersion(addr)
	return version != 0, err
}

// grantsVersion is the commit that changed the grants of a key last, zero if there
// are none: their counter is written with every change.
func (tx *Tx) grantsVersion(addr KeyAddr) (uint64, error) {
	var space [usualKey]byte
	key := appendKey(space[:0], spaceGrantCount, addr.Account, addr.Region, addr.ID)
	if version, known := answered[uint64](tx, key); known {
		return version, nil
	}
	counter, err := tx.kv.item(bytes.Clone(key))
	if errors.Is(err, ErrNotFound) {
		tx.answer(key, uint64(0), 0)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	tx.answer(key, counter.version(), 0)
	return counter.version(), nil
}

// candidateQuestion writes all that decides an answer, without ambiguity: each
// text with its length before it, pairs in the order of their names.
func candidateQuestion(addr KeyAddr, granteeIDs []string, operation string, ec map[string]string) []byte {
	names := make([]string, 0, 8)
	for name := range ec {
		names = append(names, name)
	}
	slices.Sort(names)
	q := make([]byte, 0, 256)
	text := func(s string) {
		q = binary.AppendUvarint(q, uint64(len(s)))
		q = append(q, s...)
	}
	text(addr.Account)
	text(addr.Region)
	text(addr.ID)
	text(operation)
	q = binary.AppendUvarint(q, uint64(len(granteeIDs)))
	for _, id := range granteeIDs {
		text(id)
	}
	for _, name := range names {
		text(name)
		text(ec[name])
	}
	return q
}

func (tx *Tx) searchCandidates(addr KeyAddr, granteeIDs []string, operation string, ec map[string]string, but map[string]bool) ([]Grant, error) {
	constraints := constraintsFor(ec)
	var grants []Grant
	for _, grantee := range slices.Compact(slices.Sorted(slices.Values(granteeIDs))) {
		n, err := tx.count(addr.key(spaceGranteeCount, grantee))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		for _, constraint := range constraints {
			found, err := tx.grantsIn(addr, grantee, operation, constraint, but)
			if err != nil {
				return nil, err
			}
			grants = append(grants, found...)
		}
	}
	return grants, nil
}

// grantsIn reads the grants under a constraint part; of those that do not
// differ, a few.
func (tx *Tx) grantsIn(addr KeyAddr, grantee, operation, constraint string, but map[string]bool) ([]Grant, error) {
	ids, err := tx.candidateIDs(addr, grantee, operation, constraint, but)
	if err != nil {
		return nil, err
	}
	grants := make([]Grant, len(ids))
	for i, id := range ids {
		if grants[i], err = tx.Grant(addr, id); err != nil {
			return nil, fmt.Errorf("%w: candidate: %w", ErrCorrupt, err)
		}
	}
	return grants, nil
}

func (tx *Tx) candidateIDs(addr KeyAddr, grantee, operation, constraint string, but map[string]bool) ([]string, error) {
	key := addr.key(spaceBucket, grantee, operation, constraint)
	if !divided(operation, constraint) {
		return tx.membersBut(key, maxEquivalent, but)
	}
	classes, err := tx.members(key, math.MaxInt)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, class := range classes {
		some, err := tx.membersBut(addr.key(spaceBucket, grantee, operation, class), maxOfClass, but)
		if err != nil {
			return nil, err
		}
		if len(some) == 0 && len(but) == 0 {
			return nil, fmt.Errorf("%w: class of grants without one", ErrCorrupt)
		}
		ids = append(ids, some...)
	}
	return ids, nil
}

// constraintsFor are the constraint parts that a request can meet.
func constraintsFor(ec map[string]string) []string {
	whole := contextDigest(ec)
	list := []string{constraintNone, constraintBoth + whole, constraintEquals + whole}
	for name, value := range ec {
		list = append(list, constraintSubset+pairDigest(name, value))
	}
	slices.Sort(list[3:])
	return list
}

// contextDigest is the digest of a set of pairs: each name and value, in the
// order of the names. 128 bits suffice, since a collision adds a candidate.
func contextDigest(ec map[string]string) string {
	texts := make([]string, 0, 16)
	for _, name := range slices.Sorted(maps.Keys(ec)) {
		texts = append(texts, name, ec[name])
	}
	return digestText(digestOf(texts)[:16])
}

// digestOf digests texts, each with its length before it.
func digestOf(texts []string) []byte {
	h := sha256.New()
	var n [8]byte
	for _, text := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		h.Write(n[:])
		h.Write([]byte(text))
	}
	return h.Sum(nil)
}

func pairDigest(name, value string) string {
	return contextDigest(map[string]string{name: value})
}

func digestText(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func parseDigest(text string, size int) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != size {
		return nil, fmt.Errorf("%w: digest", ErrCorrupt)
	}
	return b, nil
}
