package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrincipalAddedAgainHasAnotherID(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:user/u"
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error { return tx.PutUniqueID(arn, "AIDA1") })
	update(t, s, func(tx *Tx) error { return tx.DeletePrincipal(arn) })
	view(t, s, func(tx *Tx) {
		_, err := tx.UniqueID(arn)
		assert.ErrorIs(t, err, ErrNotFound)
	})
	update(t, s, func(tx *Tx) error { return tx.PutUniqueID(arn, "AIDA2") })
	view(t, s, func(tx *Tx) {
		id, err := tx.UniqueID(arn)
		require.NoError(t, err)
		assert.Equal(t, "AIDA2", id)
		_, err = tx.PrincipalByID("AIDA1")
		assert.ErrorIs(t, err, ErrNotFound)
		p, err := tx.PrincipalByID("AIDA2")
		require.NoError(t, err)
		assert.Equal(t, Principal{ARN: arn, ID: "AIDA2", Since: testTime}, p)
	})
}

func TestTwoPrincipalsCannotShareAnID(t *testing.T) {
	s := open(t, testConfig(t))
	update(t, s, func(tx *Tx) error { return tx.PutUniqueID("arn:a", "AIDA1") })
	err := s.Update(func(tx *Tx) error { return tx.PutUniqueID("arn:b", "AIDA1") })
	assert.ErrorIs(t, err, ErrExists)
	view(t, s, func(tx *Tx) {
		list, more, err := tx.Principals("", 10)
		require.NoError(t, err)
		assert.False(t, more)
		assert.Equal(t, []Principal{{ARN: "arn:a", ID: "AIDA1", Since: testTime}}, list)
	})
}
