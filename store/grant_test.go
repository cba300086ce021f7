package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withGrants is a store with the key k and these grants.
func withGrants(t *testing.T, grants ...Grant) *Store {
	t.Helper()
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error {
		require.NoError(t, tx.PutKey(testKey("k")))
		for _, g := range grants {
			require.NoError(t, tx.PutGrant(g))
		}
		return nil
	})
	return s
}

// grantWith is a grant of the key k.
func grantWith(id string, change func(*Grant)) Grant {
	g := testGrant(addr("k"), id)
	change(&g)
	return g
}

func grantIDs(grants []Grant) []string {
	var ids []string
	for _, g := range grants {
		ids = append(ids, g.ID)
	}
	return ids
}

func TestGrantComesBackAsItWasPut(t *testing.T) {
	want := grantWith("g", func(g *Grant) {
		g.Name, g.Retiree, g.RetireeID, g.Parent = "n", "arn:retiree", "AIDAR", "g0"
		g.Equals = map[string]string{}
		g.Subset = map[string]string{"a": "1"}
		g.Tokens = []TokenDigest{DigestToken("secret")}
	})
	s := withGrants(t, want)
	view(t, s, func(tx *Tx) {
		got, err := tx.Grant(addr("k"), "g")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestCandidatesAreGrantsThatTheRequestCanMeet(t *testing.T) {
	type pairs = map[string]string
	s := withGrants(t,
		grantWith("any", func(g *Grant) {}),
		grantWith("describe", func(g *Grant) { g.Operations = []string{"DescribeKey"}; g.Equals = pairs{"a": "1"} }),
		grantWith("equals", func(g *Grant) { g.Equals = pairs{"a": "1", "b": "2"} }),
		grantWith("empty", func(g *Grant) { g.Equals = pairs{} }),
		grantWith("subset", func(g *Grant) { g.Subset = pairs{"a": "1"} }),
		grantWith("nothing", func(g *Grant) { g.Subset = pairs{} }),
		grantWith("both", func(g *Grant) { g.Equals = pairs{"a": "1"}; g.Subset = pairs{"a": "1"} }),
		grantWith("other", func(g *Grant) { g.GranteeID = "AIDAOTHER" }),
	)
	for _, c := range []struct {
		name      string
		grantees  []string
		operation string
		ec        pairs
		want      []string
	}{
		{"no context meets no constraint, or none at all", []string{"AROAGRANTEE"}, "Decrypt", nil, []string{"any", "nothing", "empty"}},
		{"an empty context is like none", []string{"AROAGRANTEE"}, "Decrypt", pairs{}, []string{"any", "nothing", "empty"}},
		{"one pair meets subset and both", []string{"AROAGRANTEE"}, "Decrypt", pairs{"a": "1"}, []string{"any", "nothing", "both", "subset"}},
		{"two pairs meet equals and subset", []string{"AROAGRANTEE"}, "Encrypt", pairs{"b": "2", "a": "1"}, []string{"any", "nothing", "equals", "subset"}},
		{"case matters", []string{"AROAGRANTEE"}, "Decrypt", pairs{"A": "1"}, []string{"any", "nothing"}},
		{"pairs do not run together", []string{"AROAGRANTEE"}, "Decrypt", pairs{"a1": ""}, []string{"any", "nothing"}},
		{"DescribeKey has no constraint", []string{"AROAGRANTEE"}, "DescribeKey", nil, []string{"describe"}},
		{"an operation that is not granted", []string{"AROAGRANTEE"}, "Sign", nil, nil},
		{"a grantee without grants", []string{"AIDANOBODY"}, "Decrypt", nil, nil},
		{"several grantees, one of them twice", []string{"AIDAOTHER", "AROAGRANTEE", "AIDAOTHER"}, "Decrypt", nil, []string{"other", "any", "nothing", "empty"}},
	} {
		view(t, s, func(tx *Tx) {
			found, err := tx.GrantCandidates(addr("k"), c.grantees, c.operation, c.ec, nil)
			require.NoError(t, err, c.name)
			assert.Equal(t, c.want, grantIDs(found), c.name)
		})
	}
}

func TestEqualGrantsGiveAFewCandidates(t *testing.T) {
	var grants []Grant
	for i := range 3 * bucketSize {
		grants = append(grants, testGrant(addr("k"), fmt.Sprintf("g%02d", i)))
	}
	s := withGrants(t, grants...)
	view(t, s, func(tx *Tx) {
		found, err := tx.GrantCandidates(addr("k"), []string{"AROAGRANTEE"}, "Decrypt", nil, nil)
		require.NoError(t, err)
		assert.Len(t, found, maxEquivalent)
	})
}

func TestGrantsThatDifferAreAllCandidates(t *testing.T) {
	ec := map[string]string{"a": "1"}
	for i := range 3 * bucketSize {
		ec[fmt.Sprint("b", i)] = "2"
	}
	grants := numbered(3*bucketSize, func(i int, g *Grant) {
		g.Equals, g.Subset = ec, map[string]string{"a": "1", fmt.Sprint("b", i): "2"}
	})
	s := withGrants(t, grants...)
	assert.ElementsMatch(t, grantIDs(grants), candidates(t, s, "Decrypt", ec))
	for i, g := range grants { // those in the bucket, and those beside it
		assert.Len(t, candidates(t, s, "Decrypt", ec), len(grants)-i)
		update(t, s, func(tx *Tx) error { return tx.DeleteGrant(g.Key, g.ID) })
	}
}

func TestPairThatAllGrantsShareDoesNotGatherThem(t *testing.T) {
	var grants []Grant
	for i := range 100 {
		grants = append(grants, grantWith(fmt.Sprint("g", i), func(g *Grant) {
			g.Subset = map[string]string{"a-tenant": "t", "object": fmt.Sprint(i)}
		}))
	}
	s := withGrants(t, grants...)
	view(t, s, func(tx *Tx) {
		found, err := tx.GrantCandidates(addr("k"), []string{"AROAGRANTEE"}, "Decrypt", map[string]string{"a-tenant": "t", "object": "50"}, nil)
		require.NoError(t, err)
		assert.Contains(t, grantIDs(found), "g50")
		assert.LessOrEqual(t, len(found), 2)
	})
}

func TestGrantWithTheSameNameAndPropertiesIsFound(t *testing.T) {
	named := grantWith("g", func(g *Grant) {
		g.Name, g.Subset = "n", map[string]string{"a": "1"}
	})
	s := withGrants(t, named)
	for _, c := range []struct {
		name   string
		change func(*Grant)
		found  bool
	}{
		{"the same", func(g *Grant) {}, true},
		{"operations in another order and twice", func(g *Grant) { g.Operations = []string{"Encrypt", "Decrypt", "Encrypt"} }, true},
		{"another Name", func(g *Grant) { g.Name = "m" }, false},
		{"no Name", func(g *Grant) { g.Name = "" }, false},
		{"another grantee", func(g *Grant) { g.Grantee = "arn:other" }, false},
		{"a grantee added again under its old name", func(g *Grant) { g.GranteeID = "AROANEW" }, false},
		{"a retiring principal", func(g *Grant) { g.Retiree, g.RetireeID = "arn:r", "AIDAR" }, false},
		{"fewer operations", func(g *Grant) { g.Operations = g.Operations[:1] }, false},
		{"another constraint", func(g *Grant) { g.Subset = map[string]string{"a": "2"} }, false},
		{"Equals in place of Subset", func(g *Grant) { g.Equals, g.Subset = g.Subset, nil }, false},
		{"an empty constraint beside", func(g *Grant) { g.Equals = map[string]string{} }, false},
	} {
		like := named
		c.change(&like)
		view(t, s, func(tx *Tx) {
			found, err := tx.GrantByName(like)
			if !c.found {
				assert.ErrorIs(t, err, ErrNotFound, c.name)
				return
			}
			require.NoError(t, err, c.name)
			assert.Equal(t, named, found, c.name)
		})
		like.ID = "second"
		err := s.Update(func(tx *Tx) error {
			if err := tx.PutGrant(like); err != nil {
				return err
			}
			return assert.AnError // undo
		})
		want := assert.AnError
		if c.found {
			want = ErrExists
		}
		assert.ErrorIs(t, err, want, c.name)
	}
}

func TestGrantIsFoundByToken(t *testing.T) {
	g := grantWith("g", func(g *Grant) { g.Tokens = []TokenDigest{DigestToken("one"), DigestToken("two")} })
	s := withGrants(t, g)
	g.Tokens = g.Tokens[1:]
	update(t, s, func(tx *Tx) error { return tx.PutGrant(g) })
	view(t, s, func(tx *Tx) {
		found, err := tx.GrantByToken(DigestToken("two"))
		require.NoError(t, err)
		assert.Equal(t, g, found)
		_, err = tx.GrantByToken(DigestToken("one"))
		assert.ErrorIs(t, err, ErrNotFound)
	})
	err := s.Update(func(tx *Tx) error {
		return tx.PutGrant(grantWith("thief", func(thief *Grant) { thief.Tokens = g.Tokens }))
	})
	assert.ErrorIs(t, err, ErrExists)
}

func TestGrantsAreListed(t *testing.T) {
	s := withGrants(t,
		grantWith("g1", func(g *Grant) {}),
		grantWith("g2", func(g *Grant) { g.Grantee, g.GranteeAccount = "arn:other", "444455556666" }),
		grantWith("g3", func(g *Grant) { g.Parent = "g1" }),
	)
	for _, c := range []struct {
		name string
		list func(tx *Tx) ([]Grant, bool, error)
		want []string
		more bool
	}{
		{"of the key", func(tx *Tx) ([]Grant, bool, error) { return tx.GrantsOf(addr("k"), "", 10) }, []string{"g1", "g2", "g3"}, false},
		{"of the key, first page", func(tx *Tx) ([]Grant, bool, error) { return tx.GrantsOf(addr("k"), "", 2) }, []string{"g1", "g2"}, true},
		{"of the key, next page", func(tx *Tx) ([]Grant, bool, error) { return tx.GrantsOf(addr("k"), "g2", 2) }, []string{"g3"}, false},
		{"of another key", func(tx *Tx) ([]Grant, bool, error) { return tx.GrantsOf(addr("k2"), "", 2) }, nil, false},
		{"to a grantee", func(tx *Tx) ([]Grant, bool, error) { return tx.GrantsTo(addr("k"), "arn:other", "", 2) }, []string{"g2"}, false},
		{"to an account", func(tx *Tx) ([]Grant, bool, error) { return tx.GrantsToAccount(addr("k"), "111122223333", "", 1) }, []string{"g1"}, true},
		{"to an account, next page", func(tx *Tx) ([]Grant, bool, error) {
			return tx.GrantsToAccount(addr("k"), "111122223333", "g1", 1)
		}, []string{"g3"}, false},
		{"made from a grant", func(tx *Tx) ([]Grant, bool, error) { return tx.ChildGrants(addr("k"), "g1", "", 1) }, []string{"g3"}, false},
	} {
		view(t, s, func(tx *Tx) {
			found, more, err := c.list(tx)
			require.NoError(t, err, c.name)
			assert.Equal(t, c.want, grantIDs(found), c.name)
			assert.Equal(t, c.more, more, c.name)
		})
	}
}

func TestRetirableGrantsAreListedAcrossKeys(t *testing.T) {
	s := open(t, testConfig(t))
	foreign := KeyAddr{Account: "444455556666", Region: "us-east-1", ID: "k1"}
	elsewhere := KeyAddr{Account: "111122223333", Region: "eu-west-1", ID: "k1"}
	var refs []GrantRef
	update(t, s, func(tx *Tx) error {
		for _, a := range []KeyAddr{addr("k1"), addr("k2"), foreign, elsewhere} {
			k := testKey(a.ID)
			k.Addr = a
			require.NoError(t, tx.PutKey(k))
			g := testGrant(a, "g")
			g.Retiree, g.RetireeID = "arn:r", "AIDAR"
			require.NoError(t, tx.PutGrant(g))
			refs = append(refs, g.Ref())
		}
		return nil
	})
	list := func(account string, after GrantRef, limit int) (found []GrantRef, more bool) {
		view(t, s, func(tx *Tx) {
			grants, m, err := tx.GrantsRetirableBy("us-east-1", "AIDAR", account, after, limit)
			require.NoError(t, err)
			more = m
			for _, g := range grants {
				found = append(found, g.Ref())
			}
		})
		return found, more
	}
	found, more := list("", GrantRef{}, 10)
	assert.Equal(t, refs[:3], found)
	assert.False(t, more)
	found, more = list("", refs[0], 1)
	assert.Equal(t, refs[1:2], found)
	assert.True(t, more)
	found, more = list("111122223333", refs[0], 10)
	assert.Equal(t, refs[1:2], found)
	assert.False(t, more)
	view(t, s, func(tx *Tx) {
		_, _, err := tx.GrantsRetirableBy("us-east-1", "AIDAR", "444455556666", refs[0], 1)
		assert.ErrorIs(t, err, ErrInvalid)
	})
}

func TestGrantNeedsAKeyThatExists(t *testing.T) {
	s := open(t, testConfig(t))
	err := s.Update(func(tx *Tx) error { return tx.PutGrant(testGrant(addr("k"), "g")) })
	assert.ErrorIs(t, err, ErrNotFound)
}

func TestManyLargeGrantsAreDeletedInBatches(t *testing.T) {
	s := withGrants(t)
	operations := make([]string, 16)
	for i := range operations {
		operations[i] = fmt.Sprintf("GenerateDataKeyPairWithoutPlaintext%02d", i)
	}
	const many = 200
	for i := range many {
		update(t, s, func(tx *Tx) error {
			return tx.PutGrant(grantWith(fmt.Sprintf("%064d", i), func(g *Grant) { g.Operations = operations }))
		})
	}
	left, batches := many, 0
	for ; left > 0; batches++ {
		before := left
		update(t, s, func(tx *Tx) (err error) {
			left, err = tx.DeleteGrantsOf(addr("k"), 1000)
			return err
		})
		require.Less(t, left, before)
	}
	assert.Greater(t, batches, 1)
}

func TestTransactionThatIsTooLargeChangesNothing(t *testing.T) {
	s := withGrants(t)
	err := s.Update(func(tx *Tx) error {
		for i := range 10 {
			k := testKey(fmt.Sprint("large", i))
			k.Description = strings.Repeat("x", 100_000)
			if err := tx.PutKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	require.ErrorIs(t, err, ErrTooLarge)
	assert.ErrorIs(t, read(s, "large0"), ErrNotFound)
	require.NoError(t, put(s, "k", "the store goes on"))
	assert.ErrorIs(t, put(s, "k", strings.Repeat("x", maxValue)), ErrTooLarge)
}
