package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// The other Regions of the test world.
const (
	europe = "eu-west-1"
	canada = "ca-central-1"
)

// in is a client of alice's in a Region.
func (b bench) in(region string) *kms.Client { return b.KMS(alice, region) }

// elsewhere is the ARN of the key of the same set in another Region.
func elsewhere(arn, region string) string {
	parts := strings.SplitN(arn, ":", 5)
	parts[3] = region
	return strings.Join(parts, ":")
}

// newMultiRegion makes a primary key in the Region of the tests.
func (b bench) newMultiRegion(change ...func(*kms.CreateKeyInput)) string {
	b.t.Helper()
	in := &kms.CreateKeyInput{MultiRegion: aws.Bool(true)}
	for _, c := range change {
		c(in)
	}
	out, err := b.as(alice).CreateKey(b.ctx, in)
	require.NoError(b.t, err)
	return *out.KeyMetadata.Arn
}

// replicate replicates a key, and waits until the replica has arrived.
func (b bench) replicate(key, to string) (replica string) {
	b.t.Helper()
	out, err := b.in(regionOf(key)).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: &to})
	require.NoError(b.t, err)
	assert.Equal(b.t, elsewhere(key, to), *out.ReplicaKeyMetadata.Arn, "MR-042")
	return *out.ReplicaKeyMetadata.Arn
}

func (b bench) movePrimary(key, to string) error {
	return second(b.in(regionOf(key)).UpdatePrimaryRegion(b.ctx, &kms.UpdatePrimaryRegionInput{KeyId: &key, PrimaryRegion: &to}))
}

func regionOf(arn string) string { return strings.Split(arn, ":")[3] }

// metadata is a key as its own Region tells it.
func (b bench) metadata(key string) *types.KeyMetadata {
	b.t.Helper()
	out, err := b.in(regionOf(key)).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
	require.NoError(b.t, err)
	return out.KeyMetadata
}

// set is what a key tells of its set: its type, the primary's Region, and
// those of the replicas.
func set(m *types.KeyMetadata) string {
	c := m.MultiRegionConfiguration
	if c == nil {
		return ""
	}
	text := string(c.MultiRegionKeyType) + " of " + *c.PrimaryKey.Region + ":"
	for _, r := range c.ReplicaKeys {
		text += " " + *r.Region
	}
	return text
}

func TestPrimaryKeyIsMade(t *testing.T) {
	b := newBench(t)
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)})
	require.NoError(t, err)
	m := out.KeyMetadata
	assert.Regexp(t, `^mrk-[0-9a-f]{32}$`, *m.KeyId, "MR-003")
	assert.True(t, *m.MultiRegion)
	assert.Equal(t, &types.MultiRegionConfiguration{
		MultiRegionKeyType: types.MultiRegionKeyTypePrimary, PrimaryKey: &types.MultiRegionKey{Arn: m.Arn, Region: aws.String(region)},
		ReplicaKeys: []types.MultiRegionKey{},
	}, m.MultiRegionConfiguration, "MR-012")
	single := b.metadata(b.newKey(""))
	assert.False(t, *single.MultiRegion, "MR-006")
	assert.Nil(t, single.MultiRegionConfiguration, "MR-013")
	assert.NotRegexp(t, "^mrk-", *single.KeyId, "MR-004")
	answers(t, []ask{
		{"not in a custom key store (MR-008)", func() error {
			return second(b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true), Origin: types.OriginTypeAwsCloudhsm, CustomKeyStoreId: aws.String(noStore)}))
		}, "UnsupportedOperationException: keyreeve does not offer keys with Origin AWS_CLOUDHSM yet."},
	})
}

// TestReplicaArrives: MR-068 to MR-073, D-3.
func TestReplicaArrives(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, Settling: 2 * time.Second})
	key := b.newMultiRegion(func(in *kms.CreateKeyInput) {
		in.Description, in.Tags = aws.String("the primary"), tags("team", "red")
	})
	out, err := b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: aws.String(europe)})
	require.NoError(t, err)
	m, replica := out.ReplicaKeyMetadata, elsewhere(key, europe)
	assert.Equal(t, types.KeyStateCreating, m.KeyState)
	assert.False(t, m.Enabled)
	assert.Empty(t, *m.Description, "not the primary's")
	assert.Empty(t, out.ReplicaTags)
	assert.Contains(t, *out.ReplicaPolicy, "Enable IAM User Permissions")
	assert.Equal(t, "REPLICA of us-east-1: eu-west-1", set(m))
	assert.Equal(t, "PRIMARY of us-east-1: eu-west-1", set(b.metadata(key)))

	c := b.in(europe)
	encrypt := func() error {
		return second(c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &replica, Plaintext: []byte("p")}))
	}
	answers(t, []ask{
		{"it is not used yet (MR-073)", encrypt, "KMSInvalidStateException: " + replica + " is creating."},
		{"nor disabled", func() error { return second(c.DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &replica})) }, "KMSInvalidStateException: " + replica + " is creating."},
		{"but named (KST-05)", func() error {
			return second(c.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/r"), TargetKeyId: &replica}))
		}, "ok"},
	})
	b.Clock.Advance(2 * time.Second)
	assert.Equal(t, types.KeyStateEnabled, b.metadata(replica).KeyState, "before the sweeper comes by")
	require.NoError(t, b.Engine.Sweep(b.ctx))
	assert.Equal(t, types.KeyStateEnabled, b.metadata(replica).KeyState)
	assert.Equal(t, "ok", said(encrypt()))
	assert.Equal(t, b.date(0), b.metadata(replica).CreationDate.Format(time.DateOnly))

	third, err := b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{
		KeyId: &key, ReplicaRegion: aws.String(canada), Description: aws.String("the second"), Policy: aws.String(delegating), Tags: tags("team", "blue"),
	})
	require.NoError(t, err)
	assert.Equal(t, "the second", *third.ReplicaKeyMetadata.Description)
	assert.JSONEq(t, delegating, *third.ReplicaPolicy)
	assert.Equal(t, tags("team", "blue"), third.ReplicaTags)
	for _, r := range []string{region, europe, canada} {
		assert.True(t, strings.HasSuffix(set(b.metadata(elsewhere(key, r))), " of us-east-1: ca-central-1 eu-west-1"), "MR-031, MR-151")
	}
}

func TestReplicationHasItsRules(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, Quotas: engine.Quotas{Keys: 4}})
	key, single := b.newMultiRegion(), b.newKey("")
	replica := b.replicate(key, europe)
	to := func(key, region string) func() error {
		return func() error {
			return second(b.in(regionOf(key)).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: &region}))
		}
	}
	answers(t, []ask{
		{"a key of one Region (MR-063)", to(single, europe), "UnsupportedOperationException: " + single + " is not a multi-region primary key."},
		{"a replica", to(replica, canada), "UnsupportedOperationException: " + replica + " is not a multi-region primary key."},
		{"where there is a replica (MR-064)", to(key, europe), "AlreadyExistsException: " + replica + " already exists."},
		{"where the primary is", to(key, region), "AlreadyExistsException: " + key + " is in the Region us-east-1 already."},
		{"a Region that is not served (MR-067)", to(key, "sa-east-1"), "UnsupportedOperationException: The Region sa-east-1 is not one that this service has."},
		{"an alias (MR-061)", to("arn:aws:kms:us-east-1:111122223333:alias/x", europe), "NotFoundException: Invalid keyId 'arn:aws:kms:us-east-1:111122223333:alias/x'"},
		{"too many tags", func() error {
			return second(b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: aws.String(canada), Tags: numbered(51)}))
		}, "TagException: Too many tags"},
		{"a policy that locks out (MR-081)", func() error {
			return second(b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{
				KeyId: &key, ReplicaRegion: aws.String(canada), Policy: aws.String(statement(`"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*"`)),
			}))
		}, lockout},
	})
	require.NoError(t, second(b.in(europe).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &replica})))
	assert.Equal(t, "AlreadyExistsException: "+replica+" already exists.", said(to(key, europe)()), "also one in PendingDeletion (MR-065)")

	for range 4 {
		require.NoError(t, second(b.in(canada).CreateKey(b.ctx, &kms.CreateKeyInput{})))
	}
	assert.Equal(t, "LimitExceededException: The account has reached its quota of 4 KMS keys in this Region.", said(to(key, canada)()), "MR-018")
	for _, state := range []types.KeyState{types.KeyStateDisabled, types.KeyStatePendingDeletion} {
		key := b.newMultiRegion()
		b.arrangeKey(key, state)
		code := "DisabledException"
		if state == types.KeyStatePendingDeletion {
			code = "KMSInvalidStateException"
		}
		assert.True(t, strings.HasPrefix(said(to(key, europe)()), code+": "+key), "MR-075")
	}
}

// TestSiblingsUnderstandEachOther: MR-050 to MR-057, MR-059.
func TestSiblingsUnderstandEachOther(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	seal := func(region string) []byte {
		sealed, err := b.in(region).Encrypt(b.ctx, &kms.EncryptInput{KeyId: aws.String(id(key)), Plaintext: []byte("p"), EncryptionContext: map[string]string{"a": "b"}})
		require.NoError(t, err)
		return sealed.CiphertextBlob
	}
	opens := func(blob []byte, region string) {
		opened, err := b.in(region).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"a": "b"}})
		require.NoError(t, err, region)
		assert.Equal(t, elsewhere(key, region), *opened.KeyId)
	}
	old := seal(region)
	require.NoError(t, second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})))
	assert.Equal(t, hidden, said(second(b.in(europe).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: old}))), "no member there yet")
	b.replicate(key, europe)
	b.replicate(key, canada)
	regions := []string{region, europe, canada}
	for _, to := range regions {
		opens(old, to)
		for _, from := range regions {
			opens(seal(from), to)
		}
	}
	other := b.newMultiRegion()
	b.replicate(other, europe)
	assert.Equal(t, "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.",
		said(second(b.in(europe).Decrypt(b.ctx, &kms.DecryptInput{KeyId: aws.String(id(other)), CiphertextBlob: old}))), "MR-054")
}

func TestSignaturesAndCodesOfSiblings(t *testing.T) {
	b := newBench(t)
	signing := b.newMultiRegion(func(in *kms.CreateKeyInput) {
		in.KeySpec, in.KeyUsage = types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify
	})
	hmac := b.newMultiRegion(func(in *kms.CreateKeyInput) {
		in.KeySpec, in.KeyUsage = types.KeySpecHmac256, types.KeyUsageTypeGenerateVerifyMac
	})
	b.replicate(signing, europe)
	b.replicate(hmac, europe)
	var public [][]byte
	for _, way := range [][2]string{{region, europe}, {europe, region}} {
		signed, err := b.in(way[0]).Sign(b.ctx, &kms.SignInput{KeyId: aws.String(id(signing)), Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
		require.NoError(t, err)
		require.NoError(t, second(b.in(way[1]).Verify(b.ctx, &kms.VerifyInput{
			KeyId: aws.String(id(signing)), Message: []byte("m"), Signature: signed.Signature, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
		})), "MR-057")
		mac, err := b.in(way[0]).GenerateMac(b.ctx, &kms.GenerateMacInput{KeyId: aws.String(id(hmac)), Message: []byte("m"), MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
		require.NoError(t, err)
		require.NoError(t, second(b.in(way[1]).VerifyMac(b.ctx, &kms.VerifyMacInput{
			KeyId: aws.String(id(hmac)), Message: []byte("m"), Mac: mac.Mac, MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		})))
		key, err := b.in(way[0]).GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: aws.String(id(signing))})
		require.NoError(t, err)
		public = append(public, key.PublicKey)
	}
	assert.Equal(t, public[0], public[1], "MR-056")
}

// TestWhatSiblingsDoNotShare (MR-033, MR-035, MR-036, MR-040, MR-153): what
// one has, the other has not.
func TestWhatSiblingsDoNotShare(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	replica := b.replicate(key, europe)
	before := b.metadata(replica)
	c := b.as(alice)
	require.NoError(t, second(c.UpdateKeyDescription(b.ctx, &kms.UpdateKeyDescriptionInput{KeyId: &key, Description: aws.String("d")})))
	require.NoError(t, second(c.TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: tags("team", "red")})))
	require.NoError(t, second(c.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/here"), TargetKeyId: &key})))
	require.NoError(t, second(c.PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: aws.String(open)})))
	b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Decrypt")})
	require.NoError(t, second(c.DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key})))
	assert.Equal(t, before, b.metadata(replica))
	assert.Empty(t, b.records("SynchronizeMultiRegionKey")[1:], "nothing was shared since the replica was made")

	r := b.in(europe)
	listed, err := r.ListResourceTags(b.ctx, &kms.ListResourceTagsInput{KeyId: &replica})
	require.NoError(t, err)
	assert.Empty(t, listed.Tags)
	aliases, err := r.ListAliases(b.ctx, &kms.ListAliasesInput{KeyId: &replica})
	require.NoError(t, err)
	assert.Empty(t, aliases.Aliases)
	policy, err := r.GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &replica})
	require.NoError(t, err)
	assert.NotEqual(t, open, *policy.Policy)
	grants, err := r.ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &replica})
	require.NoError(t, err)
	assert.Empty(t, grants.Grants)
	assert.NoError(t, second(r.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &replica, Plaintext: []byte("p")})), "MR-036")
	keys, err := r.ListKeys(b.ctx, &kms.ListKeysInput{})
	require.NoError(t, err)
	assert.Len(t, keys.Keys, 1, "MR-045")
}

// TestRotationOfSets: MR-140 to MR-145, MR-131.
func TestRotationOfSets(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	replica := b.replicate(key, europe)
	b.enableRotation(key, 180)
	status := func(key string) *kms.GetKeyRotationStatusOutput {
		out, err := b.in(regionOf(key)).GetKeyRotationStatus(b.ctx, &kms.GetKeyRotationStatusInput{KeyId: &key})
		require.NoError(t, err)
		out.ResultMetadata, out.KeyId = middleware.Metadata{}, nil
		return out
	}
	assert.True(t, status(replica).KeyRotationEnabled, "MR-141")
	assert.Equal(t, status(key), status(replica))
	refused := "UnsupportedOperationException: " + replica + " is not a multi-region primary key."
	r := b.in(europe)
	answers(t, []ask{
		{"EnableKeyRotation", func() error { return second(r.EnableKeyRotation(b.ctx, &kms.EnableKeyRotationInput{KeyId: &replica})) }, refused},
		{"DisableKeyRotation", func() error {
			return second(r.DisableKeyRotation(b.ctx, &kms.DisableKeyRotationInput{KeyId: &replica}))
		}, refused},
		{"RotateKeyOnDemand", func() error { return second(r.RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &replica})) }, refused},
	})
	material := func(key string) string { return *b.metadata(key).CurrentKeyMaterialId }
	first := material(key)
	assert.Equal(t, first, material(replica))
	require.NoError(t, second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})))
	assert.NotEqual(t, first, material(key))
	assert.Equal(t, material(key), material(replica), "MR-142")
	onDemand := material(key)
	b.pass(180)
	assert.NotEqual(t, onDemand, material(key))
	assert.Equal(t, material(key), material(replica), "the sweeper rotates the primary, once")
	assert.Len(t, b.records("RotateKey"), 2)
	for _, e := range b.records("SynchronizeMultiRegionKey") {
		assert.Equal(t, region, e.AWSRegion)
		assert.Equal(t, key, e.Resources[0].ARN, "CT-083")
		assert.NotEmpty(t, e.RequestID)
	}
	assert.Len(t, b.records("SynchronizeMultiRegionKey"), 4, "the replica, the setting, two rotations")

	require.NoError(t, b.movePrimary(key, europe))
	answers(t, []ask{
		{"the new primary rotates", func() error { return second(r.RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &replica})) }, "ok"},
		{"the former no more", func() error {
			return second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key}))
		}, "UnsupportedOperationException: " + key + " is not a multi-region primary key."},
	})
	last := material(replica)
	b.pass(180)
	assert.NotEqual(t, last, material(replica), "the schedule goes on there")
	assert.Equal(t, material(replica), material(key), "MR-130")
}
