package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// damaged changes entries below the records, and undoes it after check.
func damaged(t *testing.T, s *Store, damage func(kvTx) error) error {
	t.Helper()
	var before []entry
	require.NoError(t, s.write(func(tx kvTx) error {
		err := tx.scan(nil, nil, true, func(key, value []byte) (bool, error) {
			before = append(before, entry{key, value})
			return true, nil
		})
		return errors.Join(err, damage(tx))
	}))
	s.gen.records = newCache(recordCacheBytes)
	found := s.Check()
	require.NoError(t, s.write(func(tx kvTx) error {
		var now [][]byte
		err := tx.scan(nil, nil, false, func(key, _ []byte) (bool, error) {
			now = append(now, key)
			return true, nil
		})
		for _, key := range now {
			err = errors.Join(err, tx.delete(key))
		}
		for _, e := range before {
			err = errors.Join(err, tx.set(e.key, e.value))
		}
		return err
	}))
	require.NoError(t, s.Check())
	return found
}

func TestCheckFindsEveryKindOfDamage(t *testing.T) {
	s := withGrants(t, grantWith("g", func(g *Grant) {
		g.Name, g.RetireeID, g.Parent = "n", "AIDAR", "g0"
		g.Subset = map[string]string{"a": "1"}
		g.Tokens = []TokenDigest{DigestToken("secret")}
	}))
	update(t, s, func(tx *Tx) error {
		k := testKey("k")
		k.DeletionDate = testTime
		for i := range bucketSize + 1 {
			require.NoError(t, tx.PutGrant(testGrant(addr("k"), fmt.Sprint("more", i))))
		}
		require.NoError(t, tx.PutUniqueID("arn:a", "AIDAA"))
		require.NoError(t, tx.PutAlias(testAlias("alias/a", "k")))
		require.NoError(t, tx.AppendEvent([]byte("{}")))
		require.NoError(t, tx.PutUsage(Usage{Addr: addr("k"), Operation: "Encrypt", At: k.Created}))
		return tx.PutKey(k)
	})
	for _, sp := range []byte(spaces) {
		var key []byte
		require.NoError(t, s.gen.view(func(tx kvTx) error {
			return tx.scan([]byte{sp}, nil, false, func(k, _ []byte) (bool, error) { key = k; return false, nil })
		}))
		require.NotNil(t, key, "the test has no entry of %q", sp)
		if space(sp) != spaceMeta && space(sp) != spaceOutbox && space(sp) != spaceUsage { // nothing else tells that there was one
			err := damaged(t, s, func(tx kvTx) error { return tx.delete(key) })
			assert.ErrorIs(t, err, ErrCorrupt, "without %q", key)
		}
		err := damaged(t, s, func(tx kvTx) error { return tx.set(append(key[:len(key)-1:len(key)-1], "x\x00"...), present) })
		assert.ErrorIs(t, err, ErrCorrupt, "with one like %q", key)
		if space(sp) != spaceMeta {
			err = damaged(t, s, func(tx kvTx) error { return tx.set(key, []byte("x")) })
			assert.ErrorIs(t, err, ErrCorrupt, "with %q changed", key)
		}
	}
	err := damaged(t, s, func(tx kvTx) error { return tx.set([]byte("Z\x00"), present) })
	assert.ErrorIs(t, err, ErrCorrupt, "with an entry of no known kind")
}

// TestIndexesFollowRecords makes random changes, and reads them back from a
// model as simple as can be.
func TestIndexesFollowRecords(t *testing.T) {
	s := open(t, testConfig(t))
	account := 0
	rapid.Check(t, func(r *rapid.T) {
		account++
		m := model{s: s, account: fmt.Sprintf("%012d", account), keys: map[string]Key{}, aliases: map[string]Alias{}, grants: map[string]Grant{}}
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			m.step(r)
		}
		require.NoError(r, s.Check())
		m.compare(r)
	})
}

// A model is of one account, so that all draws can share a store.
type model struct {
	s       *Store
	account string
	keys    map[string]Key
	aliases map[string]Alias
	grants  map[string]Grant
}

var (
	someID     = rapid.SampledFrom([]string{"a", "b"})
	someGrant  = rapid.SampledFrom([]string{"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"})
	somePairs  = rapid.SampledFrom([]map[string]string{nil, {}, {"x": "1"}, {"x": "1", "y": "2"}, {"y": "2"}})
	someText   = rapid.SampledFrom([]string{"", "p", "q"})
	someThing  = rapid.SampledFrom([]string{"p", "q"})
	someAction = rapid.SampledFrom([]string{"put key", "delete key", "put alias", "delete alias", "put grant", "put grant", "put grant", "delete grant"})
)

func (m *model) addr(id string) KeyAddr {
	return KeyAddr{Account: m.account, Region: "us-east-1", ID: id}
}

func (m *model) drawGrant(r *rapid.T) Grant {
	g := testGrant(m.addr(someID.Draw(r, "key")), someGrant.Draw(r, "grant"))
	g.Name, g.RetireeID, g.Parent = someText.Draw(r, "name"), someText.Draw(r, "retiree"), someText.Draw(r, "parent")
	g.GranteeID, g.GranteeAccount = someThing.Draw(r, "grantee"), someText.Draw(r, "account")
	g.Equals, g.Subset = somePairs.Draw(r, "equals"), somePairs.Draw(r, "subset")
	g.Operations = rapid.SampledFrom([][]string{{"Decrypt"}, {"Encrypt", "Decrypt"}, {"DescribeKey"}, {"CreateGrant", "Decrypt"}, {"Encrypt", "CreateGrant"}}).Draw(r, "operations")
	if token := someText.Draw(r, "token"); token != "" {
		g.Tokens = []TokenDigest{DigestToken(m.account + token)}
	}
	return g
}

// step makes one change in the store, and in the model if the store did.
func (m *model) step(r *rapid.T) {
	id := someID.Draw(r, "id")
	switch action := someAction.Draw(r, "action"); action {
	case "put key":
		k := testKey(id)
		k.Addr = m.addr(id)
		if someText.Draw(r, "due") != "" {
			k.DeletionDate = testTime.Add(time.Hour)
		}
		if m.try(r, func(tx *Tx) error { return tx.PutKey(k) }) {
			m.keys[id] = k
		}
	case "delete key":
		if m.try(r, func(tx *Tx) error { return tx.DeleteKey(m.addr(id)) }) {
			delete(m.keys, id)
			for name, a := range m.aliases {
				if a.TargetKeyID == id {
					delete(m.aliases, name)
				}
			}
		}
	case "put alias":
		a := testAlias("alias/"+someThing.Draw(r, "name"), id)
		a.Account = m.account
		if m.try(r, func(tx *Tx) error { return tx.PutAlias(a) }) {
			m.aliases[a.Name] = a
		}
	case "delete alias":
		name := "alias/" + someThing.Draw(r, "name")
		if m.try(r, func(tx *Tx) error { return tx.DeleteAlias(m.account, "us-east-1", name) }) {
			delete(m.aliases, name)
		}
	case "put grant":
		g := m.drawGrant(r)
		if m.try(r, func(tx *Tx) error { return tx.PutGrant(g) }) {
			m.grants[g.Key.ID+g.ID] = g
		}
	case "delete grant":
		grant := someGrant.Draw(r, "grant")
		if m.try(r, func(tx *Tx) error { return tx.DeleteGrant(m.addr(id), grant) }) {
			delete(m.grants, id+grant)
		}
	default:
		r.Fatalf("no action %q", action)
	}
}

func (m *model) try(r *rapid.T, change func(*Tx) error) bool {
	err := m.s.Update(change)
	for _, refusal := range []error{ErrNotFound, ErrExists, ErrNotEmpty} {
		if errors.Is(err, refusal) {
			return false
		}
	}
	require.NoError(r, err)
	return true
}

// compare asks the store for candidates in every way that the model knows.
func (m *model) compare(r *rapid.T) {
	require.NoError(r, m.s.View(func(tx *Tx) error {
		keys, _, err := tx.KeysOf(m.account, "us-east-1", "", 100)
		require.NoError(r, err)
		assert.Len(r, keys, len(m.keys))
		aliases, _, err := tx.AliasesOf(m.account, "us-east-1", "", 100)
		require.NoError(r, err)
		assert.Len(r, aliases, len(m.aliases))
		for _, id := range []string{"a", "b"} {
			for _, op := range []string{"Encrypt", "Decrypt", "DescribeKey", "CreateGrant"} {
				for _, ec := range []map[string]string{nil, {"x": "1"}, {"x": "1", "y": "2"}} {
					m.compareCandidates(r, tx, id, op, ec)
				}
			}
		}
		return nil
	}))
}

func (m *model) compareCandidates(r *rapid.T, tx *Tx, id, op string, ec map[string]string) {
	found, err := tx.GrantCandidates(m.addr(id), []string{"p", "q"}, op, ec, nil)
	require.NoError(r, err)
	answered := map[string]int{}
	for _, g := range found {
		answered[decisive(g, op)]++
	}
	for _, g := range m.grants {
		if g.Key.ID == id && meets(g, op, ec) {
			assert.Positive(r, answered[decisive(g, op)], "%s of %v, found %v, not one like %v", op, ec, grantIDs(found), g)
		}
	}
	for like, n := range answered {
		assert.LessOrEqual(r, n, maxEquivalent, "grants with %s", like)
	}
}

// decisive is all of a grant that decides about an operation, as text.
func decisive(g Grant, op string) string {
	switch op {
	case "DescribeKey":
		return g.GranteeID
	case "CreateGrant":
		return fmt.Sprint(g.GranteeID, g.Equals == nil, g.Equals, g.Subset, g.Operations)
	default:
		return fmt.Sprint(g.GranteeID, g.Equals == nil, g.Equals, g.Subset)
	}
}

// meets is the rule of Guide, Using grant constraints.
func meets(g Grant, op string, ec map[string]string) bool {
	if !slices.Contains(g.Operations, op) {
		return false
	}
	if op == "DescribeKey" {
		return true
	}
	for name, value := range g.Subset {
		if got, ok := ec[name]; !ok || got != value {
			return false
		}
	}
	return g.Equals == nil || fmt.Sprint(g.Equals) == fmt.Sprint(ec)
}
