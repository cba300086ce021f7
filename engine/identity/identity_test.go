package identity_test

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/world"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// A bench has a world, and tokens under a root key of its own.
type bench struct {
	t      *testing.T
	world  *world.World
	tokens *sts.Tokens
}

func newBench(t *testing.T) bench {
	t.Helper()
	w, err := world.Load("testdata/callers.txtar", nil)
	require.NoError(t, err)
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	require.NoError(t, err)
	return bench{t: t, world: w, tokens: sts.NewTokens(root, rand.Reader)}
}

// caller is who signs with an access key of the world.
func (b bench) caller(accessKeyID string) identity.Caller {
	b.t.Helper()
	found, failed := identity.Find(b.world, b.tokens, accessKeyID, seal.Secret{}, now)
	require.Nil(b.t, failed)
	caller, failed := found.Caller()
	require.Nil(b.t, failed)
	return caller
}

// issue makes a session that lasts an hour from now.
func (b bench) issue(s sts.Session) sts.Credentials {
	b.t.Helper()
	s.IssuedAt, s.Expires = now, now.Add(time.Hour)
	c, err := b.tokens.Issue(s)
	require.NoError(b.t, err)
	return c
}

// resolve is who signs with a session's credentials, or the code of refusal.
func (b bench) resolve(c sts.Credentials, at time.Time) (identity.Caller, string) {
	b.t.Helper()
	token := seal.NewSecret(bytes.Clone(c.SessionToken.Expose()))
	found, failed := identity.Find(b.world, b.tokens, c.AccessKeyID, token, at)
	if failed != nil {
		return identity.Caller{}, string(failed.Code)
	}
	require.True(b.t, found.Secret.Equal(c.SecretKey))
	caller, failed := found.Caller()
	if failed != nil {
		return identity.Caller{}, string(failed.Code)
	}
	return caller, ""
}
