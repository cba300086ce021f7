package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// absence is all that is told of another account's key.
const absence = "the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"

func foreign(arn, action, key string) string {
	return "AccessDeniedException: User: " + arn + " is not authorized to perform: kms:" + action + " on resource: " + key + " because " + absence
}

// crosses tells whether an operation can be used across accounts.
func crosses(operation string) bool {
	for _, a := range policy.Actions {
		if a.Operation == operation {
			return a.CrossAccount
		}
	}
	return false
}

// TestUseAcrossAccounts loops over all that name a key, with a key whose
// policy allows all to everybody and a caller whose policies allow all: A-12,
// A-15, KID-15.
func TestUseAcrossAccounts(t *testing.T) {
	b := newBench(t)
	var across []string
	for _, operation := range sortedKeys(calls) {
		if onNoKey[operation] || operation == "DeleteAlias" || operation == "UpdateAlias" {
			continue
		}
		f := b.newFixture(open)
		b.arrange(f, ready(operation))
		if operation == "RetireGrant" {
			f.grant = *b.give(alice, kms.CreateGrantInput{
				KeyId: &f.key, GranteePrincipal: aws.String(nobodyARN), RetiringPrincipal: aws.String(carolARN), Operations: operations("Decrypt"),
			}).GrantId
		}
		want := foreign(carolARN, operation, f.keyOf(operation))
		if crosses(operation) {
			across, want = append(across, operation), "ok"
		}
		assert.Equal(t, want, said(calls[operation](b.ctx, b.as(carol), f)), operation)
	}
	assert.Equal(t, []string{"CreateGrant", "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetKeyRotationStatus", "GetPublicKey", "ListGrants", "ReEncrypt", "RetireGrant",
		"RevokeGrant", "Sign", "Verify", "VerifyMac"}, across)
}

// TestBothAccountsMustAllow: A-15.
func TestBothAccountsMustAllow(t *testing.T) {
	b := newBench(t)
	allows := func(principal string) string {
		return b.newKey(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)
	}
	closed, toAccount, toCarol, toDave := b.newKey(""), allows("444455556666"), allows(carolARN), allows(daveARN)
	answers(t, []ask{
		{"an IAM policy alone", b.encrypts(carol, closed, nil), foreign(carolARN, "Encrypt", closed)},
		{"the account and an IAM policy", b.encrypts(carol, toAccount, nil), "ok"},
		{"the account and an IAM policy on keys of acme", b.encrypts(erin, toAccount, nil), "ok"},
		{"the account without an IAM policy", b.encrypts(dave, toAccount, nil), noIdentity(daveARN, "Encrypt", toAccount)},
		{"the account, to its root user", b.encrypts(partnerRoot, toAccount, nil), "ok"},
		{"the user and an IAM policy", b.encrypts(carol, toCarol, nil), "ok"},
		{"another user", b.encrypts(erin, toCarol, nil), foreign("arn:aws:iam::444455556666:user/erin", "Encrypt", toCarol)},
		{"the user without an IAM policy", b.encrypts(dave, toDave, nil), noIdentity(daveARN, "Encrypt", toDave)},
	})
	b.give(alice, kms.CreateGrantInput{KeyId: &closed, GranteePrincipal: aws.String(daveARN), Operations: operations("Encrypt")})
	b.give(alice, kms.CreateGrantInput{KeyId: &toDave, GranteePrincipal: aws.String(partnerRootARN), Operations: operations("Encrypt")})
	answers(t, []ask{
		{"a grant to the user needs nothing else", b.encrypts(dave, closed, nil), "ok"},
		{"a grant to the account needs an IAM policy", b.encrypts(carol, toDave, nil), "ok"},
		{"a grant to the account alone", b.encrypts(dave, toDave, nil), noIdentity(daveARN, "Encrypt", toDave)},
	})
}

// heard is all that a caller hears of a call on a key: the answer, and what
// the record in the caller's account tells, with name in the place of the
// key's or alias's.
func (b bench) heard(operation string, who enginetest.Keys, f fixture, of, name string) string {
	b.t.Helper()
	records, err := b.recorded(func() error { return calls[operation](b.ctx, b.as(who), f) })
	require.Len(b.t, records, 1, operation)
	r := records[0]
	r.EventID, r.RequestID = "", ""
	text, failed := r.JSON()
	require.NoError(b.t, failed)
	return strings.ReplaceAll(said(err)+"\n"+string(text), of, name)
}

// TestForeignKeyIsTheSameAbsentAndRefused loops over all that name a key:
// what another account hears of a key does not depend on the key.
func TestForeignKeyIsTheSameAbsentAndRefused(t *testing.T) {
	b := newBench(t)
	const noKey, noAlias = "1234abcd-12ab-34cd-56ef-1234567890ab", "alias/absent"
	for _, state := range []types.KeyState{types.KeyStateEnabled, types.KeyStateDisabled, types.KeyStatePendingDeletion} {
		f := b.newFixture("")
		b.arrange(f, state)
		f = f.all(f.key)
		absent := f.all("arn:aws:kms:us-east-1:111122223333:key/" + noKey)
		for _, operation := range sortedKeys(calls) {
			if onNoKey[operation] || operation == "DeleteAlias" || operation == "UpdateAlias" {
				continue
			}
			for _, who := range []enginetest.Keys{carol, dave, erin} {
				got := b.heard(operation, who, f, id(f.key), noKey)
				assert.Equal(t, b.heard(operation, who, absent, noKey, noKey), got, "%s of a key that is %s, by %s", operation, state, who.ID)
				assert.True(t, strings.HasPrefix(got, "AccessDeniedException: "), got)
			}
		}
	}
	f := b.newFixture("")
	for _, operation := range []string{"Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"} {
		for _, who := range []enginetest.Keys{carol, dave, erin} {
			f.key = "arn:aws:kms:us-east-1:111122223333:" + f.alias
			got := b.heard(operation, who, f, f.alias, noAlias)
			f.key = "arn:aws:kms:us-east-1:111122223333:" + noAlias
			assert.Equal(t, b.heard(operation, who, f, noAlias, noAlias), got, "%s by an alias, by %s", operation, who.ID)
		}
	}
}

// TestForeignAliasStandsForItsKey: policies speak of the key, and a refusal
// of the alias as sent (ALS-28, KID-13).
func TestForeignAliasStandsForItsKey(t *testing.T) {
	b := newBench(t)
	f := b.newFixture(open)
	alias := "arn:aws:kms:us-east-1:111122223333:" + f.alias
	out, err := b.as(erin).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &alias, Plaintext: []byte("p")})
	require.NoError(t, err, "erin's policy names keys")
	assert.Equal(t, f.key, *out.KeyId)
	records, err := b.recorded(b.encrypts(dave, alias, nil))
	assert.Equal(t, noIdentity(daveARN, "Encrypt", alias), said(err))
	require.Len(t, records, 1)
	text, err := records[0].JSON()
	require.NoError(t, err)
	assert.NotContains(t, string(text), id(f.key), "the record of a refusal does not name the key")
}

// TestBareNamesAreOfTheOwnAccount: KID-13.
func TestBareNamesAreOfTheOwnAccount(t *testing.T) {
	b := newBench(t)
	f := b.newFixture(open)
	describe := func(name string) func() error {
		return func() error { return second(b.as(carol).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &name})) }
	}
	answers(t, []ask{
		{"a key id", describe(id(f.key)), "NotFoundException: Key 'arn:aws:kms:us-east-1:444455556666:key/" + id(f.key) + "' does not exist"},
		{"an alias name", describe(f.alias), "NotFoundException: Alias arn:aws:kms:us-east-1:444455556666:" + f.alias + " is not found."},
		{"a key ARN", describe(f.key), "ok"},
		{"a foreign key to list the aliases of", func() error {
			return second(b.as(carol).ListAliases(b.ctx, &kms.ListAliasesInput{KeyId: &f.key}))
		}, "NotFoundException: Key '" + f.key + "' does not exist"},
		{"an alias of one's own for a foreign key (ALS-10)", func() error {
			return second(b.as(carol).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/theirs"), TargetKeyId: &f.key}))
		}, foreign(carolARN, "CreateAlias", f.key)},
	})
}

// TestCiphertextsOfForeignKeys, SYM-05.
func TestCiphertextsOfForeignKeys(t *testing.T) {
	b := newBench(t)
	shared, closed := b.newFixture(open), b.newFixture("")
	decrypt := func(who enginetest.Keys, f fixture) func() error {
		return func() error {
			return second(b.as(who).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs}))
		}
	}
	reEncrypt := func(who enginetest.Keys, f fixture) func() error {
		return func() error {
			return second(b.as(who).ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: f.blob, SourceEncryptionContext: f.pairs, DestinationKeyId: &shared.key}))
		}
	}
	answers(t, []ask{
		{"a key that is shared", decrypt(carol, shared), "ok"},
		{"a key that is not", decrypt(carol, closed), hidden},
		{"a key that is not, without an IAM policy", decrypt(dave, closed), hidden},
		{"a shared key without an IAM policy", decrypt(dave, shared), hidden},
		{"ReEncrypt of a shared one", reEncrypt(carol, shared), "ok"},
		{"ReEncrypt of one that is not", reEncrypt(carol, closed), hidden},
		{"the own account learns who is refused what", decrypt(nobody, closed), noIdentity(nobodyARN, "Decrypt", closed.key)},
	})
	b.arrange(closed, types.KeyStatePendingDeletion)
	b.Clock.Advance(31 * day)
	answers(t, []ask{
		{"a key that is gone, in its account", decrypt(alice, closed), hidden},
		{"a key that is gone, in another", decrypt(carol, closed), hidden},
	})
}

// TestReEncryptFromOneAccountToAnother: SYM-13, CT-005.
func TestReEncryptFromOneAccountToAnother(t *testing.T) {
	b := newBench(t)
	source := b.newFixture(open)
	made, err := b.as(carol).CreateKey(b.ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	own := *made.KeyMetadata.Arn
	move := func(who enginetest.Keys) func() error {
		return func() error {
			out, err := b.as(who).ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: source.blob, SourceEncryptionContext: source.pairs, DestinationKeyId: &own})
			if err != nil {
				return err
			}
			opened, err := b.as(carol).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &own, CiphertextBlob: out.CiphertextBlob})
			require.NoError(t, err)
			assert.Equal(t, source.plaintext, opened.Plaintext)
			return nil
		}
	}
	records, err := b.recorded(move(carol))
	require.NoError(t, err)
	require.Len(t, records, 3, "two of ReEncrypt, one of Decrypt")
	assert.Equal(t, partner+" "+acme, records[0].RecipientAccountID+" "+records[1].RecipientAccountID)
	answers(t, []ask{
		{"the owner of the source, who may not use the destination", move(alice), foreign(aliceARN, "ReEncryptTo", own)},
		{"who may use neither", move(dave), hidden},
	})
}

// TestRegionsAndAccountsAreApart: one process, two Regions, two accounts.
func TestRegionsAndAccountsAreApart(t *testing.T) {
	b := newBench(t)
	const eu = "eu-west-1"
	f := b.newFixture("")
	inEU := b.KMS(alice, eu)
	made, err := inEU.CreateKey(b.ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	assert.Equal(t, "arn:aws:kms:eu-west-1:111122223333:key/"+*made.KeyMetadata.KeyId, *made.KeyMetadata.Arn)
	answers(t, []ask{
		{"the same alias in another Region (ALS-08)", func() error {
			return second(inEU.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &f.alias, TargetKeyId: made.KeyMetadata.KeyId}))
		}, "ok"},
		{"a key of another Region", func() error { return second(inEU.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.key})) },
			"NotFoundException: Invalid arn us-east-1"},
		{"its id there", func() error {
			return second(inEU.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(id(f.key))}))
		}, "NotFoundException: Key 'arn:aws:kms:eu-west-1:111122223333:key/" + id(f.key) + "' does not exist"},
		{"its ciphertext there", func() error {
			return second(inEU.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs}))
		}, hidden},
		{"its grant token there", func() error { return second(inEU.RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: &f.token})) },
			"NotFoundException: Invalid arn us-east-1"},
		{"a Region that this world does not have", func() error {
			return second(b.KMS(alice, "eu-central-1").ListKeys(b.ctx, &kms.ListKeysInput{}))
		}, "InvalidSignatureException: Credential should be scoped to a valid Region, not 'eu-central-1'."},
	})
	listed, err := inEU.ListKeys(b.ctx, &kms.ListKeysInput{})
	require.NoError(t, err)
	require.Len(t, listed.Keys, 1)
	assert.Equal(t, *made.KeyMetadata.Arn, *listed.Keys[0].KeyArn)
	theirs, err := b.as(carol).ListKeys(b.ctx, &kms.ListKeysInput{})
	require.NoError(t, err)
	assert.Empty(t, theirs.Keys)
}

// TestFailureOnAForeignKeyTakesItsTime: whether there is such a key does not
// show in how long it takes.
func TestFailureOnAForeignKeyTakesItsTime(t *testing.T) {
	t.Parallel()
	const floor = 100 * time.Millisecond
	b := start(t, enginetest.Config{World: worldText, ForeignFloor: floor})
	f := b.newFixture("")
	absent := "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for name, call := range map[string]func() error{
		"a key that is there":    b.encrypts(carol, f.key, nil),
		"a key that is not":      b.encrypts(carol, absent, nil),
		"an alias that is there": b.encrypts(carol, "arn:aws:kms:us-east-1:111122223333:"+f.alias, nil),
		"an alias that is not":   b.encrypts(carol, "arn:aws:kms:us-east-1:111122223333:alias/absent", nil),
		"a ciphertext":           func() error { return second(b.as(carol).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob})) },
		"a grant": func() error {
			return second(b.as(carol).RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: &f.token}))
		},
		"a caller without any rights":  b.encrypts(dave, f.key, nil),
		"the same, a key that is not":  b.encrypts(dave, absent, nil),
		"one who may, what cannot be":  func() error { return second(b.as(carol).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.other})) },
		"an operation within accounts": func() error { return second(b.as(carol).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &f.key})) },
	} {
		began := time.Now()
		require.Error(t, call(), name)
		assert.GreaterOrEqual(t, time.Since(began), floor, name)
	}
	began := time.Now()
	require.Error(t, b.encrypts(carol, f.key, map[string]string{"a": strings.Repeat("x", 5000)})())
	assert.GreaterOrEqual(t, time.Since(began), 2*floor, "what patterns cost grows with the request")
	began = time.Now()
	for range 20 {
		require.Error(t, b.encrypts(nobody, f.key, nil)())
	}
	assert.Less(t, time.Since(began), 20*floor, "not the own account's keys")
}
