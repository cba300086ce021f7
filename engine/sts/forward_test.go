package sts

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

func newForwards(t testing.TB) *Tokens {
	t.Helper()
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	require.NoError(t, err)
	return NewTokens(root, nil)
}

var (
	forwardTime   = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	forwardSample = Forward{
		Service: "s3.amazonaws.com", Region: "us-east-1", Expires: forwardTime.Add(ForwardLife),
		AccessKeyID: "ASIAEXAMPLE", SessionToken: seal.NewSecret([]byte("session")), PrincipalID: "AROAEXAMPLE:nightly", Via: []string{"ec2.amazonaws.com"},
	}
)

func TestForwardTokenSaysWhatWasPutIn(t *testing.T) {
	tokens := newForwards(t)
	token, err := tokens.IssueForward(forwardSample)
	require.NoError(t, err)
	got, err := tokens.OpenForward("s3.amazonaws.com", "us-east-1", string(token.Expose()), forwardTime)
	require.NoError(t, err)
	assert.True(t, got.SessionToken.Equal(forwardSample.SessionToken))
	want := forwardSample
	got.SessionToken, want.SessionToken = seal.Secret{}, seal.Secret{} // a Secret is not comparable
	assert.Equal(t, want, got)
}

func TestForwardTokenOpensOnlyWhereItBelongs(t *testing.T) {
	tokens := newForwards(t)
	sealed, err := tokens.IssueForward(forwardSample)
	require.NoError(t, err)
	token := string(sealed.Expose())
	session, err := tokens.Issue(Session{PrincipalID: "AIDAEXAMPLE", PrincipalARN: "arn", IssuedAt: forwardTime, Expires: forwardTime.Add(time.Hour)})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		tokens                 *Tokens
		service, region, token string
		at                     time.Time
		want                   string
	}{
		"another service":       {tokens, "ec2.amazonaws.com", "us-east-1", token, forwardTime, "not valid"},
		"another Region":        {tokens, "s3.amazonaws.com", "eu-west-1", token, forwardTime, "not valid"},
		"another root key":      {newForwards(t), "s3.amazonaws.com", "us-east-1", token, forwardTime, "not valid"},
		"a session token":       {tokens, "s3.amazonaws.com", "us-east-1", string(session.SessionToken.Expose()), forwardTime, "not valid"},
		"no token":              {tokens, "s3.amazonaws.com", "us-east-1", "", forwardTime, "not valid"},
		"a part of it":          {tokens, "s3.amazonaws.com", "us-east-1", token[:len(token)-4], forwardTime, "not valid"},
		"with something behind": {tokens, "s3.amazonaws.com", "us-east-1", token + "AAAA", forwardTime, "not valid"},
		"far too long":          {tokens, "s3.amazonaws.com", "us-east-1", strings.Repeat("A", maxForward+1), forwardTime, "not valid"},
		"at its end":            {tokens, "s3.amazonaws.com", "us-east-1", token, forwardSample.Expires, "expired"},
	} {
		_, err := c.tokens.OpenForward(c.service, c.region, c.token, c.at)
		failure := wire.AsError(err)
		require.NotNil(t, failure, name)
		assert.Equal(t, wire.AccessDenied, failure.Code, name)
		assert.Contains(t, failure.Message, c.want, name)
	}
	for _, incomplete := range []func(*Forward){
		func(f *Forward) { f.Service = "" }, func(f *Forward) { f.Region = "" }, func(f *Forward) { f.AccessKeyID = "" },
		func(f *Forward) { f.PrincipalID = "" }, func(f *Forward) { f.Via = make([]string, maxVia+1) },
	} {
		f := forwardSample
		incomplete(&f)
		_, err := tokens.IssueForward(f)
		assert.Error(t, err)
	}
}

// The longest session token still fits into a forward token.
func TestForwardTokenHoldsTheLongestSessionToken(t *testing.T) {
	tokens := newForwards(t)
	f := forwardSample
	f.SessionToken = seal.NewSecret([]byte(strings.Repeat("A", MaxToken)))
	f.Via = []string{strings.Repeat("a", 128), strings.Repeat("b", 128)}
	token, err := tokens.IssueForward(f)
	require.NoError(t, err)
	_, err = tokens.OpenForward(f.Service, f.Region, string(token.Expose()), forwardTime)
	assert.NoError(t, err)
}

func FuzzOpenForward(f *testing.F) {
	tokens := newForwards(f)
	token, err := tokens.IssueForward(forwardSample)
	require.NoError(f, err)
	good := string(token.Expose())
	f.Add(good)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := tokens.OpenForward("s3.amazonaws.com", "us-east-1", text, forwardTime)
		require.Equal(t, text == good, err == nil)
	})
}
