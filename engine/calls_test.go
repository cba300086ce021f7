package engine_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
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

// A fixture is what a call of each operation needs: a key of acme with an
// alias, a tag, a grant and a ciphertext, and a second key.
type fixture struct {
	key, other     string // ARNs
	signing        string // ARN of a key that signs
	agreeing       string // ARN of a key that agrees on secrets
	hmac           string // ARN of a key that authenticates
	signature, mac []byte // of plaintext, by signing and hmac
	peer           []byte // public key of agreeing

	external       func() string                     // ARN of a key with imported material, made when it is asked for: that is slow
	again          func() kms.ImportKeyMaterialInput // brings its material again
	now            func() time.Time
	primary        func() string // ARN of a primary key with a replica in eu-west-1, made when it is asked for
	multiRegion    *bool         // for CreateKey
	alias          string        // of key
	grant, token   string        // on key: payroll may Decrypt, bob may retire
	plaintext      []byte
	blob           []byte // of plaintext, under key and pairs
	pairs          map[string]string
	tokens         []string // sent with every operation that takes grant tokens
	description    string
	bypass, dryRun *bool
	policy         string // for PutKeyPolicy and CreateKey
}

// newFixture makes a fixture as alice, with a key policy; empty: the default
// one.
func (b bench) newFixture(policy string) fixture {
	b.t.Helper()
	f := fixture{
		key: b.newKey(policy), other: b.newKey(policy),
		plaintext: []byte("a plaintext of the fixture"), pairs: map[string]string{"dept": "finance"},
		description: "described", policy: policy,
	}
	f.alias = "alias/beside-" + id(f.other)
	if policy == "" {
		f.policy = delegating
	}
	c := b.as(alice)
	_, err := c.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &f.alias, TargetKeyId: &f.key})
	require.NoError(b.t, err)
	_, err = c.TagResource(b.ctx, &kms.TagResourceInput{KeyId: &f.key, Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}}})
	require.NoError(b.t, err)
	granted, err := c.CreateGrant(b.ctx, &kms.CreateGrantInput{
		KeyId: &f.key, GranteePrincipal: aws.String(payrollARN), RetiringPrincipal: aws.String(bobARN),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})
	require.NoError(b.t, err)
	f.grant, f.token = *granted.GrantId, *granted.GrantToken
	sealed, err := c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &f.key, Plaintext: f.plaintext, EncryptionContext: f.pairs})
	require.NoError(b.t, err)
	f.blob = sealed.CiphertextBlob
	b.addPairs(alice, &f)
	return f
}

// addPairs gives a fixture its keys of other kinds, tagged as its first.
func (b bench) addPairs(who enginetest.Keys, f *fixture) {
	b.t.Helper()
	c := b.as(who)
	for _, k := range []struct {
		arn   *string
		spec  types.KeySpec
		usage types.KeyUsageType
	}{
		{&f.signing, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify},
		{&f.agreeing, types.KeySpecEccNistP256, types.KeyUsageTypeKeyAgreement},
		{&f.hmac, types.KeySpecHmac256, types.KeyUsageTypeGenerateVerifyMac},
	} {
		out, err := c.CreateKey(b.ctx, &kms.CreateKeyInput{KeySpec: k.spec, KeyUsage: k.usage, Policy: &f.policy, MultiRegion: f.multiRegion,
			Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}}})
		require.NoError(b.t, err)
		*k.arn = *out.KeyMetadata.Arn
	}
	signed, err := c.Sign(b.ctx, &kms.SignInput{KeyId: &f.signing, Message: f.plaintext, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
	require.NoError(b.t, err)
	mac, err := c.GenerateMac(b.ctx, &kms.GenerateMacInput{KeyId: &f.hmac, Message: f.plaintext, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	require.NoError(b.t, err)
	peer, err := c.GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: &f.agreeing})
	require.NoError(b.t, err)
	f.signature, f.mac, f.peer = signed.Signature, mac.Mac, peer.PublicKey
	policy, multiRegion := f.policy, f.multiRegion
	f.now = b.Clock.Now
	f.external = sync.OnceValue(func() string { return b.importedKey(who, policy, multiRegion) })
	f.primary = sync.OnceValue(func() string { return b.replicatedKey(who, policy) })
	key := f.external
	f.again = sync.OnceValue(func() kms.ImportKeyMaterialInput { return *b.wrapped(who, key(), material(1)) })
}

// importedKey makes a key and imports its material.
func (b bench) importedKey(who enginetest.Keys, policy string, multiRegion *bool) string {
	b.t.Helper()
	out, err := b.as(who).CreateKey(b.ctx, &kms.CreateKeyInput{
		Origin: types.OriginTypeExternal, Policy: &policy, MultiRegion: multiRegion, Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}},
	})
	require.NoError(b.t, err)
	arn := *out.KeyMetadata.Arn
	require.NoError(b.t, second(b.as(who).ImportKeyMaterial(b.ctx, b.wrapped(who, arn, material(1)))))
	require.NoError(b.t, second(b.as(who).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/" + id(arn)), TargetKeyId: &arn})))
	return arn
}

// replicatedKey makes a primary key with a replica in eu-west-1.
func (b bench) replicatedKey(who enginetest.Keys, policy string) string {
	b.t.Helper()
	red := []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}}
	out, err := b.as(who).CreateKey(b.ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true), Policy: &policy, Tags: red})
	require.NoError(b.t, err)
	arn := *out.KeyMetadata.Arn
	require.NoError(b.t, second(b.as(who).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &arn, ReplicaRegion: aws.String("eu-west-1"), Policy: &policy, Tags: red})))
	require.NoError(b.t, second(b.as(who).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/" + id(arn)), TargetKeyId: &arn})))
	return arn
}

// nameByAlias lets all calls on a fixture name its keys by aliases.
func (b bench) nameByAlias(who enginetest.Keys, f *fixture) {
	b.t.Helper()
	f.key = f.alias
	for _, key := range []*string{&f.signing, &f.agreeing, &f.hmac} {
		alias := "alias/" + id(*key)
		require.NoError(b.t, second(b.as(who).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: key})))
		*key = alias
	}
	external, again, primary := f.external, f.again, f.primary
	f.primary = func() string { return "alias/" + id(primary()) }
	f.external = func() string { return "alias/" + id(external()) }
	f.again = func() kms.ImportKeyMaterialInput {
		in := again()
		in.KeyId = aws.String("alias/" + id(*in.KeyId))
		return in
	}
}

// all lets all calls on a fixture name one key.
func (f fixture) all(key string) fixture {
	f.key, f.signing, f.agreeing, f.hmac = key, key, key, key
	f.external, f.primary = func() string { return key }, func() string { return key }
	f.again = func() kms.ImportKeyMaterialInput {
		return kms.ImportKeyMaterialInput{KeyId: &key, ImportToken: []byte("token"), EncryptedKeyMaterial: []byte("material")}
	}
	return f
}

// keyOf is the ARN of the key of a fixture that the call of an operation names.
func (f fixture) keyOf(operation string) string {
	switch operation {
	case "Sign", "Verify", "GetPublicKey":
		return f.signing
	case "DeriveSharedSecret":
		return f.agreeing
	case "GenerateMac", "VerifyMac":
		return f.hmac
	case "DeleteImportedKeyMaterial", "GetParametersForImport":
		return f.external()
	case "ImportKeyMaterial":
		return *f.again().KeyId
	case "ReplicateKey", "UpdatePrimaryRegion":
		return f.primary()
	default:
		return f.key
	}
}

// noStore is the id of no custom key store.
const noStore = "cks-1234567890abcdef0"

// best is the answer to a call that nothing stands in the way of.
func best(operation string) string {
	switch operation {
	case "CreateCustomKeyStore":
		return "UnsupportedOperationException: keyreeve does not offer custom key stores yet."
	case "ConnectCustomKeyStore", "DeleteCustomKeyStore", "DisconnectCustomKeyStore", "UpdateCustomKeyStore":
		return "CustomKeyStoreNotFoundException: The custom key store " + noStore + " does not exist."
	default:
		return "ok"
	}
}

// id is the key id in an ARN.
func id(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

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

// arrange brings the key of a fixture into a state.
func (b bench) arrange(f fixture, state types.KeyState) {
	b.t.Helper()
	b.arrangeKey(f.key, state)
}

func (b bench) arrangeKey(key string, state types.KeyState) {
	b.t.Helper()
	var err error
	switch state {
	case types.KeyStateEnabled:
	case types.KeyStateDisabled:
		_, err = b.as(alice).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key})
	case types.KeyStatePendingDeletion:
		_, err = b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})
	default:
		b.t.Fatalf("the test cannot bring a key into state %s", state)
	}
	require.NoError(b.t, err)
}

// ready is the state in which an operation succeeds on the key of a fixture.
func ready(operation string) types.KeyState {
	if operation == "CancelKeyDeletion" {
		return types.KeyStatePendingDeletion
	}
	return types.KeyStateEnabled
}
