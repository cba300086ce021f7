package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// maxProblems bounds how many contradictions Check lists.
const maxProblems = 20

// Check reads the whole database and tells, as ErrCorrupt, where it
// contradicts itself: a record that does not decode or stands under another
// name, an index entry or counter that is missing, left over or wrong, an
// alias or grant whose key does not exist. It holds a line per entry in memory.
func (s *Store) Check() error {
	return s.View(func(tx *Tx) error {
		c := checker{found: map[string][]byte{}, want: map[string][]byte{}, counts: map[string]int{}, buckets: map[string][]string{}, keys: map[KeyAddr]bool{}}
		if err := tx.kv.scan(nil, nil, true, c.visit); err != nil {
			return err
		}
		return c.compare()
	})
}

// A checker collects what the records say there must be, and what there is.
type checker struct {
	found    map[string][]byte // index entries and counters
	want     map[string][]byte
	counts   map[string]int
	buckets  map[string][]string // members that must be in each
	keys     map[KeyAddr]bool
	uses     []use
	problems []error
}

// A use is a record that needs a key.
type use struct {
	by   string
	addr KeyAddr
}

func (c *checker) problem(format string, args ...any) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...)))
	}
}

// records says how an entry of each space that holds records is checked.
var records = map[space]func(c *checker, key, value []byte) error{
	spaceMeta:      (*checker).meta,
	spaceKey:       (*checker).key,
	spaceAlias:     (*checker).alias,
	spaceGrant:     (*checker).grant,
	spacePrincipal: (*checker).principal,
	spaceUsage:     (*checker).usage,
	spaceOutbox: func(_ *checker, key, value []byte) error {
		_, err := decodeOutbox(key, value)
		return err
	},
}

func (c *checker) visit(key, value []byte) (bool, error) {
	check, isRecord := records[space(key[0])]
	switch {
	case isRecord:
		if err := check(c, key, value); err != nil {
			c.problem("%q: %v", key, err)
		}
	case bytes.IndexByte([]byte(spaces), key[0]) >= 0:
		c.found[string(key)] = value
	default:
		c.problem("entry %q is of no known kind", key)
	}
	return true, nil
}

func (c *checker) expect(key, own []byte, indexes []entry) {
	if !bytes.Equal(key, own) {
		c.problem("record of %q stands under %q", own, key)
	}
	for _, e := range indexes {
		if _, taken := c.want[string(e.key)]; taken {
			c.problem("two records claim %q", e.key)
		}
		c.want[string(e.key)] = e.value
	}
}

func (c *checker) meta(key, _ []byte) error {
	for _, known := range [][]byte{schemaKey, proofKey, sequenceKey} {
		if bytes.Equal(key, known) {
			return nil
		}
	}
	return errors.New("not known")
}

func (c *checker) key(key, value []byte) error {
	k, err := decodeEntry[Key](nil, value)
	if err != nil {
		return err
	}
	c.expect(key, k.Addr.key(spaceKey), k.indexes())
	c.counts[string(dbKey(spaceKeyCount, k.Addr.Account, k.Addr.Region))]++
	c.keys[k.Addr] = true
	return nil
}

func (c *checker) usage(key, value []byte) error {
	u, err := decodeEntry[Usage](nil, value)
	if err != nil {
		return err
	}
	c.expect(key, u.Addr.key(spaceUsage), nil)
	c.uses = append(c.uses, use{"the last use", u.Addr})
	return nil
}

func (c *checker) alias(key, value []byte) error {
	a, err := decodeEntry[Alias](nil, value)
	if err != nil {
		return err
	}
	c.expect(key, a.key(), a.indexes())
	if a.TargetKeyID != "" {
		c.counts[string(a.Target().key(spaceKeyAliasCount))]++
		c.uses = append(c.uses, use{a.Name, a.Target()})
	}
	return nil
}

func (c *checker) grant(key, value []byte) error {
	g, err := decodeEntry[storedGrant](nil, value)
	if err != nil {
		return err
	}
	if _, known := g.Subset[g.Pair]; known != (len(g.Subset) > 0) {
		return errors.New("grant is found under a pair that it does not have")
	}
	c.expect(key, g.Key.key(spaceGrant, g.ID), g.indexes())
	c.counts[string(g.Key.key(spaceGrantCount))]++
	c.counts[string(g.Key.key(spaceGranteeCount, g.GranteeID))]++
	for _, p := range g.places() {
		alike := append(c.buckets[string(p.grants)], g.ID)
		c.buckets[string(p.grants)] = alike
		if p.classes != nil && len(alike) == 1 {
			c.buckets[string(p.classes)] = append(c.buckets[string(p.classes)], p.class)
		}
	}
	c.uses = append(c.uses, use{g.ID, g.Key})
	return nil
}

func (c *checker) principal(key, value []byte) error {
	p, err := decodeEntry[Principal](nil, value)
	if err != nil {
		return err
	}
	c.expect(key, dbKey(spacePrincipal, p.ARN), p.indexes())
	return nil
}

// compare finds the differences between what there is and what there must be.
func (c *checker) compare() error {
	for key, n := range c.counts {
		c.want[key] = strconv.AppendInt(nil, int64(n), 10)
	}
	for key, ids := range c.buckets {
		c.compareBucket([]byte(key), ids)
	}
	for key, value := range c.want {
		there, ok := c.found[key]
		switch {
		case !ok:
			c.problem("entry %q is missing", key)
		case !bytes.Equal(there, value):
			c.problem("entry %q has the value %q, not %q", key, there, value)
		}
		delete(c.found, key)
	}
	for key := range c.found {
		c.problem("entry %q is left over", key)
	}
	for _, u := range c.uses {
		if !c.keys[u.addr] {
			c.problem("%s is for the key %s, which does not exist", u.by, u.addr)
		}
	}
	return errors.Join(c.problems...)
}

// compareBucket adds what must be found of a bucket. Which of its members stand
// in it and which elsewhere depends on the order in which they came and went.
func (c *checker) compareBucket(key []byte, members []string) {
	b, err := decodeBucket(c.found[string(key)])
	if err != nil {
		c.problem("bucket %q: %v", key, err)
		return
	}
	var here []string
	for _, member := range members {
		if slices.Contains(b.here, member) {
			here = append(here, member)
			continue
		}
		c.want[string(overflowKey(key, member))] = present
	}
	slices.Sort(here)
	c.want[string(key)] = bucket{here: here, more: len(members) - len(here)}.encode()
}
