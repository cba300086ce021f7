package engine_test

import (
	_ "embed"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

//go:embed testdata/sts.txtar
var stsWorld string

// user is the access key of a user of the sessions' world.
func user(name string) enginetest.Keys {
	return enginetest.Keys{ID: "AKIA" + strings.ToUpper(name), Secret: "secret"}
}

func roleARN(name string) string { return "arn:aws:iam::111122223333:role/" + name }

// tryRole makes a call of AssumeRole.
func (b bench) tryRole(who enginetest.Keys, role string, change ...func(*sts.AssumeRoleInput)) func() error {
	return func() error {
		in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("nightly")}
		for _, f := range change {
			f(in)
		}
		return second(b.STS(who, region).AssumeRole(b.ctx, in))
	}
}

func lasting(seconds int32) func(*sts.AssumeRoleInput) {
	return func(in *sts.AssumeRoleInput) { in.DurationSeconds = &seconds }
}

func tagged(transitive []string, words ...string) func(*sts.AssumeRoleInput) {
	return func(in *sts.AssumeRoleInput) {
		in.TransitiveTagKeys = transitive
		for i := 0; i < len(words); i += 2 {
			in.Tags = append(in.Tags, ststypes.Tag{Key: &words[i], Value: &words[i+1]})
		}
	}
}

func identified(as string) func(*sts.AssumeRoleInput) {
	return func(in *sts.AssumeRoleInput) { in.SourceIdentity = &as }
}

// notAuthorized is a refusal of AssumeRole and the like.
func notAuthorized(arn, action, role, because string) string {
	return "AccessDenied: User: " + arn + " is not authorized to perform: sts:" + action + " on resource: " + role + " because " + because
}

// TestWhoMayAssumeARole: A-80.
func TestWhoMayAssumeARole(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld})
	const ann, carol = "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::444455556666:user/carol"
	ghost := roleARN("ghost")
	answers(t, []ask{
		{"a user whom the role trusts", b.tryRole(user("ann"), roleARN("trusts-ann")), "ok"},
		{"a user whom it does not", b.tryRole(user("bea"), roleARN("trusts-ann")),
			notAuthorized("arn:aws:iam::111122223333:user/bea", "AssumeRole", roleARN("trusts-ann"), "no resource-based policy allows the sts:AssumeRole action")},
		{"an account that it trusts, with an IAM policy", b.tryRole(user("bea"), roleARN("trusts-account")), "ok"},
		{"an account that it trusts, without one", b.tryRole(user("ann"), roleARN("trusts-account")),
			notAuthorized(ann, "AssumeRole", roleARN("trusts-account"), "no identity-based policy allows the sts:AssumeRole action")},
		{"another account, with an IAM policy", b.tryRole(user("carol"), roleARN("trusts-account")), "ok"},
		{"another account, without one", b.tryRole(user("dan"), roleARN("trusts-account")),
			notAuthorized("arn:aws:iam::444455556666:user/dan", "AssumeRole", roleARN("trusts-account"), "no identity-based policy allows the sts:AssumeRole action")},
		{"another account that it does not trust", b.tryRole(user("carol"), roleARN("trusts-ann")), notAuthorized(carol, "AssumeRole", roleARN("trusts-ann"), absence)},
		{"a role that does not exist, of another account", b.tryRole(user("carol"), ghost), notAuthorized(carol, "AssumeRole", ghost, absence)},
		{"a role that does not exist", b.tryRole(user("ann"), ghost),
			notAuthorized(ann, "AssumeRole", ghost, "no resource-based policy allows the sts:AssumeRole action")},
		{"what is no role", b.tryRole(user("ann"), "arn:aws:iam::111122223333:user/ann"), "ValidationError: Request ARN is invalid"},
		{"root", b.tryRole(user("root"), roleARN("trusts-account")), "AccessDenied: Roles may not be assumed by root accounts."},
		{"a one-time code that nobody checked", b.tryRole(user("ann"), roleARN("trusts-ann"), func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = aws.String("arn:aws:iam::111122223333:mfa/ann"), aws.String("123456")
		}), "AccessDenied: MultiFactorAuthentication failed: keyreeve does not offer MFA devices yet."},
	})
	session := b.assume(user("ann"), roleARN("trusts-ann"), "nightly")
	answers(t, []ask{
		{"a role does not trust itself", b.tryRole(session, roleARN("trusts-ann")), notAuthorized("arn:aws:sts::111122223333:assumed-role/trusts-ann/nightly",
			"AssumeRole", roleARN("trusts-ann"), "no resource-based policy allows the sts:AssumeRole action")},
	})
}

func TestTrustPoliciesLookAtTheRequest(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld})
	role := roleARN("conditional")
	named := func(name string) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) { in.RoleSessionName = &name }
	}
	external := func(id string) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) { in.ExternalId = &id }
	}
	refused := func(action string) string {
		return notAuthorized("arn:aws:iam::111122223333:user/ann", action, role, "no resource-based policy allows the sts:"+action+" action")
	}
	red := tagged([]string{"team"}, "team", "red")
	answers(t, []ask{
		{"all as wanted", b.tryRole(user("ann"), role, named("ann"), external("shared"), red), "ok"},
		{"another external id", b.tryRole(user("ann"), role, named("ann"), external("other"), red), refused("AssumeRole")},
		{"no external id", b.tryRole(user("ann"), role, named("ann"), red), refused("AssumeRole")},
		{"another session name", b.tryRole(user("ann"), role, named("bea"), external("shared"), red), refused("AssumeRole")},
		{"another tag", b.tryRole(user("ann"), role, named("ann"), external("shared"), tagged(nil, "team", "blue")), refused("AssumeRole")},
		{"a tag too many", b.tryRole(user("ann"), role, named("ann"), external("shared"), tagged(nil, "team", "red", "x", "y")), refused("AssumeRole")},
		{"tags that the role does not let anybody set", b.tryRole(user("bea"), roleARN("trusts-account"), red),
			notAuthorized("arn:aws:iam::111122223333:user/bea", "TagSession", roleARN("trusts-account"), "no resource-based policy allows the sts:TagSession action")},
		{"a source identity that it does not let anybody set", b.tryRole(user("bea"), roleARN("trusts-account"), identified("bea")),
			notAuthorized("arn:aws:iam::111122223333:user/bea", "SetSourceIdentity", roleARN("trusts-account"), "no resource-based policy allows the sts:SetSourceIdentity action")},
	})
}

func TestSessionsLastAsLongAsTheyMay(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld})
	long, short := roleARN("trusts-ann"), roleARN("trusts-account")
	session := b.assume(user("ann"), long, "nightly")
	const most = "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	value := "ValidationError: 1 validation error detected: Value "
	answers(t, []ask{
		{"the role's longest", b.tryRole(user("ann"), long, lasting(7200)), "ok"},
		{"longer", b.tryRole(user("ann"), long, lasting(7201)), most},
		{"the shortest", b.tryRole(user("ann"), long, lasting(900)), "ok"},
		{"shorter", b.tryRole(user("ann"), long, lasting(899)), value + "'899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"longer than any", b.tryRole(user("ann"), long, lasting(43201)), value + "'43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"an hour where the role says nothing", b.tryRole(user("bea"), short, lasting(3600)), "ok"},
		{"more than an hour there", b.tryRole(user("bea"), short, lasting(3601)), most},
		{"a chained session of an hour (A-81)", b.tryRole(session, roleARN("chained"), lasting(3600)), "ok"},
		{"a chained session of more", b.tryRole(session, roleARN("chained"), lasting(3601)),
			"ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"},
	})
	who := func(k enginetest.Keys) func() error {
		return func() error { return second(b.STS(k, region).GetCallerIdentity(b.ctx, &sts.GetCallerIdentityInput{})) }
	}
	b.Clock.Advance(time.Hour - time.Second)
	answers(t, []ask{{"a second before its end", who(session), "ok"}})
	b.Clock.Advance(time.Second)
	answers(t, []ask{{"at its end", who(session), "ExpiredToken: The security token included in the request is expired"}})
	out, err := b.STS(user("root"), region).GetSessionToken(b.ctx, &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129600)})
	require.NoError(t, err)
	assert.Equal(t, b.Clock.Now().Add(time.Hour), *out.Credentials.Expiration, "root's sessions end after an hour")
	out, err = b.STS(user("ann"), region).GetSessionToken(b.ctx, &sts.GetSessionTokenInput{})
	require.NoError(t, err)
	assert.Equal(t, b.Clock.Now().Add(12*time.Hour), *out.Credentials.Expiration)
}

func TestCallerIdentity(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld})
	out, err := b.STS(user("ann"), region).GetSessionToken(b.ctx, &sts.GetSessionTokenInput{})
	require.NoError(t, err)
	session := keysOf(out.Credentials)
	for _, c := range []struct {
		keys    enginetest.Keys
		arn, id string
	}{
		{user("ann"), "arn:aws:iam::111122223333:user/ann", `^AIDA[A-Z0-9]{17}$`},
		{user("root"), "arn:aws:iam::111122223333:root", `^111122223333$`},
		{session, "arn:aws:iam::111122223333:user/ann", `^AIDA[A-Z0-9]{17}$`},
		{b.assume(user("ann"), roleARN("trusts-ann"), "nightly"), "arn:aws:sts::111122223333:assumed-role/trusts-ann/nightly", `^AROA[A-Z0-9]{17}:nightly$`},
	} {
		got, err := b.STS(c.keys, region).GetCallerIdentity(b.ctx, &sts.GetCallerIdentityInput{})
		require.NoError(t, err)
		assert.Equal(t, "111122223333 "+c.arn, *got.Account+" "+*got.Arn)
		assert.Regexp(t, c.id, *got.UserId)
	}
	answers(t, []ask{{"a session of a session", func() error {
		return second(b.STS(session, region).GetSessionToken(b.ctx, &sts.GetSessionTokenInput{}))
	}, "AccessDenied: Cannot call GetSessionToken with session credentials"}})
}

// TestSessionPoliciesNarrow.
func TestSessionPoliciesNarrow(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld})
	made, err := b.as(user("admin")).CreateKey(b.ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	key := *made.KeyMetadata.Arn
	role := roleARN("trusts-ann")
	describe := func(k enginetest.Keys) func() error {
		return func() error { return second(b.as(k).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})) }
	}
	list := func(k enginetest.Keys) func() error {
		return func() error { return second(b.as(k).ListKeys(b.ctx, &kms.ListKeysInput{})) }
	}
	const arn = "arn:aws:sts::111122223333:assumed-role/trusts-ann/nightly"
	noSession := "AccessDeniedException: User: " + arn + " is not authorized to perform: kms:DescribeKey on resource: " + key +
		" because no session policy allows the kms:DescribeKey action"
	withARN := func(in *sts.AssumeRoleInput) {
		in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::111122223333:policy/EncryptOnly")}}
	}
	const all = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	const encryptOnly = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}`
	free, wide := b.assume(user("ann"), role, "nightly"), b.assume(user("ann"), role, "nightly", withPolicy(all))
	narrow, managed := b.assume(user("ann"), role, "nightly", withPolicy(encryptOnly)), b.assume(user("ann"), role, "nightly", withARN)
	answers(t, []ask{
		{"none", describe(free), "ok"},
		{"one that allows all", describe(wide), "ok"},
		{"one that allows all gives no more than the role has", list(wide), "AccessDeniedException: User: " + arn +
			" is not authorized to perform: kms:ListKeys because no identity-based policy allows the kms:ListKeys action"},
		{"one that allows another operation", describe(narrow), noSession},
		{"which is allowed", b.encrypts(narrow, key, nil), "ok"},
		{"a managed one", describe(managed), noSession},
		{"a managed one allows", b.encrypts(managed, key, nil), "ok"},
		{"both together", b.tryRole(user("ann"), role, withPolicy(all), withARN), "ok"},
		{"a managed one that does not exist", b.tryRole(user("ann"), role, func(in *sts.AssumeRoleInput) {
			in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::111122223333:policy/Ghost")}}
		}), "ValidationError: The managed policy arn:aws:iam::111122223333:policy/Ghost does not exist in the role's account."},
	})
	code, message := failure(t, b.tryRole(user("ann"), role, withPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`))())
	assert.Equal(t, "MalformedPolicyDocument", code, "a session policy has no principal")
	assert.Contains(t, message, "$.Statement[0]")
}
