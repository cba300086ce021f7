package store

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnswersAreThoseOfOneSnapshot(t *testing.T) {
	var a answers
	question := []byte("q")
	_, known := a.get(1, question)
	assert.False(t, known)
	a.put(2, question, "two", 1)
	a.put(1, question, "one", 1)
	_, known = a.get(1, question)
	assert.False(t, known, "a later one is wanted")
	got, known := a.get(2, question)
	assert.True(t, known)
	assert.Equal(t, "two", got)
	a.put(3, []byte("other"), "three", 1)
	_, known = a.get(2, question)
	assert.False(t, known)
	_, known = a.get(3, question)
	assert.False(t, known)
}

func TestAnswersAreBounded(t *testing.T) {
	var a answers
	a.put(1, []byte("q"), "too large", answersBytes+1)
	_, known := a.get(1, []byte("q"))
	assert.False(t, known)
	for n := range byte(4) {
		a.put(1, []byte{n}, n, answersBytes/3)
	}
	assert.LessOrEqual(t, a.bytes, answersBytes)
	_, known = a.get(1, []byte{3})
	assert.True(t, known, "the latest is there")
}

// What Views found before must not show in one that sees another commit.
func TestViewsSeeTheirSnapshotWhateverOthersFound(t *testing.T) {
	s := open(t, testConfig(t))
	k := testKey("a")
	found := func(tx *Tx) (description string, aliases, grants int) {
		for range 2 {
			got, err := tx.Key(k.Addr)
			require.NoError(t, err)
			list, _, err := tx.AliasesOfKey(k.Addr, "", 10)
			require.NoError(t, err)
			candidates, err := tx.GrantCandidates(k.Addr, []string{"user/bob"}, "Decrypt", nil, nil)
			require.NoError(t, err)
			description, aliases, grants = got.Description, len(list), len(candidates)
		}
		return description, aliases, grants
	}
	update(t, s, func(tx *Tx) error { return tx.PutKey(k) })
	view(t, s, func(before *Tx) {
		found(before)
		update(t, s, func(tx *Tx) error {
			changed := k
			changed.Description = "changed"
			g := testGrant(k.Addr, "g1")
			g.GranteeID, g.Operations = "user/bob", []string{"Decrypt"}
			return errors.Join(tx.PutKey(changed), tx.PutGrant(g),
				tx.PutAlias(Alias{Account: k.Addr.Account, Region: k.Addr.Region, Name: "alias/a", TargetKeyID: k.Addr.ID}))
		})
		view(t, s, func(after *Tx) {
			description, aliases, grants := found(after)
			assert.Equal(t, []any{"changed", 1, 1}, []any{description, aliases, grants})
		})
		description, aliases, grants := found(before)
		assert.Equal(t, []any{"", 0, 0}, []any{description, aliases, grants})
	})
	view(t, s, func(after *Tx) {
		description, aliases, grants := found(after)
		assert.Equal(t, []any{"changed", 1, 1}, []any{description, aliases, grants})
	})
}
