package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// enableRotation turns automatic rotation on, as alice.
func (b bench) enableRotation(key string, days int32) {
	b.t.Helper()
	in := &kms.EnableKeyRotationInput{KeyId: &key}
	if days > 0 {
		in.RotationPeriodInDays = &days
	}
	require.NoError(b.t, second(b.as(alice).EnableKeyRotation(b.ctx, in)))
}

// pass lets days go by, with a sweep each time something may have fallen due.
func (b bench) pass(days int) {
	b.t.Helper()
	b.Clock.Advance(time.Duration(days) * day)
	require.NoError(b.t, b.Engine.Sweep(b.ctx))
}

func (b bench) rotationStatus(key string) *kms.GetKeyRotationStatusOutput {
	b.t.Helper()
	out, err := b.as(alice).GetKeyRotationStatus(b.ctx, &kms.GetKeyRotationStatusInput{KeyId: &key})
	require.NoError(b.t, err)
	assert.Equal(b.t, key, *out.KeyId)
	return out
}

// rotations are the types and dates of the rotations of a key.
func (b bench) rotations(key string) (list []string) {
	b.t.Helper()
	out, err := b.as(alice).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key})
	require.NoError(b.t, err)
	for _, r := range out.Rotations {
		assert.Equal(b.t, key, *r.KeyId)
		list = append(list, fmt.Sprintf("%s %s", r.RotationType, r.RotationDate.Format(time.DateOnly)))
	}
	return list
}

func (b bench) date(days int) string {
	return b.Clock.Now().Add(time.Duration(days) * day).Format(time.DateOnly)
}

func TestAutomaticRotationFollowsItsSchedule(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	status := b.rotationStatus(key)
	assert.False(t, status.KeyRotationEnabled, "ROT-01")
	assert.Nil(t, status.NextRotationDate)
	assert.Nil(t, status.RotationPeriodInDays, "ROT-14")
	b.pass(100)
	b.enableRotation(key, 0)
	first := b.date(365)
	status = b.rotationStatus(key)
	assert.True(t, status.KeyRotationEnabled)
	assert.Equal(t, int32(365), *status.RotationPeriodInDays, "ROT-03")
	assert.Equal(t, first, status.NextRotationDate.Format(time.DateOnly), "counted from the day of enabling (ROT-04)")
	b.pass(364)
	assert.Empty(t, b.rotations(key))
	b.pass(1)
	assert.Equal(t, []string{"AUTOMATIC " + first}, b.rotations(key))
	next := b.date(365)
	b.pass(365)
	assert.Equal(t, []string{"AUTOMATIC " + first, "AUTOMATIC " + next}, b.rotations(key))

	b.enableRotation(key, 90)
	assert.Equal(t, b.date(90), b.rotationStatus(key).NextRotationDate.Format(time.DateOnly), "AMB-24")
	require.NoError(t, second(b.as(alice).DisableKeyRotation(b.ctx, &kms.DisableKeyRotationInput{KeyId: &key})))
	b.pass(1000)
	assert.Len(t, b.rotations(key), 2, "ROT-06")
}

// TestOldCiphertextsStillOpen (ROT-09, SYM-07): what was encrypted before a
// rotation opens after it, and new ciphertexts are under the new material.
func TestOldCiphertextsStillOpen(t *testing.T) {
	b := newBench(t)
	key, c := b.newKey(""), b.as(alice)
	var blobs [][]byte
	materials := map[string]bool{}
	for i := range 4 {
		sealed, err := c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte{byte(i)}})
		require.NoError(t, err)
		blobs = append(blobs, sealed.CiphertextBlob)
		described, err := c.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		require.NoError(t, err)
		materials[*described.KeyMetadata.CurrentKeyMaterialId] = true
		require.NoError(t, second(c.RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})))
		for n, blob := range blobs {
			opened, err := c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: blob})
			require.NoError(t, err)
			assert.Equal(t, []byte{byte(n)}, opened.Plaintext)
			assert.True(t, materials[*opened.KeyMaterialId])
			assert.NotEqual(t, *described.KeyMetadata.CurrentKeyMaterialId == *opened.KeyMaterialId, n < i, "the material that encrypted")
		}
	}
	assert.Len(t, materials, 4)
}

func TestRotationOnDemand(t *testing.T) {
	b := newBench(t)
	key, c := b.newKey(""), b.as(alice)
	b.enableRotation(key, 730)
	due := b.date(730)
	rotate := func() error {
		return second(c.RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key}))
	}
	for range 25 {
		require.NoError(t, rotate())
	}
	assert.Equal(t, "LimitExceededException: The on-demand rotations limit has been reached for the given keyId. "+
		"No more on-demand rotations can be performed for this key: "+key, said(rotate()), "ROD-04, NEW-05")
	assert.Equal(t, due, b.rotationStatus(key).NextRotationDate.Format(time.DateOnly), "ROD-02")
	assert.Len(t, b.rotations(key), 25)

	key = b.newKey("")
	b.enableRotation(key, 90)
	b.Clock.Advance(90*day - 10*time.Minute)
	assert.Equal(t, "ConflictException: An automatic rotation of "+key+" is in progress or due within 20 minutes.", said(rotate()), "NEW-05")
}

func TestListKeyRotationsByPages(t *testing.T) {
	b := newBench(t)
	key, c := b.newKey(""), b.as(alice)
	for range 5 {
		require.NoError(t, second(c.RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})))
	}
	in := &kms.ListKeyRotationsInput{KeyId: &key, Limit: aws.Int32(2), IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial}
	var states []types.KeyMaterialState
	seen := map[string]bool{}
	pages := kms.NewListKeyRotationsPaginator(c, in)
	for n := 0; pages.HasMorePages(); n++ {
		out, err := pages.NextPage(b.ctx)
		require.NoError(t, err)
		for _, r := range out.Rotations {
			assert.False(t, seen[*r.KeyMaterialId])
			seen[*r.KeyMaterialId] = true
			states = append(states, r.KeyMaterialState)
			assert.Equal(t, len(states) > 1, r.RotationDate != nil, "the first material came with the key")
		}
	}
	old := types.KeyMaterialStateNonCurrent
	assert.Equal(t, []types.KeyMaterialState{old, old, old, old, old, types.KeyMaterialStateCurrent}, states)
}

// TestRotationWaitsForAnEnabledKey (ROT-07, ROT-08, AMB-22).
func TestRotationWaitsForAnEnabledKey(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	b.enableRotation(f.key, 90)
	b.arrange(f, types.KeyStateDisabled)
	b.pass(100)
	assert.Empty(t, b.rotations(f.key))
	assert.True(t, b.rotationStatus(f.key).KeyRotationEnabled, "unchanged")
	require.NoError(t, second(b.as(alice).EnableKey(b.ctx, &kms.EnableKeyInput{KeyId: &f.key})))
	b.pass(0)
	assert.Len(t, b.rotations(f.key), 1, "overdue")
	assert.Equal(t, b.date(90), b.rotationStatus(f.key).NextRotationDate.Format(time.DateOnly), "AMB-23")

	b.arrange(f, types.KeyStatePendingDeletion)
	assert.False(t, b.rotationStatus(f.key).KeyRotationEnabled)
	require.NoError(t, second(b.as(alice).CancelKeyDeletion(b.ctx, &kms.CancelKeyDeletionInput{KeyId: &f.key})))
	assert.True(t, b.rotationStatus(f.key).KeyRotationEnabled, "as before")
	b.pass(100)
	assert.Len(t, b.rotations(f.key), 1, "the key is disabled")
}

func TestOnlySymmetricKeysRotate(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	for _, key := range []string{f.signing, f.agreeing, f.hmac} {
		assert.False(t, b.rotationStatus(key).KeyRotationEnabled, "ROT-14")
		for _, operation := range []string{"EnableKeyRotation", "DisableKeyRotation", "ListKeyRotations", "RotateKeyOnDemand"} {
			assert.Equal(t, "UnsupportedOperationException", said(calls[operation](b.ctx, b.as(alice), f.all(key))), "%s (ROT-02)", operation)
		}
	}
	b.arrangeKey(f.signing, types.KeyStateDisabled)
	assert.Equal(t, "DisabledException: "+f.signing+" is disabled.", said(calls["RotateKeyOnDemand"](b.ctx, b.as(alice), f.all(f.signing))), "AMB-05")
	assert.Equal(t, "ValidationException: 1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: "+
		"Member must have value greater than or equal to 90", said(second(b.as(alice).EnableKeyRotation(b.ctx, &kms.EnableKeyRotationInput{
		KeyId: &f.key, RotationPeriodInDays: aws.Int32(89),
	}))), "ROT-03")
}

// TestRotationsAreRecorded (ROT-15, CT-082).
func TestRotationsAreRecorded(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	b.enableRotation(key, 90)
	require.NoError(t, second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})))
	b.pass(90)
	records := b.records("RotateKey")
	require.Len(t, records, 2)
	for i, kind := range []string{"ON_DEMAND", "AUTOMATIC"} {
		assert.Equal(t, kind, records[i].ServiceEventDetails.RotationType)
		assert.Equal(t, id(key), records[i].ServiceEventDetails.KeyID, "not the ARN (CT-037)")
		assert.Equal(t, "AwsServiceEvent", records[i].EventType)
	}
}
