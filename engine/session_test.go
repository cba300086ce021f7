package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// byTag is the policy of a key that tells sessions apart: each pair of action
// and condition key that is asked for.
const byTag = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/admin"},"Action":"kms:*","Resource":"*"},
	{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}},
	{"Effect":"Allow","Principal":"*","Action":"kms:DescribeKey","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"role"}}},
	{"Effect":"Allow","Principal":"*","Action":"kms:GenerateDataKey","Resource":"*","Condition":{"StringEquals":{"aws:SourceIdentity":"ann"}}},
	{"Effect":"Allow","Principal":"*","Action":"kms:ListGrants","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"false"}}}]}`

// A shown is which of the operations of byTag a caller may do.
type shown struct{ red, role, ann, temporary bool }

func (b bench) shown(k enginetest.Keys, key string) (s shown) {
	b.t.Helper()
	ok := func(err error) bool {
		if err != nil {
			code, _ := failure(b.t, err)
			require.Equal(b.t, "AccessDeniedException", code)
		}
		return err == nil
	}
	c := b.as(k)
	s.red = ok(b.encrypts(k, key, nil)())
	s.role = ok(second(c.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})))
	s.ann = ok(second(c.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: types.DataKeySpecAes128})))
	s.temporary = ok(second(c.ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})))
	return s
}

// TestWhatSessionsCarryAndPassOn: session tags stand over those of the role;
// only transitive ones and the source identity reach a chained session.
func TestWhatSessionsCarryAndPassOn(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld})
	made, err := b.as(user("admin")).CreateKey(b.ctx, &kms.CreateKeyInput{Policy: aws.String(byTag)})
	require.NoError(t, err)
	key := *made.KeyMetadata.Arn
	first, next := roleARN("trusts-ann"), roleARN("chained")
	plain := b.assume(user("ann"), first, "nightly")
	red := b.assume(user("ann"), first, "nightly", tagged(nil, "Team", "red"), identified("ann"))
	lasting := b.assume(user("ann"), first, "nightly", tagged([]string{"team"}, "Team", "red"))
	for _, c := range []struct {
		name string
		who  enginetest.Keys
		want shown
	}{
		{"a user's access key", user("ann"), shown{}},
		{"a session without tags has the role's", plain, shown{role: true, temporary: true}},
		{"a tag of the session replaces the role's, in any case", red, shown{red: true, ann: true, temporary: true}},
		{"a chained session", b.assume(plain, next, "nightly"), shown{temporary: true}},
		{"a tag that is not transitive stays behind, the source identity does not", b.assume(red, next, "nightly"), shown{ann: true, temporary: true}},
		{"a transitive tag passes on", b.assume(lasting, next, "nightly"), shown{red: true, temporary: true}},
		{"and further", b.assume(b.assume(lasting, next, "nightly"), next, "again"), shown{red: true, temporary: true}},
	} {
		assert.Equal(t, c.want, b.shown(c.who, key), c.name)
	}
	answers(t, []ask{
		{"a transitive tag cannot be set anew", b.tryRole(lasting, next, tagged(nil, "team", "blue")), "InvalidParameterValue: " +
			"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."},
		{"one that is not set cannot be transitive", b.tryRole(user("ann"), first, tagged([]string{"team"}, "other", "x")),
			"InvalidParameterValue: The specified transitive tag key must be included in the requested tags."},
		{"the source identity cannot change", b.tryRole(red, next, identified("bea")), "AccessDenied: The source identity of a session cannot be changed."},
		{"but be said again", b.tryRole(red, next, identified("ann")), "ok"},
		{"a role that does not let anybody set it ends the chain", b.tryRole(red, roleARN("trusts-account")),
			notAuthorized("arn:aws:sts::111122223333:assumed-role/trusts-ann/nightly", "SetSourceIdentity", roleARN("trusts-account"),
				"no resource-based policy allows the sts:SetSourceIdentity action")},
	})
}

// TestSessionDiesWithWhatItCameFrom: A-82, with a world that changes under a
// running server.
func TestSessionDiesWithWhatItCameFrom(t *testing.T) {
	b := start(t, enginetest.Config{World: stsWorld, Watch: true})
	gone := "UnrecognizedClientException: The security token included in the request is invalid."
	made, err := b.as(user("admin")).CreateKey(b.ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	key := *made.KeyMetadata.Arn
	describe := func(k enginetest.Keys) func() string {
		return func() string { return said(second(b.as(k).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))) }
	}
	becomes := func(what string, answer func() string, want string) {
		require.Eventually(t, func() bool { return answer() == want }, eventually, tick, what)
	}
	token := func(k enginetest.Keys) enginetest.Keys {
		out, err := b.STS(k, region).GetSessionToken(b.ctx, &sts.GetSessionTokenInput{})
		require.NoError(t, err)
		return keysOf(out.Credentials)
	}
	second := enginetest.Keys{ID: "AKIAANN2", Secret: "secret"}
	byFirst, bySecond := b.assume(user("ann"), roleARN("trusts-ann"), "first"), b.assume(second, roleARN("trusts-ann"), "second")
	chained := b.assume(byFirst, roleARN("chained"), "third")
	own := token(user("ann"))
	for _, k := range []enginetest.Keys{byFirst, bySecond, chained} {
		require.Equal(t, "ok", describe(k)())
	}

	b.EditWorld("access-keys: {AKIAANN: secret, AKIAANN2: {secret: secret}}", "access-keys: {AKIAANN: {secret: secret, active: false}, AKIAANN2: {secret: secret}}")
	becomes("the session of an access key that is inactive", describe(byFirst), gone)
	assert.Equal(t, gone, describe(chained)(), "a session further down the chain")
	assert.Equal(t, gone, describe(own)(), "a session of the user itself")
	assert.Equal(t, "ok", describe(bySecond)(), "a session that began with another access key")

	b.EditWorld("active: false", "active: true")
	becomes("the session of an access key that is active again", describe(byFirst), "ok")

	b.EditWorld(`"kms:DescribeKey", "sts:*"], "Resource": "*"}]}`, `"sts:*"], "Resource": "*"}]}`)
	becomes("policies are those of now", describe(bySecond), "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/trusts-ann/second"+
		" is not authorized to perform: kms:DescribeKey on resource: "+key+" because no identity-based policy allows the kms:DescribeKey action")

	const role = `      trusts-ann:
        trust: policies/trusts-ann.json
        policies: {use: policies/use.json}
`
	b.EditWorld(`"arn:aws:iam::111122223333:role/trusts-ann", `, "")
	b.EditWorld(role, strings.Replace(role, "trusts-ann:", "other:", 1))
	becomes("the session of a role that is gone", describe(bySecond), gone)
	b.EditWorld("      other:\n", "      trusts-ann:\n")
	becomes("a role of the same name is another", func() string {
		return said(b.tryRole(second, roleARN("trusts-ann"))())
	}, "ok")
	assert.Equal(t, gone, describe(bySecond)(), "and the old session stays dead")
}

// TestRecreatedPrincipalInheritsNothing: a principal that comes back is
// another, for key policies and for grants.
func TestRecreatedPrincipalInheritsNothing(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Watch: true})
	key := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + nobodyARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)
	b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("DescribeKey")})
	describe := func() string {
		return said(second(b.as(nobody).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})))
	}
	require.Equal(t, "ok", said(b.encrypts(nobody, key, nil)()))
	require.Equal(t, "ok", describe())
	const entry = "      nobody:\n        access-keys: {AKIANOBODY: nobody-secret}\n"
	b.EditWorld(entry, "")
	require.Eventually(t, func() bool {
		return describe() == "UnrecognizedClientException: The security token included in the request is invalid."
	}, eventually, tick)
	b.EditWorld("      fenced:\n", entry+"      fenced:\n")
	require.Eventually(t, func() bool {
		return describe() == noResource(nobodyARN, "DescribeKey", key)
	}, eventually, tick, "the grant was to another")
	assert.Equal(t, noResource(nobodyARN, "Encrypt", key), said(b.encrypts(nobody, key, nil)()), "and so was the key policy")
}

// listedWorld has sessions that the world lists: A-83.
const listedWorld = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      admin:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAADMIN: secret}
    roles:
      builder:
        trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: accounts.google.com}, Action: "sts:AssumeRoleWithWebIdentity"}]}
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:*", Resource: "*", Condition: {StringEquals: {"aws:FederatedProvider": accounts.google.com}}}]}}
    federated-users:
      visitor:
        user: admin
        policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:ListKeys", Resource: "*"}]}}
        access-keys: {ASIAVISITOR: secret}
      bare:
        user: admin
        access-keys: {ASIABARE: secret}
    web-identities:
      pipeline:
        role: builder
        provider: accounts.google.com
        access-keys: {ASIAPIPELINE: secret}
`

func TestListedSessionsAreDecidedAsWhatTheyAre(t *testing.T) {
	b := start(t, enginetest.Config{World: listedWorld})
	list := func(key string) func() error {
		return func() error {
			return second(b.as(enginetest.Keys{ID: key, Secret: "secret"}).ListKeys(b.ctx, &kms.ListKeysInput{}))
		}
	}
	const bare = "arn:aws:sts::111122223333:federated-user/bare"
	answers(t, []ask{
		{"a web identity, by its provider", list("ASIAPIPELINE"), "ok"},
		{"a federated user, by its session policy and its parent", list("ASIAVISITOR"), "ok"},
		{"a federated user without a session policy", list("ASIABARE"), "AccessDeniedException: User: " + bare +
			" is not authorized to perform: kms:ListKeys because no session policy allows the kms:ListKeys action"},
	})
	made, err := b.as(enginetest.Keys{ID: "AKIAADMIN", Secret: "secret"}).CreateKey(b.ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + bare + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)})
	require.NoError(t, err)
	answers(t, []ask{
		{"which a key policy may name itself", b.encrypts(enginetest.Keys{ID: "ASIABARE", Secret: "secret"}, *made.KeyMetadata.Arn, nil), "ok"},
	})
}
