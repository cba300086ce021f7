package engine_test

import (
	_ "embed"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

//go:embed testdata/estate.txtar
var estateText string

// The callers of the accounts that the estate adds, and these accounts.
var (
	maxima = enginetest.Keys{ID: "AKIAMAX", Secret: "max-secret"}
	olga   = enginetest.Keys{ID: "AKIAOLGA", Secret: "olga-secret"}
)

const (
	payer   = "777788889999"
	outside = "123412341234"
)

// newEstate starts a keyreeve whose accounts are in an organization.
func newEstate(t *testing.T) bench {
	t.Helper()
	return start(t, enginetest.Config{World: worldText + estateText})
}

// keyOf makes a key as a caller.
func (b bench) keyOf(k enginetest.Keys, policy string) string {
	b.t.Helper()
	out, err := b.as(k).CreateKey(b.ctx, &kms.CreateKeyInput{Policy: &policy})
	require.NoError(b.t, err)
	return *out.KeyMetadata.Arn
}

func TestEveryLevelOfSCPsMustAllow(t *testing.T) {
	b := newEstate(t)
	key := b.newKey(allowing("111122223333"))
	who := "User: " + aliceARN + " is not authorized to perform: "
	answers(t, []ask{
		{"a unit above does not allow DisableKey", func() error {
			return second(b.as(alice).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key}))
		}, "AccessDeniedException: " + who + "kms:DisableKey on resource: " + key + " because no service control policy allows the kms:DisableKey action"},
		{"the root user is bound too", func() error {
			return second(b.as(root).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key}))
		}, "AccessDeniedException: User: arn:aws:iam::111122223333:root is not authorized to perform: kms:DisableKey on resource: " + key +
			" because no service control policy allows the kms:DisableKey action"},
		{"what all levels allow", func() error {
			return second(b.as(alice).EnableKey(b.ctx, &kms.EnableKeyInput{KeyId: &key}))
		}, "ok"},
		{"the account's own level does not allow CreateKey", func() error {
			return second(b.as(carol).CreateKey(b.ctx, &kms.CreateKeyInput{}))
		}, "AccessDeniedException: User: " + carolARN + " is not authorized to perform: kms:CreateKey because no service control policy allows the kms:CreateKey action"},
		{"an account outside of the organization has no levels", func() error {
			return second(b.as(olga).CreateKey(b.ctx, &kms.CreateKeyInput{}))
		}, "ok"},
	})
}

func TestSCPsDeny(t *testing.T) {
	b := newEstate(t)
	key := b.newKey(allowing("111122223333"))
	_, err := b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})
	_, message := failure(t, err)
	assert.Regexp(t, `^User: `+aliceARN+` is not authorized to perform: kms:ScheduleKeyDeletion on resource: `+key+
		` with an explicit deny in a service control policy: arn:aws:organizations::777788889999:policy/o-exampleorg/service_control_policy/p-[0-9a-f]{8}$`, message)

	update := func(k enginetest.Keys, key string) error {
		return second(b.as(k).UpdateKeyDescription(b.ctx, &kms.UpdateKeyDescriptionInput{KeyId: &key, Description: aws.String("new")}))
	}
	_, message = failure(t, update(alice, key))
	assert.Contains(t, message, "with an explicit deny in a service control policy", "aws:PrincipalOrgPaths is the path of the caller's account")
}

func TestManagementAccountIsExempt(t *testing.T) {
	b := newEstate(t)
	key := b.keyOf(maxima, allowing(payer))
	answers(t, []ask{
		{"SCPs do not bind its principals", func() error {
			return second(b.as(maxima).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key}))
		}, "ok"},
		{"RCPs do not bind its keys", func() error {
			open := b.keyOf(maxima, openTo(payer))
			blob, err := b.as(maxima).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &open, Plaintext: []byte("x")})
			require.NoError(t, err)
			return second(b.as(olga).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &open, CiphertextBlob: blob.CiphertextBlob}))
		}, "ok"},
	})
}

func TestRCPDeniesForeignCallersAndTellsThemNothing(t *testing.T) {
	b := newEstate(t)
	open := b.newKey(openTo("111122223333"))
	blob, err := b.as(olga).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &open, Plaintext: []byte("x")})
	require.NoError(t, err, "the RCP is about decryption")
	decrypt := func(k enginetest.Keys, key string) error {
		return second(b.as(k).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob.CiphertextBlob}))
	}
	absent := open[:len(open)-4] + "0000"
	opaque := func(key string) string {
		return "AccessDeniedException: User: arn:aws:iam::123412341234:user/olga is not authorized to perform: kms:Decrypt on resource: " + key +
			" because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
	}
	answers(t, []ask{
		{"a caller of the organization", func() error { return decrypt(carol, open) }, "ok"},
		{"a caller from outside", func() error { return decrypt(olga, open) }, opaque(open)},
		{"the same for a key that is not there", func() error { return decrypt(olga, absent) }, opaque(absent)},
		{"a member whose key's account denies it", func() error {
			return second(b.as(carol).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &open}))
		}, "ok"},
	})
	events, err := b.recorded(func() error { return decrypt(olga, open) })
	require.Error(t, err)
	require.Len(t, events, 1)
	assert.Equal(t, outside, events[0].RecipientAccountID)
	assert.NotContains(t, string(events[0].AdditionalEventData.Authorization), "Perimeter", "the RCP is the other organization's")
	assert.Contains(t, b.DecisionLog(), "Perimeter", "the operator sees it")
}

func TestRCPDeniesCallersOfItsOwnOrganizationByName(t *testing.T) {
	b := newEstate(t)
	key := b.newKey(allowing("111122223333"))
	_, err := b.as(alice).UntagResource(b.ctx, &kms.UntagResourceInput{KeyId: &key, TagKeys: []string{"team"}})
	_, message := failure(t, err)
	assert.Regexp(t, `with an explicit deny in a resource control policy: arn:aws:organizations::777788889999:policy/o-exampleorg/resource_control_policy/p-[0-9a-f]{8}$`, message)
}

func TestRCPsDoNotBindRetireGrant(t *testing.T) {
	b := newEstate(t)
	key := b.newKey("")
	g, err := b.as(alice).CreateGrant(b.ctx, &kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String("arn:aws:iam::123412341234:user/olga"), RetiringPrincipal: aws.String("arn:aws:iam::123412341234:user/olga"),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})
	require.NoError(t, err)
	_, err = b.as(olga).RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: g.GrantToken})
	assert.NoError(t, err, "although two RCPs deny kms:RetireGrant")
}

func TestConditionKeysOfTheOrganization(t *testing.T) {
	b := newEstate(t)
	for _, c := range []struct {
		name      string
		condition string
		caller    enginetest.Keys
		allowed   bool
	}{
		{"the caller's organization", `{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorg"}}`, carol, true},
		{"a caller without one", `{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorg"}}`, olga, false},
		{"absent for a caller without one", `{"Null":{"aws:PrincipalOrgID":"true","aws:PrincipalOrgPaths":"true"}}`, olga, true},
		{"the caller's path", `{"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-exampleorg/r-ab12/ou-ab12-partners/"}}`, carol, true},
		{"another path", `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorg/r-ab12/ou-ab12-engineer/*"}}`, carol, false},
		{"the owner's organization and path", `{"StringEquals":{"aws:ResourceOrgID":"o-exampleorg"},"ForAnyValue:StringLike":{"aws:ResourceOrgPaths":"*/ou-ab12-payrolls/"}}`, olga, true},
	} {
		key := b.newKey(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Allow","Principal":"*","Action":"kms:DescribeKey","Resource":"*","Condition":` + c.condition + `}]}`)
		_, err := b.as(c.caller).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		assert.Equal(t, c.allowed, err == nil, "%s: %v", c.name, err)
	}
}

// allowing is a key policy that delegates to an account; openTo lets everybody
// use the key beside it.
func allowing(account string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"}]}`
}

func openTo(account string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":"*","Action":["kms:Encrypt","kms:Decrypt","kms:DescribeKey"],"Resource":"*"}]}`
}
