package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statement is a key policy with one statement.
func statement(members string) string {
	return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
}

const lockout = "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future."

// policyCases are key policies with what PutKeyPolicy and CreateKey by alice
// answer to them, CRK-08, CRK-18.
func policyCases() []struct{ name, text, want string } {
	padded := func(size int) string {
		return delegating + strings.Repeat(" ", size-len(delegating))
	}
	return []struct{ name, text, want string }{
		{"the account is delegated to", delegating, "ok"},
		{"the caller itself may put policies", statement(`"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":["kms:PutKeyPolicy","kms:GetKeyPolicy"],"Resource":"*"`), "ok"},
		{"everybody may", open, "ok"},
		{"32,768 bytes", padded(32_768), "ok"},
		{"32,769 bytes (RQ-04)", padded(32_769),
			"LimitExceededException: The policy is 32769 bytes long; a key policy may have at most 32768."},
		{"a condition on what the key is holds in the lockout check",
			statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}}`), "ok"},
		{"only another may put policies", statement(`"Effect":"Allow","Principal":{"AWS":"` + bobARN + `"},"Action":"kms:*","Resource":"*"`), lockout},
		{"nobody may put policies", statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"`), lockout},
		{"another account may", statement(`"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:*","Resource":"*"`), lockout},
		{"a deny takes it away", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Deny","Principal":"*","Action":"kms:PutKeyPolicy","Resource":"*"}]}`, lockout},
		{"a condition that does not hold", statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}`), lockout},
		{"a resource that is not the key", statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"arn:aws:kms:*:111122223333:key/other"`), lockout},
		{"no resource matches nothing", statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*"`), lockout},
	}
}

func TestKeyPoliciesArePutOrRefused(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	for _, c := range policyCases() {
		put := said(second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: &c.text, PolicyName: aws.String("default")})))
		assert.Equal(t, c.want, put, "PutKeyPolicy: %s", c.name)
		created := said(second(b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{Policy: &c.text})))
		assert.Equal(t, c.want, created, "CreateKey: %s", c.name)
		if c.want != "ok" {
			continue
		}
		got, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &key})
		require.NoError(t, err)
		assert.Equal(t, c.text, *got.Policy, c.name)
	}
}

// TestMalformedKeyPoliciesAreRefusedWithTheirPlace: the parser's words are its
// own; here counts that they arrive and that nothing changed.
func TestMalformedKeyPoliciesAreRefusedWithTheirPlace(t *testing.T) {
	b := newBench(t)
	key := b.newKey(delegating)
	for _, c := range []struct{ name, text, place string }{
		{"not JSON", `{`, "line 1"},
		{"no statement", `{"Version":"2012-10-17"}`, "Statement"},
		{"no principal", statement(`"Effect":"Allow","Action":"kms:*","Resource":"*"`), "$.Statement[0]"},
		{"a group", statement(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:group/Admins"},"Action":"kms:*","Resource":"*"`), "$.Statement[0].Principal"},
		{"a principal that does not exist", statement(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ghost"},"Action":"kms:*","Resource":"*"`),
			"Policy contains a statement with one or more invalid principals."},
		{"an account that does not exist", statement(`"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"kms:*","Resource":"*"`),
			"Policy contains a statement with one or more invalid principals."},
		{"ForAllValues on an encryption context", statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*",` +
			`"Condition":{"ForAllValues:StringEquals":{"kms:EncryptionContext:dept":"finance"}}`), "OverlyPermissiveCondition"},
		{"ForAllValues on a request tag", statement(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*",` +
			`"Condition":{"ForAllValues:StringEquals":{"aws:RequestTag/team":"red"}}`), "OverlyPermissiveCondition"},
	} {
		for _, bypass := range []bool{false, true} {
			code, message := failure(t, second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: &c.text, BypassPolicyLockoutSafetyCheck: bypass})))
			assert.Equal(t, "MalformedPolicyDocumentException", code, c.name)
			assert.Contains(t, message, c.place, c.name)
			code, message = failure(t, second(b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{Policy: &c.text, BypassPolicyLockoutSafetyCheck: bypass})))
			assert.Equal(t, "MalformedPolicyDocumentException", code, c.name)
			assert.Contains(t, message, c.place, c.name)
		}
	}
	got, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &key})
	require.NoError(t, err)
	assert.Equal(t, delegating, *got.Policy)
}

func TestLockoutCheckCanBeBypassed(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	for _, text := range []string{
		statement(`"Effect":"Allow","Principal":{"AWS":"` + bobARN + `"},"Action":"kms:*","Resource":"*"`),
	} {
		put := func() error {
			return second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: &text, BypassPolicyLockoutSafetyCheck: true}))
		}
		answers(t, []ask{
			{"the policy locks alice out", put, "ok"},
			{"and so she is", put, "AccessDeniedException: User: " + aliceARN + " is not authorized to perform: kms:PutKeyPolicy on resource: " + key +
				" because no resource-based policy allows the kms:PutKeyPolicy action"},
			{"bob is not", func() error { return second(b.as(bob).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &key})) }, "ok"},
		})
	}
}

func TestKeyPolicyHasOneName(t *testing.T) {
	b := newBench(t)
	key := b.newKey(delegating)
	names, err := b.as(alice).ListKeyPolicies(b.ctx, &kms.ListKeyPoliciesInput{KeyId: &key})
	require.NoError(t, err)
	assert.Equal(t, []string{"default"}, names.PolicyNames, "LST-07")
	assert.False(t, names.Truncated)
	other := aws.String("other")
	answers(t, []ask{
		{"another name to read", func() error {
			return second(b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &key, PolicyName: other}))
		}, "NotFoundException: No such policy exists"},
		{"another name to write", func() error {
			return second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, PolicyName: other, Policy: aws.String(open)}))
		}, "NotFoundException: No such policy exists"},
		{"a policy on a key that is pending deletion (DEL-05)", func() error {
			b.arrange(fixture{key: key}, types.KeyStatePendingDeletion)
			return second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: aws.String(open)}))
		}, "ok"},
	})
}

// TestKeyPolicyDecides, as far as the engine hands policies over.
func TestKeyPolicyDecides(t *testing.T) {
	b := newBench(t)
	f := b.newFixture(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + nobodyARN + `"},"Action":"kms:Encrypt","Resource":"*"},
		{"Sid":"NotBob","Effect":"Deny","Principal":{"AWS":"` + bobARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)
	encrypt := func(c *kms.Client) func() error { return func() error { return calls["Encrypt"](b.ctx, c, f) } }
	who := func(arn string) string {
		return "AccessDeniedException: User: " + arn + " is not authorized to perform: kms:Encrypt on resource: " + f.key
	}
	answers(t, []ask{
		{"who is allowed by name needs no IAM policy", encrypt(b.as(nobody)), "ok"},
		{"an IAM allow counts for nothing without delegation", encrypt(b.as(fenced)), who("arn:aws:iam::111122223333:user/fenced") +
			" because no resource-based policy allows the kms:Encrypt action"},
		{"nor does being root", encrypt(b.as(root)), who("arn:aws:iam::111122223333:root") + " because no resource-based policy allows the kms:Encrypt action"},
		{"who is denied by name is refused", encrypt(b.as(bob)), who(bobARN) + " with an explicit deny in a resource-based policy"},
	})
}
