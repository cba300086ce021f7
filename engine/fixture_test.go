package engine_test

import (
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
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
