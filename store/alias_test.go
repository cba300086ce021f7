package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testAlias(name, target string) Alias {
	return Alias{Account: "111122223333", Region: "us-east-1", Name: name, TargetKeyID: target, Created: testTime, Updated: testTime}
}

func TestAliasIsFoundByNameAndByKey(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error {
		require.NoError(t, tx.PutKey(testKey("k")))
		require.NoError(t, tx.PutAlias(testAlias("alias/b", "k")))
		return tx.PutAlias(testAlias("alias/a", "k"))
	})
	view(t, s, func(tx *Tx) {
		a, err := tx.Alias("111122223333", "us-east-1", "alias/a")
		require.NoError(t, err)
		assert.Equal(t, testAlias("alias/a", "k"), a)
		list, more, err := tx.AliasesOfKey(addr("k"), "", 1)
		require.NoError(t, err)
		assert.True(t, more)
		assert.Equal(t, []Alias{testAlias("alias/a", "k")}, list)
		list, more, err = tx.AliasesOfKey(addr("k"), "alias/a", 1)
		require.NoError(t, err)
		assert.False(t, more)
		assert.Equal(t, []Alias{testAlias("alias/b", "k")}, list)
	})
}

func TestMovedAliasCountsForItsNewKeyOnly(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error {
		require.NoError(t, tx.PutKey(testKey("k1")))
		require.NoError(t, tx.PutKey(testKey("k2")))
		return tx.PutAlias(testAlias("alias/a", "k1"))
	})
	update(t, s, func(tx *Tx) error { return tx.PutAlias(testAlias("alias/a", "k2")) })
	view(t, s, func(tx *Tx) {
		for id, want := range map[string]int{"k1": 0, "k2": 1} {
			n, err := tx.CountAliases(addr(id))
			require.NoError(t, err)
			assert.Equal(t, want, n, id)
			list, _, err := tx.AliasesOfKey(addr(id), "", 10)
			require.NoError(t, err)
			assert.Len(t, list, want, id)
		}
	})
	update(t, s, func(tx *Tx) error { return tx.DeleteAlias("111122223333", "us-east-1", "alias/a") })
	view(t, s, func(tx *Tx) {
		n, err := tx.CountAliases(addr("k2"))
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

func TestAliasNeedsAKeyThatExists(t *testing.T) {
	s := open(t, testConfig(t))
	err := s.Update(func(tx *Tx) error { return tx.PutAlias(testAlias("alias/a", "k")) })
	assert.ErrorIs(t, err, ErrNotFound)
}

func TestPredefinedAliasNeedsNoKey(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error { return tx.PutAlias(testAlias("alias/aws/s3", "")) })
	view(t, s, func(tx *Tx) {
		list, more, err := tx.AliasesOf("111122223333", "us-east-1", "", 10)
		require.NoError(t, err)
		assert.False(t, more)
		assert.Equal(t, []Alias{testAlias("alias/aws/s3", "")}, list)
	})
}
