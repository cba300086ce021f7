package engine_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// ARNs of principals of the test world.
const (
	aliceARN   = "arn:aws:iam::111122223333:user/alice"
	bobARN     = "arn:aws:iam::111122223333:user/bob"
	nobodyARN  = "arn:aws:iam::111122223333:user/nobody"
	daveARN    = "arn:aws:iam::444455556666:user/dave"
	carolARN   = "arn:aws:iam::444455556666:user/carol"
	payrollARN = "arn:aws:iam::111122223333:role/payroll"
)

// delegating is the key policy that leaves all to acme's IAM policies.
const delegating = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}]}`

// open is the key policy that allows everything to everybody.
const open = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}`

// calls has one call of each operation that is offered, with all that the
// operation can take, on a fixture.
var calls = map[string]func(context.Context, *kms.Client, fixture) error{
	"CancelKeyDeletion": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &f.key}))
	},
	"ConnectCustomKeyStore": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.ConnectCustomKeyStore(ctx, &kms.ConnectCustomKeyStoreInput{CustomKeyStoreId: aws.String(noStore)}))
	},
	"CreateAlias": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(f.alias + "/2"), TargetKeyId: &f.key}))
	},
	"CreateCustomKeyStore": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.CreateCustomKeyStore(ctx, &kms.CreateCustomKeyStoreInput{
			CustomKeyStoreName: aws.String("ours"), CloudHsmClusterId: aws.String("cluster-abcd2345efg"),
			KeyStorePassword: aws.String("kmsPswd1"), TrustAnchorCertificate: aws.String("certificate"),
		}))
	},
	"CreateGrant": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: &f.key, GranteePrincipal: aws.String(bobARN), RetiringPrincipal: aws.String(aliceARN), Name: aws.String("named"),
			Operations:  []types.GrantOperation{types.GrantOperationEncrypt, types.GrantOperationDecrypt},
			Constraints: &types.GrantConstraints{EncryptionContextSubset: f.pairs}, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"CreateKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.CreateKey(ctx, &kms.CreateKeyInput{
			Description: &f.description, Policy: &f.policy, BypassPolicyLockoutSafetyCheck: aws.ToBool(f.bypass),
			Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}}, MultiRegion: f.multiRegion,
		}))
	},
	"Decrypt": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.Decrypt(ctx, &kms.DecryptInput{
			KeyId: &f.key, CiphertextBlob: f.blob, EncryptionContext: f.pairs, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"DeleteAlias": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &f.alias}))
	},
	"DeleteCustomKeyStore": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.DeleteCustomKeyStore(ctx, &kms.DeleteCustomKeyStoreInput{CustomKeyStoreId: aws.String(noStore)}))
	},
	"DescribeCustomKeyStores": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.DescribeCustomKeyStores(ctx, &kms.DescribeCustomKeyStoresInput{Limit: aws.Int32(10)}))
	},
	"DisconnectCustomKeyStore": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.DisconnectCustomKeyStore(ctx, &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreId: aws.String(noStore)}))
	},
	"GetKeyLastUsage": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GetKeyLastUsage(ctx, &kms.GetKeyLastUsageInput{KeyId: &f.key}))
	},
	"ReplicateKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ReplicateKey(ctx, &kms.ReplicateKeyInput{
			KeyId: aws.String(f.primary()), ReplicaRegion: aws.String("ca-central-1"), Description: &f.description, Policy: &f.policy,
			BypassPolicyLockoutSafetyCheck: aws.ToBool(f.bypass), Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("blue")}},
		}))
	},
	"UpdateCustomKeyStore": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.UpdateCustomKeyStore(ctx, &kms.UpdateCustomKeyStoreInput{CustomKeyStoreId: aws.String(noStore), NewCustomKeyStoreName: aws.String("theirs")}))
	},
	"UpdatePrimaryRegion": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.UpdatePrimaryRegion(ctx, &kms.UpdatePrimaryRegionInput{KeyId: aws.String(f.primary()), PrimaryRegion: aws.String("eu-west-1")}))
	},
	"DeriveSharedSecret": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{
			KeyId: &f.agreeing, PublicKey: f.peer, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"DeleteImportedKeyMaterial": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: aws.String(f.external())}))
	},
	"DescribeKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &f.key, GrantTokens: f.tokens}))
	},
	"DisableKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &f.key}))
	},
	"DisableKeyRotation": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: &f.key}))
	},
	"EnableKeyRotation": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &f.key, RotationPeriodInDays: aws.Int32(180)}))
	},
	"EnableKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &f.key}))
	},
	"Encrypt": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.Encrypt(ctx, &kms.EncryptInput{
			KeyId: &f.key, Plaintext: f.plaintext, EncryptionContext: f.pairs, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"GenerateDataKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: &f.key, KeySpec: types.DataKeySpecAes256, EncryptionContext: f.pairs, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"GenerateDataKeyPair": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{
			KeyId: &f.key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: f.pairs, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"GenerateDataKeyPairWithoutPlaintext": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GenerateDataKeyPairWithoutPlaintext(ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{
			KeyId: &f.key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: f.pairs, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"GenerateMac": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GenerateMac(ctx, &kms.GenerateMacInput{
			KeyId: &f.hmac, Message: f.plaintext, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"GenerateDataKeyWithoutPlaintext": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId: &f.key, NumberOfBytes: aws.Int32(24), EncryptionContext: f.pairs, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"GenerateRandom": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(8)}))
	},
	"GetKeyPolicy": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &f.key}))
	},
	"GetKeyRotationStatus": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &f.key}))
	},
	"GetParametersForImport": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
			KeyId: aws.String(f.external()), WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
		}))
	},
	"GetPublicKey": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &f.signing, GrantTokens: f.tokens}))
	},
	"ImportKeyMaterial": func(ctx context.Context, c *kms.Client, f fixture) error {
		in := f.again()
		if in.ExpirationModel != "" {
			in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, aws.Time(f.now().Add(day))
		}
		return second(c.ImportKeyMaterial(ctx, &in))
	},
	"ListAliases": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.ListAliases(ctx, &kms.ListAliasesInput{Limit: aws.Int32(10)}))
	},
	"ListGrants": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &f.key, Limit: aws.Int32(10)}))
	},
	"ListKeyPolicies": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ListKeyPolicies(ctx, &kms.ListKeyPoliciesInput{KeyId: &f.key}))
	},
	"ListKeyRotations": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &f.key, Limit: aws.Int32(10)}))
	},
	"ListKeys": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.ListKeys(ctx, &kms.ListKeysInput{Limit: aws.Int32(10)}))
	},
	"ListResourceTags": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &f.key}))
	},
	"ListRetirableGrants": func(ctx context.Context, c *kms.Client, _ fixture) error {
		return second(c.ListRetirableGrants(ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(aliceARN)}))
	},
	"PutKeyPolicy": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &f.key, Policy: &f.policy, BypassPolicyLockoutSafetyCheck: aws.ToBool(f.bypass)}))
	},
	"ReEncrypt": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ReEncrypt(ctx, &kms.ReEncryptInput{
			SourceKeyId: &f.key, CiphertextBlob: f.blob, SourceEncryptionContext: f.pairs,
			DestinationKeyId: &f.key, DestinationEncryptionContext: map[string]string{"dept": "audit"}, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"RetireGrant": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &f.key, GrantId: &f.grant, DryRun: f.dryRun}))
	},
	"RevokeGrant": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &f.key, GrantId: &f.grant, DryRun: f.dryRun}))
	},
	"RotateKeyOnDemand": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &f.key}))
	},
	"ScheduleKeyDeletion": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &f.key, PendingWindowInDays: aws.Int32(7)}))
	},
	"Sign": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.Sign(ctx, &kms.SignInput{
			KeyId: &f.signing, Message: f.plaintext, MessageType: types.MessageTypeRaw, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
			GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"TagResource": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.TagResource(ctx, &kms.TagResourceInput{KeyId: &f.key, Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("blue")}}}))
	},
	"UntagResource": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &f.key, TagKeys: []string{"team"}}))
	},
	"UpdateAlias": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &f.alias, TargetKeyId: &f.key}))
	},
	"UpdateKeyDescription": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: &f.key, Description: &f.description}))
	},
	"Verify": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.Verify(ctx, &kms.VerifyInput{
			KeyId: &f.signing, Message: f.plaintext, Signature: f.signature, MessageType: types.MessageTypeRaw,
			SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
	"VerifyMac": func(ctx context.Context, c *kms.Client, f fixture) error {
		return second(c.VerifyMac(ctx, &kms.VerifyMacInput{
			KeyId: &f.hmac, Message: f.plaintext, Mac: f.mac, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, GrantTokens: f.tokens, DryRun: f.dryRun,
		}))
	},
}

// second is the error of a call, whatever its answer.
func second[T any](_ T, err error) error { return err }

// onNoKey are the operations that name no key and so have no key state.
var onNoKey = map[string]bool{
	"ConnectCustomKeyStore": true, "CreateCustomKeyStore": true, "DeleteCustomKeyStore": true, "DescribeCustomKeyStores": true,
	"DisconnectCustomKeyStore": true, "UpdateCustomKeyStore": true,
	"CreateKey": true, "GenerateRandom": true, "ListAliases": true, "ListKeys": true, "ListRetirableGrants": true,
}

// byAnyName are the operations that take aliases and grant tokens: all that
// use a key, and DescribeKey.
var byAnyName = []string{
	"Decrypt", "DeriveSharedSecret", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
	"GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetPublicKey", "ReEncrypt", "Sign", "Verify", "VerifyMac",
}
