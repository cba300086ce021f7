package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeyComesBackAsItWasPut(t *testing.T) {
	s := open(t, testConfig(t))
	want := testKey("k")
	want.Description = "<&> \u00e9"
	want.DeletionDate = testTime.Add(7 * 24 * time.Hour)
	want.PriorState, want.PendingWindowDays = "Enabled", 7
	want.MultiRegion = MultiRegion{Type: "PRIMARY", Primary: "us-east-1", Replicas: []string{"eu-west-1"}}
	want.Policy.Principals = map[string]string{"arn:aws:iam::111122223333:user/u": "AIDAU"}
	want.Tags = map[string]string{"dept": ""}
	want.CurrentMaterial = "m"
	want.Materials = []Material{{ID: "m", Created: testTime, Ref: MaterialRef{Provider: "software", ID: "r", Spec: "SYMMETRIC_DEFAULT", Sealed: []byte{0, 1, 255}}}}
	update(t, s, func(tx *Tx) error { return tx.PutKey(want) })
	view(t, s, func(tx *Tx) {
		got, err := tx.Key(want.Addr)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestKeyThatIsNotThereIsNotFound(t *testing.T) {
	s := open(t, testConfig(t))
	view(t, s, func(tx *Tx) {
		_, err := tx.Key(addr("k"))
		assert.ErrorIs(t, err, ErrNotFound)
	})
	assert.ErrorIs(t, s.Update(func(tx *Tx) error { return tx.DeleteKey(addr("k")) }), ErrNotFound)
}

func TestKeyWithoutAnAddressIsRefused(t *testing.T) {
	s := open(t, testConfig(t))
	for name, a := range map[string]KeyAddr{
		"no account":     {Region: "us-east-1", ID: "k"},
		"no Region":      {Account: "111122223333", ID: "k"},
		"no ID":          {Account: "111122223333", Region: "us-east-1"},
		"a NUL in an ID": {Account: "111122223333", Region: "us-east-1", ID: "a\x00b"},
	} {
		k := testKey("k")
		k.Addr = a
		assert.ErrorIs(t, s.Update(func(tx *Tx) error { return tx.PutKey(k) }), ErrInvalid, name)
	}
}

func TestViewCannotWrite(t *testing.T) {
	s := open(t, testConfig(t))
	err := s.View(func(tx *Tx) error { return tx.PutKey(testKey("k")) })
	assert.ErrorIs(t, err, ErrReadOnly)
	err = s.View(func(tx *Tx) error { return tx.AppendEvent(nil) })
	assert.ErrorIs(t, err, ErrReadOnly)
}

func TestViewSeesOneSnapshot(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error { return tx.PutKey(testKey("k")) })
	view(t, s, func(tx *Tx) {
		changed := testKey("k")
		changed.State = "Disabled"
		update(t, s, func(tx *Tx) error { return tx.PutKey(changed) })
		view(t, s, func(tx *Tx) { // and fills the cache with the later record
			k, err := tx.Key(addr("k"))
			require.NoError(t, err)
			assert.Equal(t, "Disabled", k.State)
		})
		k, err := tx.Key(addr("k"))
		require.NoError(t, err)
		assert.Equal(t, "Enabled", k.State)
	})
}

func TestRecordReadInAnUpdateMayBeChanged(t *testing.T) {
	s := open(t, testConfig(t))
	k := testKey("k")
	k.Tags = map[string]string{"a": "1"}
	update(t, s, func(tx *Tx) error { return tx.PutKey(k) })
	read := func() (got Key) {
		view(t, s, func(tx *Tx) {
			var err error
			got, err = tx.Key(k.Addr)
			require.NoError(t, err)
		})
		return got
	}
	read()
	err := s.Update(func(tx *Tx) error {
		mine, err := tx.Key(k.Addr)
		require.NoError(t, err)
		mine.Tags["a"] = "2"
		return assert.AnError
	})
	require.ErrorIs(t, err, assert.AnError)
	assert.Equal(t, "1", read().Tags["a"])
}

func TestKeysAreListedByPage(t *testing.T) {
	s := open(t, testConfig(t))
	other := testKey("k0")
	other.Addr.Region = "us-east-10" // a longer name with the same beginning
	update(t, s, func(tx *Tx) error {
		for i := range 5 {
			require.NoError(t, tx.PutKey(testKey(fmt.Sprint("k", i))))
		}
		return tx.PutKey(other)
	})
	view(t, s, func(tx *Tx) {
		keys, more, err := tx.KeysOf("111122223333", "us-east-1", "", 2)
		require.NoError(t, err)
		assert.True(t, more)
		assert.Equal(t, []string{"k0", "k1"}, keyIDs(keys))
		keys, more, err = tx.KeysOf("111122223333", "us-east-1", "k1", 3)
		require.NoError(t, err)
		assert.False(t, more)
		assert.Equal(t, []string{"k2", "k3", "k4"}, keyIDs(keys))
		ids, more, err := tx.KeyIDsOf("111122223333", "us-east-1", "k3", 3)
		require.NoError(t, err)
		assert.False(t, more)
		assert.Equal(t, []string{"k4"}, ids)
		n, err := tx.CountKeys("111122223333", "us-east-1")
		require.NoError(t, err)
		assert.Equal(t, 5, n)
	})
}

func TestPageContinuesAfterAKeyThatIsGone(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error {
		require.NoError(t, tx.PutKey(testKey("a")))
		return tx.PutKey(testKey("c"))
	})
	view(t, s, func(tx *Tx) {
		keys, more, err := tx.KeysOf("111122223333", "us-east-1", "b", 10)
		require.NoError(t, err)
		assert.False(t, more)
		assert.Equal(t, []string{"c"}, keyIDs(keys))
	})
}

func TestKeysFallDueInTheOrderOfTheirDates(t *testing.T) {
	s := open(t, testConfig(t))
	put := func(id string, due time.Time) {
		k := testKey(id)
		k.DeletionDate = due
		update(t, s, func(tx *Tx) error { return tx.PutKey(k) })
	}
	put("later", testTime.Add(2*time.Hour))
	put("now", testTime)
	put("soon", testTime.Add(time.Nanosecond))
	put("never", time.Time{})
	due := func(at time.Time, limit int) (ids []string) {
		view(t, s, func(tx *Tx) {
			list, err := tx.DueBefore(at, limit)
			require.NoError(t, err)
			for _, d := range list {
				ids = append(ids, d.Addr.ID)
			}
		})
		return ids
	}
	assert.Empty(t, due(testTime.Add(-1), 10))
	assert.Equal(t, []string{"now"}, due(testTime, 10))
	assert.Equal(t, []string{"now", "soon"}, due(testTime.Add(time.Hour), 10))
	assert.Equal(t, []string{"now"}, due(testTime.Add(9*time.Hour), 1))
	put("now", time.Time{}) // cancelled
	assert.Equal(t, []string{"soon", "later"}, due(testTime.Add(9*time.Hour), 10))
}

func TestDeletedKeyTakesItsAliasesAlong(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error {
		require.NoError(t, tx.PutKey(testKey("k")))
		require.NoError(t, tx.PutAlias(testAlias("alias/a", "k")))
		return tx.PutAlias(testAlias("alias/b", "k"))
	})
	update(t, s, func(tx *Tx) error { return tx.DeleteKey(addr("k")) })
	view(t, s, func(tx *Tx) {
		_, err := tx.Alias("111122223333", "us-east-1", "alias/a")
		assert.ErrorIs(t, err, ErrNotFound)
		n, err := tx.CountKeys("111122223333", "us-east-1")
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

func TestKeyWithGrantsIsNotDeleted(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error {
		require.NoError(t, tx.PutKey(testKey("k")))
		for i := range 5 {
			require.NoError(t, tx.PutGrant(testGrant(addr("k"), fmt.Sprint("g", i))))
		}
		return nil
	})
	deleteKey := func() error { return s.Update(func(tx *Tx) error { return tx.DeleteKey(addr("k")) }) }
	assert.ErrorIs(t, deleteKey(), ErrNotEmpty)
	for _, want := range []int{2, 0} {
		update(t, s, func(tx *Tx) error {
			left, err := tx.DeleteGrantsOf(addr("k"), 3)
			assert.Equal(t, want, left)
			return err
		})
	}
	assert.NoError(t, deleteKey())
}

func keyIDs(keys []Key) []string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.Addr.ID)
	}
	return ids
}
