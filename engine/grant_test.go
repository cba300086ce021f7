package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// aliceOnly is the key policy under which IAM policies count for nothing.
const aliceOnly = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"kms:*","Resource":"*"}]}`

func operations(names ...types.GrantOperation) []types.GrantOperation { return names }

func equals(pairs ...string) *types.GrantConstraints {
	return &types.GrantConstraints{EncryptionContextEquals: pairsOf(pairs...)}
}

func subset(pairs ...string) *types.GrantConstraints {
	return &types.GrantConstraints{EncryptionContextSubset: pairsOf(pairs...)}
}

func pairsOf(words ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(words); i += 2 {
		m[words[i]] = words[i+1]
	}
	return m
}

// give creates a grant as a caller and must succeed.
func (b bench) give(who enginetest.Keys, in kms.CreateGrantInput) *kms.CreateGrantOutput {
	b.t.Helper()
	out, err := b.as(who).CreateGrant(b.ctx, &in)
	require.NoError(b.t, err)
	return out
}

// tryGrant makes a call of CreateGrant.
func (b bench) tryGrant(who enginetest.Keys, in kms.CreateGrantInput) func() error {
	return func() error { return second(b.as(who).CreateGrant(b.ctx, &in)) }
}

// encrypts makes a call of Encrypt.
func (b bench) encrypts(who enginetest.Keys, key string, pairs map[string]string, tokens ...string) func() error {
	return func() error {
		return second(b.as(who).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p"), EncryptionContext: pairs, GrantTokens: tokens}))
	}
}

func noIdentity(arn, operation, key string) string {
	return "AccessDeniedException: User: " + arn + " is not authorized to perform: kms:" + operation + " on resource: " + key +
		" because no identity-based policy allows the kms:" + operation + " action"
}

func noResource(arn, operation, key string) string {
	return "AccessDeniedException: User: " + arn + " is not authorized to perform: kms:" + operation + " on resource: " + key +
		" because no resource-based policy allows the kms:" + operation + " action"
}

// TestGrantAllowsWhatItSaysAndEndsAtOnce: A-13 c, A-54 to A-56.
func TestGrantAllowsWhatItSaysAndEndsAtOnce(t *testing.T) {
	b := newBench(t)
	key := b.newKey(aliceOnly)
	answers(t, []ask{{"before", b.encrypts(nobody, key, nil), noResource(nobodyARN, "Encrypt", key)}})
	granted := b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt", "DescribeKey")})
	assert.Regexp(t, `^[0-9a-f]{64}$`, *granted.GrantId)
	describe := func() error { return second(b.as(nobody).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})) }
	answers(t, []ask{
		{"what it allows, without a token, though the key policy delegates nothing (A-55)", b.encrypts(nobody, key, nil), "ok"},
		{"with its token", b.encrypts(nobody, key, nil, *granted.GrantToken), "ok"},
		{"another operation that it allows", describe, "ok"},
		{"an operation that it does not", func() error {
			return second(b.as(nobody).GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: "AES_256"}))
		}, noResource(nobodyARN, "GenerateDataKey", key)},
		{"another caller with its token", b.encrypts(fenced, key, nil, *granted.GrantToken), noResource("arn:aws:iam::111122223333:user/fenced", "Encrypt", key)},
		{"it is revoked", func() error {
			return second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: granted.GrantId}))
		}, "ok"},
		{"after it", b.encrypts(nobody, key, nil), noResource(nobodyARN, "Encrypt", key)},
		{"after it with its token", b.encrypts(nobody, key, nil, *granted.GrantToken), noResource(nobodyARN, "Encrypt", key)},
		{"it is revoked again", func() error {
			return second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: granted.GrantId}))
		}, "NotFoundException: Grant " + *granted.GrantId + " does not exist."},
	})
}

func TestGrantDoesNotOverrideADeny(t *testing.T) {
	b := newBench(t)
	key := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{"StringNotEquals":{"kms:EncryptionContext:dept":"IT"}}}]}`)
	b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
	answers(t, []ask{
		{"a deny holds (A-55)", b.encrypts(nobody, key, nil), "AccessDeniedException: User: " + nobodyARN +
			" is not authorized to perform: kms:Encrypt on resource: " + key + " with an explicit deny in a resource-based policy"},
		{"unless its condition does not", b.encrypts(nobody, key, pairsOf("dept", "IT")), "ok"},
	})
}

// TestGranteesOfAllKinds: c, A-57.
func TestGranteesOfAllKinds(t *testing.T) {
	b := newBench(t)
	session := b.assume(bob, payrollARN, "nightly")
	for _, c := range []struct {
		name, grantee string
		may, mayNot   enginetest.Keys
		refusal       string
	}{
		{"a user", nobodyARN, nobody, bob, bobARN},
		{"a role, in all its sessions", payrollARN, session, bob, bobARN},
		{"one session of a role", "arn:aws:sts::111122223333:assumed-role/payroll/nightly", session, b.assume(bob, payrollARN, "other"),
			"arn:aws:sts::111122223333:assumed-role/payroll/other"},
		{"the own account, which delegates to IAM policies", "arn:aws:iam::111122223333:root", bob, nobody, nobodyARN},
	} {
		key := b.newKey(aliceOnly)
		b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: &c.grantee, Operations: operations("Encrypt")})
		assert.Equal(t, "ok", said(b.encrypts(c.may, key, nil)()), c.name)
		code, message := failure(t, b.encrypts(c.mayNot, key, nil)())
		assert.Equal(t, "AccessDeniedException", code, c.name)
		assert.Contains(t, message, "User: "+c.refusal+" is not authorized", c.name)
	}
	key := b.newKey("")
	grant := func(grantee string, retiree *string) func() error {
		return b.tryGrant(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: &grantee, RetiringPrincipal: retiree, Operations: operations("Encrypt")})
	}
	none := func(arn string) string {
		return "InvalidArnException: ARN does not refer to a valid principal: " + arn
	}
	answers(t, []ask{
		{"a user who does not exist", grant("arn:aws:iam::111122223333:user/ghost", nil), none("arn:aws:iam::111122223333:user/ghost")},
		{"a group", grant("arn:aws:iam::111122223333:group/Admins", nil), none("arn:aws:iam::111122223333:group/Admins")},
		{"a service", grant("s3.amazonaws.com", nil), none("s3.amazonaws.com")},
		{"an account that does not exist", grant("arn:aws:iam::999988887777:root", nil), none("arn:aws:iam::999988887777:root")},
		{"a session of a role that does not exist", grant("arn:aws:sts::111122223333:assumed-role/ghost/x", nil), none("arn:aws:sts::111122223333:assumed-role/ghost/x")},
		{"a retiring principal who does not exist", grant(nobodyARN, aws.String("arn:aws:iam::111122223333:user/ghost")), none("arn:aws:iam::111122223333:user/ghost")},
	})
}

// TestBoundaryDoesNotLimitAGrantToTheUser: A-57, as for a key policy that names the user.
func TestBoundaryDoesNotLimitAGrantToTheUser(t *testing.T) {
	b := newBench(t)
	key := b.newKey(aliceOnly)
	b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String("arn:aws:iam::111122223333:user/fenced"), Operations: operations("Encrypt")})
	assert.Equal(t, "ok", said(b.encrypts(fenced, key, nil)()))
}

// TestConstraintsOfGrants: A-51.
func TestConstraintsOfGrants(t *testing.T) {
	b := newBench(t)
	exact, part := b.newKey(aliceOnly), b.newKey(aliceOnly)
	all := operations("Encrypt", "DescribeKey", "CreateGrant")
	b.give(alice, kms.CreateGrantInput{KeyId: &exact, GranteePrincipal: aws.String(nobodyARN), Operations: all, Constraints: equals("Department", "IT")})
	b.give(alice, kms.CreateGrantInput{KeyId: &part, GranteePrincipal: aws.String(nobodyARN), Operations: all, Constraints: subset("Department", "IT")})
	refused := func(key string) string { return noResource(nobodyARN, "Encrypt", key) }
	answers(t, []ask{
		{"equals: the same pairs", b.encrypts(nobody, exact, pairsOf("Department", "IT")), "ok"},
		{"equals: more pairs", b.encrypts(nobody, exact, pairsOf("Department", "IT", "Purpose", "Test")), refused(exact)},
		{"equals: none", b.encrypts(nobody, exact, nil), refused(exact)},
		{"equals: name in other case", b.encrypts(nobody, exact, pairsOf("department", "IT")), refused(exact)},
		{"subset: the same pairs", b.encrypts(nobody, part, pairsOf("Department", "IT")), "ok"},
		{"subset: more pairs", b.encrypts(nobody, part, pairsOf("Department", "IT", "Purpose", "Test")), "ok"},
		{"subset: value in other case", b.encrypts(nobody, part, pairsOf("Department", "it")), refused(part)},
		{"subset: none", b.encrypts(nobody, part, nil), refused(part)},
		{"DescribeKey has no context and needs none", func() error {
			return second(b.as(nobody).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &exact}))
		}, "ok"},
	})
}

func TestConstraintsThatAreRefused(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	grant := func(c *types.GrantConstraints, ops ...types.GrantOperation) func() error {
		if len(ops) == 0 {
			ops = operations("Decrypt")
		}
		return b.tryGrant(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: ops, Constraints: c})
	}
	many := make([]string, 0, 18)
	for _, name := range strings.Split("abcdefghi", "") {
		many = append(many, name, "v")
	}
	both := equals("a", "b")
	both.EncryptionContextSubset = pairsOf("a", "b")
	answers(t, []ask{
		{"eight pairs (EC-07)", grant(equals(many[:16]...)), "ok"},
		{"nine pairs", grant(equals(many...)), "ValidationException: A grant constraint can have at most 8 encryption context pairs."},
		{"a value of 384 characters", grant(subset("a", strings.Repeat("ü", 384))), "ok"},
		{"a value of 385", grant(subset("a", strings.Repeat("v", 385))),
			`ValidationException: The value of "a" in the grant constraint is longer than 384 characters.`},
		{"both kinds", grant(both), "ValidationException: A grant has either an EncryptionContextEquals or an EncryptionContextSubset constraint."},
		{"operations that the key cannot do (A-50)", grant(nil, "Decrypt", "Sign"),
			"ValidationException: Operation Sign is not supported by key spec SYMMETRIC_DEFAULT with key usage ENCRYPT_DECRYPT."},
		{"a public key of a symmetric key", grant(nil, "GetPublicKey"),
			"ValidationException: Operation GetPublicKey is not supported by key spec SYMMETRIC_DEFAULT with key usage ENCRYPT_DECRYPT."},
		{"an operation that does not exist", grant(nil, "Cook"), "ValidationException: 1 validation error detected: Value '[Cook]' at 'operations' " +
			"failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [Decrypt, Encrypt, GenerateDataKey, " +
			"GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, Sign, Verify, GetPublicKey, CreateGrant, RetireGrant, DescribeKey, " +
			"GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateMac, VerifyMac, DeriveSharedSecret]]"},
	})
	assert.JSONEq(t, `{"__type": "ValidationException", "message": "A grant must allow at least one operation."}`,
		string(b.Send(alice, region, "CreateGrant", `{"KeyId":"`+key+`","GranteePrincipal":"`+nobodyARN+`","Operations":[]}`)))
}

// TestNamedGrantIsMadeOnce: A-52.
func TestNamedGrantIsMadeOnce(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	in := kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String(nobodyARN), RetiringPrincipal: aws.String(aliceARN), Name: aws.String("nightly"),
		Operations: operations("Encrypt", "Decrypt"), Constraints: subset("dept", "IT", "year", "2026"),
	}
	first := b.give(alice, in)
	again := in
	again.Operations = operations("Decrypt", "Encrypt", "Decrypt")
	found := b.give(alice, again)
	assert.Equal(t, *first.GrantId, *found.GrantId, "the order of operations does not count")
	assert.NotEmpty(t, *found.GrantToken)
	for name, change := range map[string]func(*kms.CreateGrantInput){
		"another name":               func(in *kms.CreateGrantInput) { in.Name = aws.String("daily") },
		"no name":                    func(in *kms.CreateGrantInput) { in.Name = nil },
		"no name again":              func(in *kms.CreateGrantInput) { in.Name = nil },
		"another grantee":            func(in *kms.CreateGrantInput) { in.GranteePrincipal = aws.String(bobARN) },
		"another retiring principal": func(in *kms.CreateGrantInput) { in.RetiringPrincipal = nil },
		"fewer operations":           func(in *kms.CreateGrantInput) { in.Operations = operations("Encrypt") },
		"another constraint":         func(in *kms.CreateGrantInput) { in.Constraints = subset("dept", "IT") },
		"another kind of constraint": func(in *kms.CreateGrantInput) { in.Constraints = equals("dept", "IT", "year", "2026") },
	} {
		other := in
		change(&other)
		assert.NotEqual(t, *first.GrantId, *b.give(alice, other).GrantId, name)
	}
	require.NoError(t, second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: first.GrantId})))
	assert.NotEqual(t, *first.GrantId, *b.give(alice, in).GrantId, "a grant that is gone is not found again")
}

// TestChildGrantsAllowNoMore: A-53.
func TestChildGrantsAllowNoMore(t *testing.T) {
	b := newBench(t)
	key := b.newKey(aliceOnly)
	b.give(alice, kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("GenerateDataKey", "Decrypt", "CreateGrant"),
		Constraints: subset("Department", "IT"),
	})
	child := func(c *types.GrantConstraints, ops ...types.GrantOperation) func() error {
		return b.tryGrant(nobody, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(bobARN), Operations: ops, Constraints: c})
	}
	refused := noResource(nobodyARN, "CreateGrant", key)
	answers(t, []ask{
		{"fewer operations, the same constraint", child(subset("Department", "IT"), "Decrypt"), "ok"},
		{"all of its operations", child(subset("Department", "IT"), "GenerateDataKey", "Decrypt", "CreateGrant"), "ok"},
		{"more pairs", child(subset("Department", "IT", "Purpose", "Test"), "Decrypt"), "ok"},
		{"the pairs exactly", child(equals("Department", "IT"), "Decrypt"), "ok"},
		{"exactly more pairs", child(equals("Department", "IT", "Purpose", "Test"), "Decrypt"), "ok"},
		{"another operation", child(subset("Department", "IT"), "Decrypt", "Encrypt"), refused},
		{"no constraint", child(nil, "Decrypt"), refused},
		{"another value", child(subset("Department", "HR"), "Decrypt"), refused},
		{"other pairs exactly", child(equals("Purpose", "Test"), "Decrypt"), refused},
	})
	exact := b.newKey(aliceOnly)
	b.give(alice, kms.CreateGrantInput{
		KeyId: &exact, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Decrypt", "CreateGrant"), Constraints: equals("Department", "IT"),
	})
	of := func(c *types.GrantConstraints) func() error {
		return b.tryGrant(nobody, kms.CreateGrantInput{KeyId: &exact, GranteePrincipal: aws.String(bobARN), Operations: operations("Decrypt"), Constraints: c})
	}
	answers(t, []ask{
		{"equals stays equals", of(equals("Department", "IT")), "ok"},
		{"equals does not become subset", of(subset("Department", "IT")), noResource(nobodyARN, "CreateGrant", exact)},
		{"equals does not gain pairs", of(equals("Department", "IT", "Purpose", "Test")), noResource(nobodyARN, "CreateGrant", exact)},
	})
	b.give(nobody, kms.CreateGrantInput{KeyId: &exact, GranteePrincipal: aws.String(daveARN), Operations: operations("CreateGrant", "Decrypt"), Constraints: equals("Department", "IT")})
	answers(t, []ask{
		{"a grandchild", b.tryGrant(dave, kms.CreateGrantInput{KeyId: &exact, GranteePrincipal: aws.String(carolARN), Operations: operations("Decrypt"), Constraints: equals("Department", "IT")}), "ok"},
	})
}

func TestGrantQuota(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Quotas: engine.Quotas{GrantsPerKey: 3}})
	key, other := b.newKey(""), b.newKey("")
	grant := func(key string) func() error {
		return b.tryGrant(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Decrypt")})
	}
	answers(t, []ask{
		{"the first", grant(key), "ok"}, {"the second", grant(key), "ok"}, {"the third", grant(key), "ok"},
		{"the fourth (RQ-03)", grant(key), "LimitExceededException: The key " + key + " has reached its quota of 3 grants."},
		{"another key", grant(other), "ok"},
		{"one is revoked", func() error {
			out, err := b.as(alice).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})
			require.NoError(t, err)
			return second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: out.Grants[0].GrantId}))
		}, "ok"},
		{"and another may come (RQ-11)", grant(key), "ok"},
	})
}

func TestEveryGrantThatAllowsCreateGrantCounts(t *testing.T) {
	b := newBench(t)
	key := b.newKey(aliceOnly)
	for i := range 8 {
		b.give(alice, kms.CreateGrantInput{KeyId: &key, Name: aws.String(string(rune('a' + i))), GranteePrincipal: aws.String(bobARN), Operations: operations("CreateGrant", "Encrypt")})
	}
	b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(bobARN), Operations: operations("CreateGrant", "Decrypt")})
	answers(t, []ask{
		{"what the ninth lets him give", b.tryGrant(bob, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(carolARN), Operations: operations("Decrypt")}), "ok"},
		{"what none of them does", b.tryGrant(bob, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(carolARN), Operations: operations("Decrypt", "Encrypt")}), noResource(bobARN, "CreateGrant", key)},
	})
}
