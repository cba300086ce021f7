package engine_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEmptyCreateKeyMakesTheDefaultKey(t *testing.T) {
	b := newBench(t)
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	m := out.KeyMetadata
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), *m.KeyId, "KID-03")
	assert.Regexp(t, regexp.MustCompile(`^[0-9a-f]{64}$`), *m.CurrentKeyMaterialId, "NEW-08")
	assert.Equal(t, &types.KeyMetadata{
		AWSAccountId: aws.String(acme), KeyId: m.KeyId, Arn: aws.String("arn:aws:kms:us-east-1:" + acme + ":key/" + *m.KeyId),
		CreationDate: aws.Time(b.Clock.Now()), CurrentKeyMaterialId: m.CurrentKeyMaterialId, Description: aws.String(""), Enabled: true,
		CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault, KeySpec: types.KeySpecSymmetricDefault,
		EncryptionAlgorithms: []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecSymmetricDefault},
		KeyManager:           types.KeyManagerTypeCustomer, KeyState: types.KeyStateEnabled, KeyUsage: types.KeyUsageTypeEncryptDecrypt,
		MultiRegion: aws.Bool(false), Origin: types.OriginTypeAwsKms,
	}, m, "CRK-01, LST-03, LST-04")

	described, err := b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: m.KeyId})
	require.NoError(t, err)
	assert.Equal(t, m, described.KeyMetadata)
	tags, err := b.as(alice).ListResourceTags(b.ctx, &kms.ListResourceTagsInput{KeyId: m.KeyId})
	require.NoError(t, err)
	assert.Empty(t, tags.Tags)
	got, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: m.KeyId})
	require.NoError(t, err)
	assert.JSONEq(t, `{"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{"Sid": "Enable IAM User Permissions", "Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}]}`, *got.Policy, "CRK-06")
}

func TestCreateKeyKeepsWhatItIsGiven(t *testing.T) {
	b := newBench(t)
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{
		Description: aws.String("salaries ☃"), KeyUsage: types.KeyUsageTypeEncryptDecrypt, Origin: types.OriginTypeAwsKms,
		CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault, MultiRegion: aws.Bool(false), Policy: aws.String(delegating),
		Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}, {TagKey: aws.String("Team"), TagValue: aws.String("")}},
	})
	require.NoError(t, err)
	assert.Equal(t, "salaries ☃", *out.KeyMetadata.Description)
	tags, err := b.as(alice).ListResourceTags(b.ctx, &kms.ListResourceTagsInput{KeyId: out.KeyMetadata.Arn})
	require.NoError(t, err)
	assert.Equal(t, []types.Tag{{TagKey: aws.String("Team"), TagValue: aws.String("")}, {TagKey: aws.String("team"), TagValue: aws.String("red")}}, tags.Tags)
	got, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: out.KeyMetadata.Arn, PolicyName: aws.String("default")})
	require.NoError(t, err)
	assert.Equal(t, delegating, *got.Policy, "byte for byte")
	assert.Equal(t, "default", *got.PolicyName)
}

func TestCreateKeyRefusesWhatDoesNotFit(t *testing.T) {
	b := newBench(t)
	create := func(in kms.CreateKeyInput) func() error {
		return func() error { return second(b.as(alice).CreateKey(b.ctx, &in)) }
	}
	answers(t, []ask{
		{"a spec that needs a usage without one (CRK-10)", create(kms.CreateKeyInput{KeySpec: types.KeySpecHmac256}),
			"ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."},
		{"a usage that the spec does not have (CRK-11)",
			create(kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeKeyAgreement}),
			"ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"},
		{"a symmetric key that signs", create(kms.CreateKeyInput{KeyUsage: types.KeyUsageTypeSignVerify}),
			"ValidationException: KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"},
		{"a usage that does not exist", create(kms.CreateKeyInput{KeyUsage: "COOK"}),
			"ValidationException: 1 validation error detected: Value 'COOK' at 'keyUsage' failed to satisfy constraint: " +
				"Member must satisfy enum value set: [SIGN_VERIFY, ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT]"},
		{"both names of the spec (AMB-12)",
			create(kms.CreateKeyInput{KeySpec: types.KeySpecSymmetricDefault, CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault}),
			"ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."},
		{"a key store without its origin", create(kms.CreateKeyInput{CustomKeyStoreId: aws.String("cks-1")}),
			"ValidationException: CustomKeyStoreId and XksKeyId need an Origin of AWS_CLOUDHSM or EXTERNAL_KEY_STORE."},
		{"a description that is too long (CRK-17)", create(kms.CreateKeyInput{Description: aws.String(strings.Repeat("d", 8193))}),
			"ValidationException: 1 validation error detected: Value '" + strings.Repeat("d", 8193) + "' at 'description' failed to satisfy constraint: " +
				"Member must have length less than or equal to 8192"},
	})
	keys, err := b.as(alice).ListKeys(b.ctx, &kms.ListKeysInput{})
	require.NoError(t, err)
	assert.Empty(t, keys.Keys, "nothing was made")
}

func TestKeyIsNamedInFourWays(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	for _, name := range []string{f.key, id(f.key), f.alias, "arn:aws:kms:us-east-1:" + acme + ":" + f.alias} {
		out, err := b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &name})
		require.NoError(t, err, name)
		assert.Equal(t, f.key, *out.KeyMetadata.Arn, "KID-01")
		sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &name, Plaintext: []byte("p")})
		require.NoError(t, err, name)
		assert.Equal(t, f.key, *sealed.KeyId, "KID-16")
		opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &name, CiphertextBlob: sealed.CiphertextBlob})
		require.NoError(t, err, name)
		assert.Equal(t, f.key, *opened.KeyId, "KID-16")
	}
}

func TestKeyThatIsNotThereIsNotFound(t *testing.T) {
	b := newBench(t)
	const absent = "1234abcd-12ab-34cd-56ef-1234567890ab"
	describe := func(name string) func() error {
		return func() error { return second(b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &name})) }
	}
	answers(t, []ask{
		{"a key id of nobody (KID-20)", describe(absent),
			"NotFoundException: Key 'arn:aws:kms:us-east-1:111122223333:key/" + absent + "' does not exist"},
		{"its ARN", describe("arn:aws:kms:us-east-1:111122223333:key/" + absent),
			"NotFoundException: Key 'arn:aws:kms:us-east-1:111122223333:key/" + absent + "' does not exist"},
		{"a multi-Region key id of nobody", describe("mrk-" + strings.Repeat("0a", 16)),
			"NotFoundException: Key 'arn:aws:kms:us-east-1:111122223333:key/mrk-" + strings.Repeat("0a", 16) + "' does not exist"},
		{"no key id", describe("a-key"), "NotFoundException: Invalid keyId 'a-key'"},
		{"an ARN of another Region", describe("arn:aws:kms:eu-west-1:111122223333:key/" + absent), "NotFoundException: Invalid arn eu-west-1"},
		{"an ARN of another service", describe("arn:aws:s3:us-east-1:111122223333:key/" + absent),
			"NotFoundException: Invalid arn arn:aws:s3:us-east-1:111122223333:key/" + absent},
		{"an ARN of another partition", describe("arn:aws-cn:kms:us-east-1:111122223333:key/" + absent),
			"NotFoundException: Invalid arn arn:aws-cn:kms:us-east-1:111122223333:key/" + absent},
		{"an ARN of a key that is an alias", describe("arn:aws:kms:us-east-1:111122223333:key/alias/absent"),
			"NotFoundException: Invalid arn arn:aws:kms:us-east-1:111122223333:key/alias/absent"},
		{"an ARN of neither", describe("arn:aws:kms:us-east-1:111122223333:" + absent), "NotFoundException: Invalid arn arn:aws:kms:us-east-1:111122223333:" + absent},
		{"an alias of nobody", describe("alias/absent"), "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/absent is not found."},
		{"its ARN", describe("arn:aws:kms:us-east-1:111122223333:alias/absent"),
			"NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/absent is not found."},
	})
}

// TestOnlySomeOperationsTakeAliases loops over all that name a key: KID-11,
// KID-12.
func TestOnlySomeOperationsTakeAliases(t *testing.T) {
	b := newBench(t)
	for _, operation := range sortedKeys(calls) {
		if onNoKey[operation] || operation == "DeleteAlias" {
			continue
		}
		f := b.newFixture("")
		b.arrange(f, ready(operation))
		b.nameByAlias(alice, &f)
		want := "NotFoundException: Invalid keyId '" + f.keyOf(operation) + "'"
		if slices.Contains(byAnyName, operation) {
			want = "ok"
		}
		assert.Equal(t, want, said(calls[operation](b.ctx, b.as(alice), f)), operation)
	}
}

// TestNoOperationFindsAnAbsentKey loops over all that name a key, as an
// administrator and as somebody who may do nothing: the own account learns
// that a key is absent before it learns of permissions.
func TestNoOperationFindsAnAbsentKey(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	f = f.all("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
	for _, operation := range sortedKeys(calls) {
		if onNoKey[operation] || operation == "DeleteAlias" {
			continue
		}
		for _, caller := range []string{"AKIAALICE", "AKIANOBODY"} {
			keys := alice
			if caller == nobody.ID {
				keys = nobody
			}
			assert.Equal(t, "NotFoundException: Key '"+f.key+"' does not exist", said(calls[operation](b.ctx, b.as(keys), f)), operation)
		}
	}
}

// TestEmptyAnswersHaveNoBody: ALS-12, TAG-08 and others; clients read nothing.
func TestEmptyAnswersHaveNoBody(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	body := `{"KeyId":"` + f.key + `"}`
	assert.Empty(t, string(b.Send(alice, region, "DisableKey", body)))
	assert.Empty(t, string(b.Send(alice, region, "EnableKey", body)))
	assert.Empty(t, string(b.Send(alice, region, "DeleteAlias", `{"AliasName":"`+f.alias+`"}`)))
}
