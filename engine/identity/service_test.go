package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/sts"
)

func TestServiceAsItself(t *testing.T) {
	b := newBench(t)
	c := b.caller("AKIASTORAGE").Calling("us-east-1", identity.Source{ARN: "arn:aws:s3:::bucket", Account: "111122223333"})
	assert.Equal(t, decision.Principal{
		Type: decision.Service, Services: []string{"s3.amazonaws.com", "s3.us-east-1.amazonaws.com"}, ARN: "s3.amazonaws.com",
	}, c.Principal())
	assert.Equal(t, identity.Attached{}, c.Attached(), "a service has no policies of its own")
	assert.Equal(t, map[string][]string{
		"aws:principalarn":              {"s3.amazonaws.com"},
		"aws:principaltype":             {"Service"},
		"aws:userid":                    {"s3.amazonaws.com"},
		"aws:principalisawsservice":     {"true"},
		"aws:principalservicename":      {"s3.amazonaws.com"},
		"aws:principalservicenameslist": {"s3.amazonaws.com", "s3.us-east-1.amazonaws.com"},
		"aws:sourcearn":                 {"arn:aws:s3:::bucket"},
		"aws:sourceaccount":             {"111122223333"},
		"kms:grantisforawsresource":     {"true"},
	}, c.Keys(now))
	assert.Equal(t, "s3.us-east-1.amazonaws.com", c.Service.InvokedBy())
	assert.Nil(t, c.Service.Chain())
}

// forward is what a token says that b's user asked for with long-term keys.
func forward(change func(*sts.Forward)) sts.Forward {
	f := sts.Forward{
		Service: "s3.amazonaws.com", Region: "us-east-1", Expires: now.Add(sts.ForwardLife), AccessKeyID: "AKIABOB", PrincipalID: "AIDABOBBOBBOBBOB",
	}
	if change != nil {
		change(&f)
	}
	return f
}

func TestServiceOnBehalfIsThePrincipal(t *testing.T) {
	b := newBench(t)
	bob := b.caller("AKIABOB")
	c, failed := b.caller("AKIASTORAGE").OnBehalf(b.tokens, forward(func(f *sts.Forward) { f.Via = []string{"ec2.amazonaws.com"} }), now)
	require.Nil(t, failed)
	assert.Equal(t, bob.Principal(), c.Principal())
	assert.Equal(t, bob.Attached(), c.Attached())
	want := bob.Keys(now)
	for name, values := range map[string][]string{
		"aws:viaawsservice": {"true"}, "aws:calledvia": {"ec2.amazonaws.com", "s3.amazonaws.com"}, "aws:calledviafirst": {"ec2.amazonaws.com"},
		"aws:calledvialast": {"s3.amazonaws.com"}, "kms:viaservice": {"s3.us-east-1.amazonaws.com"}, "kms:grantisforawsresource": {"true"},
	} {
		want[name] = values
	}
	assert.Equal(t, want, c.Keys(now))
	assert.Equal(t, "s3.amazonaws.com", c.Service.InvokedBy())
	assert.Nil(t, bob.Service)

	session := b.issue(payrollSession)
	c, failed = b.caller("AKIASTORAGE").OnBehalf(b.tokens, forward(func(f *sts.Forward) {
		f.AccessKeyID, f.SessionToken, f.PrincipalID = session.AccessKeyID, session.SessionToken, "AROAPAYROLLPAYROLL:nightly"
	}), now)
	require.Nil(t, failed)
	assert.Equal(t, "arn:aws:sts::111122223333:assumed-role/payroll/nightly", c.ARN)
}

func TestForwardTokenDiesWithItsPrincipal(t *testing.T) {
	b := newBench(t)
	session := b.issue(payrollSession)
	for name, c := range map[string]struct {
		change func(*sts.Forward)
		at     time.Time
	}{
		"an access key that is gone":         {func(f *sts.Forward) { f.AccessKeyID = "AKIAGONE" }, now},
		"an access key that is inactive":     {func(f *sts.Forward) { f.AccessKeyID = "AKIABOBSOLD" }, now},
		"an access key of somebody else now": {func(f *sts.Forward) { f.AccessKeyID = "AKIACAROL" }, now},
		"a principal that was made again":    {func(f *sts.Forward) { f.PrincipalID = "AIDAFORMERBOBBOB" }, now},
		"a service's access key":             {func(f *sts.Forward) { f.AccessKeyID, f.PrincipalID = "AKIASTORAGE", "s3.amazonaws.com" }, now},
		"a session that has ended": {func(f *sts.Forward) {
			f.AccessKeyID, f.SessionToken, f.PrincipalID = session.AccessKeyID, session.SessionToken, "AROAPAYROLLPAYROLL:nightly"
		}, now.Add(2 * time.Hour)},
		"a session without its token": {func(f *sts.Forward) {
			f.AccessKeyID, f.SessionToken, f.PrincipalID = session.AccessKeyID, seal.Secret{}, "AROAPAYROLLPAYROLL:nightly"
		}, now},
	} {
		_, failed := b.caller("AKIASTORAGE").OnBehalf(b.tokens, forward(c.change), c.at)
		require.NotNil(t, failed, name)
		assert.Contains(t, failed.Message, "The principal of the forward token is gone", name)
	}
}

func TestServicesAsParties(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"s3.amazonaws.com", "s3.us-east-1.amazonaws.com"} {
		p, known := identity.Party(b.world, name)
		assert.True(t, known, name)
		assert.Equal(t, decision.Party{Via: decision.ViaService, ID: name}, p)
	}
	_, known := identity.Party(b.world, "ec2.amazonaws.com")
	assert.False(t, known, "it is not in the world")
}
