package identity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// bobsSession is a session of GetSessionToken, payrollSession one of AssumeRole.
var (
	bobsSession = sts.Session{
		PrincipalID: "AIDABOBBOBBOBBOB", PrincipalARN: "arn:aws:iam::111122223333:user/staff/bob", ParentKeyID: "AKIABOB",
	}
	payrollSession = sts.Session{
		PrincipalID: "AROAPAYROLLPAYROLL", PrincipalARN: "arn:aws:iam::111122223333:role/service/payroll", ParentKeyID: "AKIABOB",
		Name: "nightly",
	}
)

func TestCallerBehindListedCredentials(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		key  string
		want decision.Principal
		id   string
		name string
	}{
		{"AKIAROOT", decision.Principal{
			Type: decision.Root, Account: "111122223333", ARN: "arn:aws:iam::111122223333:root",
		}, "111122223333", ""},
		{"AKIABOB", decision.Principal{
			Type: decision.User, Account: "111122223333", User: "AIDABOBBOBBOBBOB", ARN: "arn:aws:iam::111122223333:user/staff/bob",
		}, "AIDABOBBOBBOBBOB", "bob"},
		{"ASIAVISITOR", decision.Principal{
			Type: decision.Federated, Account: "111122223333", User: "AIDABOBBOBBOBBOB", Session: "111122223333:visitor",
			ARN: "arn:aws:sts::111122223333:federated-user/visitor",
		}, "111122223333:visitor", "visitor"},
		{"ASIAPIPELINE", decision.Principal{
			Type: decision.WebIdentity, Account: "111122223333", Role: "AROAPAYROLLPAYROLL", Session: "AROAPAYROLLPAYROLL:pipeline",
			Provider: "accounts.google.com", ARN: "arn:aws:sts::111122223333:assumed-role/payroll/pipeline",
		}, "AROAPAYROLLPAYROLL:pipeline", "pipeline"},
	} {
		caller := b.caller(c.key)
		assert.Equal(t, c.want, caller.Principal(), c.key)
		assert.Equal(t, c.id, caller.ID, c.key)
		assert.Equal(t, c.name, caller.Name, c.key)
		assert.Equal(t, c.key, caller.FirstKeyID(), c.key)
	}
}

func TestCallerBehindSessionTokens(t *testing.T) {
	b := newBench(t)
	user, refused := b.resolve(b.issue(bobsSession), now)
	require.Empty(t, refused)
	assert.Equal(t, b.caller("AKIABOB").Principal(), user.Principal(), "a session of GetSessionToken is the user")
	assert.Equal(t, "AKIABOB", user.FirstKeyID())

	root, refused := b.resolve(b.issue(sts.Session{
		PrincipalID: "111122223333", PrincipalARN: "arn:aws:iam::111122223333:root", ParentKeyID: "AKIAROOT",
	}), now)
	require.Empty(t, refused)
	assert.Equal(t, b.caller("AKIAROOT").Principal(), root.Principal())

	role, refused := b.resolve(b.issue(payrollSession), now)
	require.Empty(t, refused)
	assert.Equal(t, decision.Principal{
		Type: decision.Role, Account: "111122223333", Role: "AROAPAYROLLPAYROLL", Session: "AROAPAYROLLPAYROLL:nightly",
		ARN: "arn:aws:sts::111122223333:assumed-role/payroll/nightly",
	}, role.Principal())
	assert.Equal(t, "arn:aws:iam::111122223333:role/service/payroll", role.PrincipalARN())

	linked, refused := b.resolve(b.issue(sts.Session{
		PrincipalID:  b.world.RoleByName("111122223333", "AWSServiceRoleForKeys").ID,
		PrincipalARN: "arn", ParentKeyID: "AKIABOB", Name: "kms",
	}), now)
	require.Empty(t, refused)
	assert.Equal(t, decision.ServiceLinkedRole, linked.Principal().Type)
}

func TestSessionDiesWithWhatItCameFrom(t *testing.T) {
	b := newBench(t)
	change := func(f func(*sts.Session)) sts.Credentials {
		s := payrollSession
		f(&s)
		return b.issue(s)
	}
	for name, c := range map[string]struct {
		credentials sts.Credentials
		at          time.Time
		code        wire.Code
	}{
		"expired":                        {b.issue(payrollSession), now.Add(time.Hour), wire.ExpiredToken},
		"role recreated":                 {change(func(s *sts.Session) { s.PrincipalID = "AROAFORMERPAYROLL" }), now, wire.UnrecognizedClient},
		"access key gone":                {change(func(s *sts.Session) { s.ParentKeyID = "AKIAGONE" }), now, wire.UnrecognizedClient},
		"access key inactive":            {change(func(s *sts.Session) { s.ParentKeyID = "AKIABOBSOLD" }), now, wire.UnrecognizedClient},
		"no access key":                  {change(func(s *sts.Session) { s.ParentKeyID = "" }), now, wire.UnrecognizedClient},
		"a user with a session name":     {change(func(s *sts.Session) { s.PrincipalID = bobsSession.PrincipalID }), now, wire.UnrecognizedClient},
		"a role without a session name":  {change(func(s *sts.Session) { s.Name = "" }), now, wire.UnrecognizedClient},
		"a user by another's access key": {change(func(s *sts.Session) { *s = bobsSession; s.ParentKeyID = "AKIACAROL" }), now, wire.UnrecognizedClient},
		"session policy gone": {change(func(s *sts.Session) {
			s.PolicyARNs = []string{"arn:aws:iam::111122223333:policy/Gone"}
		}), now, wire.UnrecognizedClient},
		"session policy of another account": {change(func(s *sts.Session) {
			s.PolicyARNs = []string{"arn:aws:iam::444455556666:policy/Theirs"}
		}), now, wire.UnrecognizedClient},
		"session policy that is none": {change(func(s *sts.Session) { s.Policies = []string{"{}"} }), now, wire.UnrecognizedClient},
	} {
		_, refused := b.resolve(c.credentials, c.at)
		assert.Equal(t, string(c.code), refused, name)
	}
}

func TestCredentialsThatDoNotBelongTogetherAreRefused(t *testing.T) {
	b := newBench(t)
	session, other := b.issue(bobsSession), b.issue(bobsSession)
	for name, c := range map[string]struct {
		key   string
		token seal.Secret
	}{
		"an access key that does not exist":       {"AKIANOBODY", seal.Secret{}},
		"an access key that is inactive":          {"AKIABOBSOLD", seal.Secret{}},
		"a session's access key without a token":  {session.AccessKeyID, seal.Secret{}},
		"another session's token":                 {session.AccessKeyID, other.SessionToken},
		"a token with a listed access key":        {"AKIABOB", session.SessionToken},
		"a token that is garbage":                 {session.AccessKeyID, seal.NewSecret([]byte("garbage"))},
		"an empty access key id":                  {"", seal.Secret{}},
		"a token of credentials listed elsewhere": {"ASIAVISITOR", session.SessionToken},
	} {
		found, failed := identity.Find(b.world, b.tokens, c.key, c.token, now)
		require.NotNil(t, failed, name)
		assert.Equal(t, wire.UnrecognizedClient, failed.Code, name)
		assert.Equal(t, "The security token included in the request is invalid.", failed.Message, name)
		assert.Empty(t, found.Secret.Expose(), name)
	}
}

func TestCallerHoldsNoSecret(t *testing.T) {
	b := newBench(t)
	credentials := b.issue(payrollSession)
	found, failed := identity.Find(b.world, b.tokens, credentials.AccessKeyID, credentials.SessionToken, now)
	require.Nil(t, failed)
	caller, failed := found.Caller()
	require.Nil(t, failed)
	for _, text := range []string{fmt.Sprintf("%+v", found), fmt.Sprintf("%#v", caller), fmt.Sprintf("%+v", b.caller("AKIABOB").User)} {
		assert.NotContains(t, text, string(credentials.SecretKey.Expose()))
		assert.NotContains(t, text, "bob-secret")
	}
}
