package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/identity"
)

func TestCallersThatAreKeptAreThoseOfTheWorldOfTheCall(t *testing.T) {
	var kept identity.Callers
	for range 2 { // the second bench has a world of its own
		b := newBench(t)
		for range 2 {
			for _, id := range []string{"AKIABOB", "AKIACAROL", "AKIASTORAGE"} {
				found, failed := identity.Find(b.world, b.tokens, id, seal.Secret{}, now)
				require.Nil(t, failed)
				got, failed := kept.Of(found)
				require.Nil(t, failed)
				want := b.caller(id)
				assert.Equal(t, want.Principal(), got.Principal())
				assert.Equal(t, want.Attached(), got.Attached())
				assert.Equal(t, want.Keys(now), got.Keys(now))
				if want.User != nil {
					assert.Same(t, want.User, got.User)
				}
			}
		}
	}
}

func TestSessionsAreNotKept(t *testing.T) {
	b := newBench(t)
	var kept identity.Callers
	found, failed := identity.Find(b.world, b.tokens, "AKIABOB", seal.Secret{}, now)
	require.Nil(t, failed)
	_, failed = kept.Of(found)
	require.Nil(t, failed)
	bob, failed := kept.Of(found)
	require.Nil(t, failed)
	session := bob.InSession(identity.Session{MFATime: now})
	assert.Equal(t, []string{"60"}, session.Keys(now.Add(time.Minute))["aws:multifactorauthage"])
	assert.NotContains(t, bob.Keys(now), "aws:multifactorauthpresent")

	issued := b.issue(payrollSession)
	found, failed = identity.Find(b.world, b.tokens, issued.AccessKeyID, issued.SessionToken, now)
	require.Nil(t, failed)
	for range 2 {
		role, failed := kept.Of(found)
		require.Nil(t, failed)
		assert.Equal(t, "AROAPAYROLLPAYROLL:nightly", role.ID)
	}
}
