package sts

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

var testNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func rootKey(t testing.TB) *seal.RootKey {
	t.Helper()
	key, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	return key
}

func fullSession() Session {
	return Session{
		IssuedAt: testNow, Expires: testNow.Add(time.Hour),
		PrincipalID: "AROAINVENTED00000001", PrincipalARN: testRole, ParentKeyID: "AKIAINVENTED00000001", Name: "sess-7",
		Policies: []string{`{"Version":"2012-10-17","Statement":[]}`}, PolicyARNs: []string{"arn:aws:iam::444400001111:policy/A"},
		Tags: map[string]string{"team": "ledger"}, TransitiveTags: []string{"team"}, SourceIdentity: "noor",
		MFASerial: "GAHT12345678", MFATime: testNow.Add(-time.Minute), Chained: true,
	}
}

func TestSessionComesBackFromItsToken(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	minimal := Session{IssuedAt: testNow, Expires: testNow.Add(15 * time.Minute), PrincipalID: "AIDA", PrincipalARN: "arn:aws:iam::444400001111:user/Noor"}
	empty := minimal
	empty.Policies = []string{}
	for _, want := range []Session{minimal, empty, fullSession()} {
		c, err := tokens.Issue(want)
		require.NoError(t, err)
		assert.Regexp(t, `^ASIA[A-Z2-7]{16}$`, c.AccessKeyID)
		assert.Len(t, c.SecretKey.Expose(), 40)
		assert.Equal(t, want.Expires, c.Expires)
		assert.Positive(t, c.PackedSize)

		got, err := tokens.Open(c.AccessKeyID, c.SessionToken, testNow)
		require.NoError(t, err)
		assert.True(t, got.SecretKey.Equal(c.SecretKey))
		want.AccessKeyID, want.SecretKey, got.SecretKey = c.AccessKeyID, seal.Secret{}, seal.Secret{}
		assert.Equal(t, want, got)
	}
}

func TestEverySessionHasItsOwnCredentials(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	a, err := tokens.Issue(fullSession())
	require.NoError(t, err)
	b, err := tokens.Issue(fullSession())
	require.NoError(t, err)
	assert.NotEqual(t, a.AccessKeyID, b.AccessKeyID)
	assert.False(t, a.SecretKey.Equal(b.SecretKey))
	assert.False(t, a.SessionToken.Equal(b.SessionToken))
}

func TestSessionExpires(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	c, err := tokens.Issue(fullSession())
	require.NoError(t, err)
	_, err = tokens.Open(c.AccessKeyID, c.SessionToken, testNow.Add(time.Hour-time.Second))
	require.NoError(t, err)
	_, err = tokens.Open(c.AccessKeyID, c.SessionToken, testNow.Add(time.Hour))
	e := wire.AsError(err)
	assert.Equal(t, wire.ExpiredToken, e.Code)
	assert.Equal(t, "The security token included in the request is expired", e.Message)
}

func TestTokenOfAnotherIsRefused(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	c, err := tokens.Issue(fullSession())
	require.NoError(t, err)
	other, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.NewChaCha8([32]byte{2}))
	require.NoError(t, err)
	otherUse, err := rootKey(t).Seal("other-purpose", []byte(c.AccessKeyID), []byte("x"))
	require.NoError(t, err)

	tests := []struct {
		name  string
		by    *Tokens
		keyID string
		token []byte
	}{
		{"another access key id", tokens, "ASIAAAAAAAAAAAAAAAAA", c.SessionToken.Expose()},
		{"another root key", NewTokens(other, nil), c.AccessKeyID, c.SessionToken.Expose()},
		{"sealed for another purpose", tokens, c.AccessKeyID, []byte(encoding.EncodeToString(otherUse))},
		{"no token", tokens, c.AccessKeyID, nil},
		{"no base64", tokens, c.AccessKeyID, []byte("***")},
		{"cut short", tokens, c.AccessKeyID, c.SessionToken.Expose()[:100]},
		{"too long", tokens, c.AccessKeyID, bytes.Repeat([]byte("A"), MaxToken+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.by.Open(tt.keyID, seal.NewSecret(tt.token), testNow)
			e := wire.AsError(err)
			require.NotNil(t, e)
			assert.Equal(t, wire.UnrecognizedClient, e.Code)
			assert.Equal(t, "The security token included in the request is invalid.", e.Message)
		})
	}
}

func TestAlteredTokenIsRefused(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	c, err := tokens.Issue(Session{IssuedAt: testNow, Expires: testNow.Add(time.Hour), PrincipalID: "AIDA", PrincipalARN: "arn"})
	require.NoError(t, err)
	token := c.SessionToken.Expose()
	for i := range token {
		for _, change := range []byte{'A', 'B', 'z', '-', '=', '\n'} {
			if token[i] == change {
				continue
			}
			forged := bytes.Clone(token)
			forged[i] = change
			_, err := tokens.Open(c.AccessKeyID, seal.NewSecret(forged), testNow)
			require.Error(t, err, "character %d became %q", i, change)
		}
	}
}

func TestTokensAreBounded(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	noise := make([]byte, 50*90)
	_, err := rand.NewChaCha8([32]byte{3}).Read(noise)
	require.NoError(t, err)
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprint(i)] = encoding.EncodeToString(noise[90*i : 90*i+90])
	}
	s := fullSession()
	s.Tags = tags
	_, err = tokens.Issue(s)
	e := wire.AsError(err)
	require.NotNil(t, e)
	assert.Equal(t, PackedPolicyTooLarge, e.Code)
	assert.Regexp(t, `^Packed policy consumes 1\d\d% of allotted space, please use smaller policy.$`, e.Message)

	s = fullSession()
	s.Policies = []string{strings.Repeat("x", maxPacked)}
	_, err = tokens.Issue(s)
	assert.Equal(t, PackedPolicyTooLarge, wire.AsError(err).Code)

	s = fullSession()
	s.Policies = []string{`{"Version":"2012-10-17","Statement":[` + strings.Repeat(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-central-1:444400001111:key/7d0c6a52"},`, 18) + "]}"}
	c, err := tokens.Issue(s)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(c.SessionToken.Expose()), MaxToken)
}

func TestSessionWithoutPrincipalOrLifetimeIsNotIssued(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	for _, s := range []Session{
		{IssuedAt: testNow, Expires: testNow.Add(time.Hour)},
		{IssuedAt: testNow, Expires: testNow, PrincipalID: "AIDA", PrincipalARN: "arn"},
		{PrincipalID: "AIDA", PrincipalARN: "arn"},
	} {
		_, err := tokens.Issue(s)
		require.Error(t, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("no randomness") }

func TestNoRandomnessNoSession(t *testing.T) {
	_, err := NewTokens(rootKey(t), broken{}).Issue(fullSession())
	require.ErrorContains(t, err, "no randomness")
}

func TestTokenWithAnUnknownMemberIsRefused(t *testing.T) {
	root := rootKey(t)
	for _, text := range []string{`{"p":"AIDA","a":"arn","e":9999999999,"x":"limits"}`, `{"p":`, ``} {
		packed := deflate(t, text)
		sealed, err := root.Seal(purpose, []byte("ASIA"), packed)
		require.NoError(t, err)
		_, err = NewTokens(root, nil).Open("ASIA", seal.NewSecret([]byte(encoding.EncodeToString(sealed))), testNow)
		assert.Equal(t, wire.UnrecognizedClient, wire.AsError(err).Code)
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	tokens := NewTokens(rootKey(t), nil)
	c, err := tokens.Issue(fullSession())
	require.NoError(t, err)
	s, err := tokens.Open(c.AccessKeyID, c.SessionToken, testNow)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%+v", s), fmt.Sprint(AssumeRoleOutput{Credentials: c})} {
		assert.NotContains(t, text, string(c.SecretKey.Expose()))
		assert.NotContains(t, text, string(c.SessionToken.Expose()))
	}
}

func BenchmarkOpen(b *testing.B) {
	tokens := NewTokens(rootKey(b), nil)
	c, err := tokens.Issue(fullSession())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Open(c.AccessKeyID, c.SessionToken, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	tokens := NewTokens(rootKey(f), rand.NewChaCha8([32]byte{4})) // every process of the fuzzer issues the same token
	c, err := tokens.Issue(fullSession())
	require.NoError(f, err)
	issued := string(c.SessionToken.Expose())
	f.Add(c.AccessKeyID, issued)
	f.Add("", "")
	f.Fuzz(func(t *testing.T, keyID, token string) {
		_, err := tokens.Open(keyID, seal.NewSecret([]byte(token)), testNow)
		if keyID == c.AccessKeyID && token == issued {
			require.NoError(t, err)
			return
		}
		require.Error(t, err)
	})
}
