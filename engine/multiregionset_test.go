package engine_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// TestPrimaryMoves: MR-121 to MR-131, MR-152.
func TestPrimaryMoves(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, Settling: 2 * time.Second})
	key, single := b.newMultiRegion(), b.newKey("")
	replica := b.replicate(key, europe)
	answers(t, []ask{
		{"a replica that is being made", func() error { return b.movePrimary(key, europe) }, "KMSInvalidStateException: " + replica + " is creating."},
		{"a key of one Region", func() error { return b.movePrimary(single, europe) }, "UnsupportedOperationException: " + single + " is not a multi-region primary key."},
		{"no replica there (MR-121)", func() error { return b.movePrimary(key, canada) }, "NotFoundException: Key '" + elsewhere(key, canada) + "' does not exist"},
		{"where it is", func() error { return b.movePrimary(key, region) }, "UnsupportedOperationException: " + key + " is the primary key already."},
	})
	third := b.replicate(key, canada)
	b.Clock.Advance(2 * time.Second)
	assert.Equal(t, "UnsupportedOperationException: "+replica+" is not a multi-region primary key.", said(b.movePrimary(replica, canada)))
	require.NoError(t, second(b.in(europe).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &replica})))
	assert.Equal(t, "DisabledException: "+replica+" is disabled.", said(b.movePrimary(key, europe)), "both must be enabled (MR-122)")
	require.NoError(t, second(b.in(europe).EnableKey(b.ctx, &kms.EnableKeyInput{KeyId: &replica})))

	require.NoError(t, b.movePrimary(key, europe))
	for _, k := range []string{key, replica} {
		m, c := b.metadata(k), b.in(regionOf(k))
		assert.Equal(t, types.KeyStateUpdating, m.KeyState, "MR-125")
		answers(t, []ask{
			{"cryptography goes on (MR-126)", func() error { return second(c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &k, Plaintext: []byte("p")})) }, "ok"},
			{"management does not (MR-127)", func() error { return second(c.DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &k})) }, "KMSInvalidStateException: " + k + " is updating."},
			{"nor another move (D-5)", func() error { return b.movePrimary(k, canada) }, "KMSInvalidStateException: " + k + " is updating."},
		})
	}
	assert.Equal(t, types.KeyStateEnabled, b.metadata(third).KeyState, "only the two")
	b.pass(1)
	for k, want := range map[string]string{key: "REPLICA", replica: "PRIMARY", third: "REPLICA"} {
		m := b.metadata(k)
		assert.Equal(t, types.KeyStateEnabled, m.KeyState)
		assert.Equal(t, want+" of eu-west-1: ca-central-1 us-east-1", set(m), "MR-152")
	}
	require.NoError(t, b.movePrimary(replica, region), "and back")
	assert.Equal(t, "PRIMARY of us-east-1: ca-central-1 eu-west-1", set(b.metadata(key)))
}

// TestMoveIsRecordedInBothRegions: CT-062, EV-002.
func TestMoveIsRecordedInBothRegions(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	replica := b.replicate(key, europe)
	require.NoError(t, b.movePrimary(key, europe))
	records := b.records("UpdatePrimaryRegion")
	require.Len(t, records, 2)
	assert.Equal(t, records[0].RequestID, records[1].RequestID)
	assert.NotEqual(t, records[0].EventID, records[1].EventID)
	assert.Equal(t, region, records[0].AWSRegion)
	assert.Equal(t, []audit.Resource{{AccountID: acme, Type: "AWS::KMS::Key", ARN: key}}, records[0].Resources)
	assert.Equal(t, europe, records[1].AWSRegion)
	assert.JSONEq(t, `{"keyId":"`+replica+`","primaryRegion":"eu-west-1"}`, string(records[1].RequestParameters))
	made := b.records("CreateKey")
	last := made[len(made)-1]
	assert.Equal(t, europe, last.AWSRegion, "CT-061")
	assert.Equal(t, replica, last.Resources[0].ARN)
}

// TestSetsAreDeletedInOrder: MR-180 to MR-197, in days.
func TestSetsAreDeletedInOrder(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	replica, third := b.replicate(key, europe), b.replicate(key, canada)
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")})
	require.NoError(t, err)
	schedule := func(key string, days int32) *kms.ScheduleKeyDeletionOutput {
		out, err := b.in(regionOf(key)).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: &days})
		require.NoError(t, err)
		return out
	}
	out := schedule(key, 7)
	assert.Equal(t, types.KeyStatePendingReplicaDeletion, out.KeyState, "MR-184")
	assert.Nil(t, out.DeletionDate, "MR-185")
	assert.Equal(t, int32(7), *out.PendingWindowInDays)
	m := b.metadata(key)
	assert.False(t, m.Enabled, "MR-193")
	assert.Nil(t, m.DeletionDate)
	assert.Equal(t, int32(7), *m.PendingDeletionWindowInDays)
	assert.Equal(t, "KMSInvalidStateException: "+key+" is pending replica deletion.", said(b.encrypts(alice, key, nil)()), "MR-189")
	assert.NoError(t, second(b.in(europe).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})), "MR-190")

	require.NoError(t, second(b.as(alice).CancelKeyDeletion(b.ctx, &kms.CancelKeyDeletionInput{KeyId: &key})))
	m = b.metadata(key)
	assert.Equal(t, types.KeyStateDisabled, m.KeyState, "MR-196")
	assert.Nil(t, m.PendingDeletionWindowInDays)
	schedule(key, 7)

	out = schedule(replica, 7)
	assert.Equal(t, types.KeyStatePendingDeletion, out.KeyState, "MR-181")
	assert.NotNil(t, out.DeletionDate)
	schedule(third, 8)
	b.pass(7)
	assert.Equal(t, types.KeyStatePendingReplicaDeletion, b.metadata(key).KeyState)
	assert.Equal(t, "PRIMARY of us-east-1: ca-central-1", set(b.metadata(key)))
	assert.Equal(t, "REPLICA of us-east-1: ca-central-1", set(b.metadata(third)), "MR-194")
	b.pass(1)
	m = b.metadata(key)
	assert.Equal(t, types.KeyStatePendingDeletion, m.KeyState, "MR-186")
	assert.Equal(t, b.date(7), m.DeletionDate.Format(time.DateOnly), "MR-187")
	assert.Nil(t, m.PendingDeletionWindowInDays)
	assert.Equal(t, "PRIMARY of us-east-1:", set(m))
	b.pass(7)
	assert.Equal(t, "NotFoundException: Key '"+key+"' does not exist", said(second(b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))))
	assert.Len(t, b.records("DeleteKey"), 3, "MR-198")
}

// TestDeletedReplicaCanBeMadeAgain: MR-074, MR-197.
func TestDeletedReplicaCanBeMadeAgain(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	replica := b.replicate(key, europe)
	sealed, err := b.in(europe).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &replica, Plaintext: []byte("p")})
	require.NoError(t, err)
	require.NoError(t, second(b.in(europe).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &replica, PendingWindowInDays: aws.Int32(7)})))
	b.pass(7)
	assert.Equal(t, "PRIMARY of us-east-1:", set(b.metadata(key)))
	assert.NoError(t, second(b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})))
	assert.Equal(t, replica, b.replicate(key, europe))
	assert.NoError(t, second(b.in(europe).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})))
	require.NoError(t, second(b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})))
	b.pass(1000)
	assert.Equal(t, types.KeyStatePendingReplicaDeletion, b.metadata(key).KeyState, "MR-188")
}

// importInto imports material into a key in its Region.
func (b bench) importInto(key string, material []byte, change ...func(*kms.ImportKeyMaterialInput)) error {
	b.t.Helper()
	c := b.in(regionOf(key))
	got, err := c.GetParametersForImport(b.ctx, &kms.GetParametersForImportInput{
		KeyId: &key, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	require.NoError(b.t, err)
	public, err := x509.ParsePKIXPublicKey(got.PublicKey)
	require.NoError(b.t, err)
	blob, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	require.NoError(b.t, err)
	in := &kms.ImportKeyMaterialInput{
		KeyId: &key, ImportToken: got.ImportToken, EncryptedKeyMaterial: blob, ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
	for _, f := range change {
		f(in)
	}
	return second(c.ImportKeyMaterial(b.ctx, in))
}

// TestImportedMaterialOfSets: MR-160 to MR-167, MR-075, NEW-06.
func TestImportedMaterialOfSets(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion(func(in *kms.CreateKeyInput) { in.Origin = types.OriginTypeExternal })
	replica := elsewhere(key, europe)
	to := func() error {
		return second(b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: aws.String(europe)}))
	}
	assert.Equal(t, "KMSInvalidStateException: "+key+" is pending import.", said(to()), "MR-076")
	require.NoError(t, b.importInto(key, material(1)))
	require.NoError(t, to())
	assert.Equal(t, types.KeyStatePendingImport, b.metadata(replica).KeyState, "MR-162")
	assert.Equal(t, "KMSInvalidStateException: "+replica+" is pending import.", said(b.movePrimary(key, europe)))

	const other = "IncorrectKeyMaterialException: The key material is not the key material that was imported into this key before."
	assert.Equal(t, other, said(b.importInto(replica, material(2))), "MR-163")
	until := b.Clock.Now().Add(10 * day)
	require.NoError(t, b.importInto(replica, material(1), func(in *kms.ImportKeyMaterialInput) {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, &until
	}))
	assert.Equal(t, b.metadata(key).CurrentKeyMaterialId, b.metadata(replica).CurrentKeyMaterialId)
	assert.Equal(t, types.ExpirationModelTypeKeyMaterialDoesNotExpire, b.metadata(key).ExpirationModel, "MR-165")
	sealed, err := b.in(europe).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &replica, Plaintext: []byte("p")})
	require.NoError(t, err)
	assert.NoError(t, second(b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})), "MR-167")
	require.NoError(t, second(b.as(alice).DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &key})))
	assert.Equal(t, types.KeyStateEnabled, b.metadata(replica).KeyState, "MR-166")
	require.NoError(t, b.importInto(key, material(1)))
	b.pass(10)
	assert.Equal(t, types.KeyStatePendingImport, b.metadata(replica).KeyState)
	assert.Equal(t, types.KeyStateEnabled, b.metadata(key).KeyState)
}

// TestImportedMaterialOfSetsRotates (NEW-06, MR-142): what is new comes to the
// primary first, then to each replica, and only then is it used.
func TestImportedMaterialOfSetsRotates(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion(func(in *kms.CreateKeyInput) { in.Origin = types.OriginTypeExternal })
	require.NoError(t, b.importInto(key, material(1)))
	replica := b.replicate(key, europe)
	require.NoError(t, b.importInto(replica, material(1)))
	assert.Equal(t, "UnsupportedOperationException: "+replica+" is not a multi-region primary key.", said(b.importInto(replica, material(2), asNew)))
	require.NoError(t, b.importInto(key, material(2), asNew))
	states := func(key string) (all []string) {
		out, err := b.in(regionOf(key)).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial})
		require.NoError(t, err)
		for _, r := range out.Rotations {
			all = append(all, string(r.KeyMaterialState)+" "+string(r.ImportState))
		}
		return all
	}
	rotate := func() error {
		return second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key}))
	}
	awaited := string(types.KeyMaterialStatePendingMultiRegionImportAndRotation)
	assert.Equal(t, []string{"CURRENT IMPORTED", awaited + " IMPORTED"}, states(key))
	assert.Equal(t, []string{"CURRENT IMPORTED", awaited + " PENDING_IMPORT"}, states(replica))
	assert.Equal(t, types.KeyStateEnabled, b.metadata(replica).KeyState)
	assert.Equal(t, "KMSInvalidStateException: The key material pending rotation of "+key+" has not been imported into all of its replica keys.", said(rotate()))
	require.NoError(t, b.importInto(replica, material(2)))
	assert.Equal(t, []string{"CURRENT IMPORTED", "PENDING_ROTATION IMPORTED"}, states(replica))

	require.NoError(t, second(b.in(europe).DeleteImportedKeyMaterial(b.ctx, &kms.DeleteImportedKeyMaterialInput{
		KeyId: &replica, KeyMaterialId: b.pendingMaterial(replica),
	})))
	assert.Equal(t, []string{"CURRENT IMPORTED", awaited + " PENDING_IMPORT"}, states(replica), "it is still awaited")
	require.NoError(t, b.importInto(replica, material(2)))
	require.NoError(t, rotate())
	for _, k := range []string{key, replica} {
		assert.Equal(t, []string{"NON_CURRENT IMPORTED", "CURRENT IMPORTED"}, states(k))
	}
	require.NoError(t, b.movePrimary(key, europe))
	require.NoError(t, b.importInto(replica, material(3), asNew), "MR-131")
	assert.Equal(t, []string{"NON_CURRENT IMPORTED", "CURRENT IMPORTED", awaited + " PENDING_IMPORT"}, states(key))
}

// pendingMaterial is the id of the last material of a key.
func (b bench) pendingMaterial(key string) *string {
	b.t.Helper()
	out, err := b.in(regionOf(key)).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial})
	require.NoError(b.t, err)
	return out.Rotations[len(out.Rotations)-1].KeyMaterialId
}

// setWorld has a user for each permission that multi-Region keys need.
const setWorld = `
-- world.yaml --
regions: [us-east-1, eu-west-1]
accounts:
  "111122223333":
    users:
      alice:
        policies: {all: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
        access-keys: {AKIAALICE: alice-secret}
      here:
        policies:
          keys: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "kms:*", Resource: "*", Condition: {StringEquals: {"aws:RequestedRegion": us-east-1}}}}
        access-keys: {AKIAHERE: here-secret}
      keeper:
        policies:
          keys: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "kms:*", Resource: "*"}}
        access-keys: {AKIAKEEPER: keeper-secret}
      untagged:
        policies:
          keys: {Version: "2012-10-17", Statement: {Effect: Allow, NotAction: "kms:TagResource", Resource: "*"}}
        access-keys: {AKIAUNTAGGED: untagged-secret}
      replicas:
        policies:
          keys: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "kms:*", Resource: "*", Condition: {StringEqualsIfExists: {"kms:MultiRegionKeyType": REPLICA}}}}
        access-keys: {AKIAREPLICAS: replicas-secret}
      europe:
        policies:
          keys:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "kms:*", Resource: "*"}
              - {Effect: Deny, Action: "kms:ReplicateKey", Resource: "*", Condition: {StringNotLike: {"kms:ReplicaRegion": "eu-*"}}}
              - {Effect: Deny, Action: "kms:UpdatePrimaryRegion", Resource: "*", Condition: {StringNotLike: {"kms:PrimaryRegion": "us-*"}}}
        access-keys: {AKIAEUROPE: europe-secret}
`

// TestSetsNeedPermissions: MR-090 to MR-096, MR-100 to MR-105, MR-110.
func TestSetsNeedPermissions(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: setWorld})
	as := func(name, region string) *kms.Client {
		return b.KMS(enginetest.Keys{ID: "AKIA" + strings.ToUpper(name), Secret: name + "-secret"}, region)
	}
	arn := func(name string) string { return "arn:aws:iam::111122223333:user/" + name }
	create := func(name string, multiRegion bool) func() error {
		return func() error {
			return second(as(name, region).CreateKey(b.ctx, &kms.CreateKeyInput{MultiRegion: &multiRegion}))
		}
	}
	replicate := func(name string, tags []types.Tag) func() error {
		key := b.newMultiRegion()
		return func() error {
			return second(as(name, region).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: aws.String(europe), Tags: tags}))
		}
	}
	roleARN := "arn:aws:iam::111122223333:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
	noneAllows := func(name, action string) string {
		return "AccessDeniedException: User: " + arn(name) + " is not authorized to perform: kms:" + action + " because no identity-based policy allows the kms:" + action + " action"
	}
	answers(t, []ask{
		{"a key of one Region without the role", create("keeper", false), "ok"},
		{"a primary key without the role (MR-110)", create("keeper", true),
			"AccessDeniedException: User: " + arn("keeper") + " is not authorized to perform: iam:CreateServiceLinkedRole on resource: " + roleARN +
				" because no identity-based policy allows the iam:CreateServiceLinkedRole action"},
		{"with it", create("untagged", true), "ok"},
		{"a primary key by who may make replicas (MR-102)", create("replicas", true), noneAllows("replicas", "CreateKey")},
		{"a replica (MR-091)", replicate("keeper", nil), "ok"},
		{"without CreateKey in its Region (MR-092)", replicate("here", nil), noneAllows("here", "CreateKey")},
		{"without tagging there (MR-094)", replicate("untagged", tags("a", "b")), noneAllows("untagged", "TagResource")},
		{"without tags", replicate("untagged", nil), "ok"},
		{"to a Region that a policy allows (MR-104)", replicate("europe", nil), "ok"},
	})
	key := b.newMultiRegion()
	replica := b.replicate(key, europe)
	move := func(name string) func() error {
		return func() error {
			return second(as(name, region).UpdatePrimaryRegion(b.ctx, &kms.UpdatePrimaryRegionInput{KeyId: &key, PrimaryRegion: aws.String(europe)}))
		}
	}
	describe := func(name, key string) func() error {
		return func() error {
			return second(as(name, regionOf(key)).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		}
	}
	answers(t, []ask{
		{"a move that is allowed here alone (MR-096)", move("here"), noIdentity(arn("here"), "UpdatePrimaryRegion", replica)},
		{"to a Region that a policy denies (MR-105)", move("europe"), "AccessDeniedException: User: " + arn("europe") +
			" is not authorized to perform: kms:UpdatePrimaryRegion on resource: " + key + " with an explicit deny in an identity-based policy"},
		{"the replica (MR-101)", describe("replicas", replica), "ok"},
		{"the primary", describe("replicas", key), noIdentity(arn("replicas"), "DescribeKey", key)},
		{"a move", move("keeper"), "ok"},
		{"the new primary (MR-103)", describe("replicas", replica), noIdentity(arn("replicas"), "DescribeKey", replica)},
		{"the new replica", describe("replicas", key), "ok"},
	})
}
