package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// candidates are the grants of k that the store finds for its usual grantee.
func candidates(t *testing.T, s *Store, operation string, ec map[string]string) []string {
	t.Helper()
	var ids []string
	view(t, s, func(tx *Tx) {
		found, err := tx.GrantCandidates(addr("k"), []string{"AROAGRANTEE"}, operation, ec, nil)
		require.NoError(t, err)
		ids = grantIDs(found)
	})
	return ids
}

func numbered(n int, change func(i int, g *Grant)) []Grant {
	grants := make([]Grant, n)
	for i := range grants {
		grants[i] = grantWith(fmt.Sprintf("g%02d", i), func(g *Grant) { change(i, g) })
	}
	return grants
}

// TestCreateGrantFindsEverySetOfOperations: what a grant's CreateGrant allows
// depends on its other operations, so one set does not hide another.
func TestCreateGrantFindsEverySetOfOperations(t *testing.T) {
	for name, constrain := range map[string]func(*Grant){
		"without constraint": func(*Grant) {},
		"with Equals":        func(g *Grant) { g.Equals = map[string]string{"a": "1"} },
		"with Subset":        func(g *Grant) { g.Subset = map[string]string{"a": "1"} },
		"with both":          func(g *Grant) { g.Equals = map[string]string{"a": "1"}; g.Subset = map[string]string{"a": "1"} },
	} {
		t.Run(name, func(t *testing.T) {
			grants := numbered(2*bucketSize, func(i int, g *Grant) {
				g.Operations = []string{"CreateGrant", "Encrypt"}
				if i%2 == 1 { // the same set
					g.Operations = []string{"Encrypt", "CreateGrant", "Encrypt"}
				}
				constrain(g)
			})
			other := grantWith("other", func(g *Grant) { g.Operations = []string{"CreateGrant", "Decrypt"}; constrain(g) })
			s := withGrants(t, append(grants, other)...)
			found := candidates(t, s, "CreateGrant", map[string]string{"a": "1"})
			assert.Contains(t, found, "other")
			assert.Len(t, found, 2, "one of each set")
		})
	}
}

func TestEqualSubsetsGiveFewCandidates(t *testing.T) {
	type pairs = map[string]string
	s := withGrants(t, numbered(4*bucketSize, func(i int, g *Grant) {
		g.Name, g.Subset = fmt.Sprint(i), pairs{"a": "1", "b": "2"}
		if i == 3*bucketSize {
			g.Subset = pairs{"a": "1"}
		}
	})...)
	found := candidates(t, s, "Decrypt", pairs{"a": "1", "b": "2", "c": "3"})
	assert.Contains(t, found, "g24", "the only one with its Subset")
	assert.Len(t, found, 2, "one of each Subset")
}

// TestClassEndsWithItsLastGrant: grants are changed and go one by one, those in
// a bucket first and then those beside it, and a class is found until then.
func TestClassEndsWithItsLastGrant(t *testing.T) {
	ec := map[string]string{"a": "1", "b": "2"}
	grants := numbered(bucketSize+2, func(_ int, g *Grant) { g.Subset = map[string]string{"a": "1"} })
	s := withGrants(t, grants...)
	for i, g := range grants {
		require.Len(t, candidates(t, s, "Decrypt", ec), 1)
		require.NoError(t, s.Check())
		if i%2 == 0 {
			g.Subset = map[string]string{"z": "26"}
			update(t, s, func(tx *Tx) error { return tx.PutGrant(g) })
			continue
		}
		update(t, s, func(tx *Tx) error { return tx.DeleteGrant(g.Key, g.ID) })
	}
	assert.Empty(t, candidates(t, s, "Decrypt", ec))
	assert.Len(t, candidates(t, s, "Decrypt", map[string]string{"z": "26"}), 1)
}

func TestCheckFindsEveryDamagedBucket(t *testing.T) {
	grants := numbered(bucketSize+1, func(_ int, g *Grant) { g.Subset = map[string]string{"a": "1"} })
	grants = append(grants, numbered(2*bucketSize+2, func(i int, g *Grant) {
		g.ID = fmt.Sprint("class", i)
		g.Operations = []string{"CreateGrant"}
		if i > bucketSize {
			g.Operations = []string{"CreateGrant", fmt.Sprint("Op", i)}
		}
	})...)
	s := withGrants(t, grants...)
	entries := map[string][]byte{}
	require.NoError(t, s.gen.view(func(tx kvTx) error {
		for _, sp := range []space{spaceBucket, spaceOverflow} {
			if err := tx.scan([]byte{byte(sp)}, nil, true, func(key, value []byte) (bool, error) {
				entries[string(key)] = value
				return true, nil
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		err := damaged(t, s, func(tx kvTx) error { return tx.delete([]byte(key)) })
		assert.ErrorIs(t, err, ErrCorrupt, "without %q", key)
		more := append(slices.Clone(entries[key]), "\x00cAnother"...)
		err = damaged(t, s, func(tx kvTx) error { return tx.set([]byte(key), more) })
		assert.ErrorIs(t, err, ErrCorrupt, "with more in %q", key)
	}
}

// TestThoseLeftOutDoNotHideOthersOfTheirKind: what is found of grants that are
// alike is found among the rest.
func TestThoseLeftOutDoNotHideOthersOfTheirKind(t *testing.T) {
	for name, constrain := range map[string]func(*Grant){
		"without constraint": func(*Grant) {},
		"with Subset":        func(g *Grant) { g.Subset = map[string]string{"a": "1"} },
	} {
		grants := numbered(3*bucketSize, func(_ int, g *Grant) { constrain(g) })
		s := withGrants(t, grants...)
		but := map[string]bool{}
		for left := len(grants); left >= 0; left-- {
			view(t, s, func(tx *Tx) {
				found, err := tx.GrantCandidates(addr("k"), []string{"AROAGRANTEE"}, "Decrypt", map[string]string{"a": "1"}, but)
				require.NoError(t, err, name)
				assert.Equal(t, left == 0, len(found) == 0, "%s: %d are left", name, left)
				for _, g := range found {
					assert.False(t, but[g.ID], "%s: %s is left out", name, g.ID)
				}
			})
			if left > 0 {
				but[grants[left-1].ID] = true
			}
		}
	}
}
