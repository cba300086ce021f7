package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// seededWorld lists keys.
const seededWorld = `
-- world.yaml --
regions: [us-east-1, eu-west-1]
accounts:
  "111122223333":
    users:
      alice:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAALICE: alice-secret}
      nobody:
        access-keys: {AKIANOBODY: nobody-secret}
    keys:
      payroll:
        region: eu-west-1
        description: Salaries
        tags: {data: salaries}
        aliases: [alias/payroll, alias/salaries]
        policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:user/alice"}, Action: "kms:*", Resource: "*"}]}
        grants:
          nightly:
            grantee: user/nobody
            operations: [Encrypt]
            subset: {dept: finance}
      off: {state: Disabled}
      leaving: {state: PendingDeletion}
`

func TestKeysOfTheWorldAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	b := start(t, enginetest.Config{World: seededWorld, Dir: dir})
	eu := b.KMS(alice, "eu-west-1")
	out, err := eu.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/payroll")})
	require.NoError(t, err)
	assert.Equal(t, "Salaries", *out.KeyMetadata.Description)
	key := *out.KeyMetadata.Arn
	encrypt := func(pairs map[string]string) func() error {
		return func() error {
			return second(b.KMS(nobody, "eu-west-1").Encrypt(b.ctx, &kms.EncryptInput{KeyId: aws.String("alias/salaries"), Plaintext: []byte("p"), EncryptionContext: pairs}))
		}
	}
	answers(t, []ask{
		{"its grant counts", encrypt(pairsOf("dept", "finance")), "ok"},
		{"with its constraint", encrypt(nil), noResource(nobodyARN, "Encrypt", key)},
		{"it is deleted in the end", func() error {
			return second(eu.ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: aws.Int32(7)}))
		}, "ok"},
	})
	states := map[types.KeyState]string{}
	for _, arn := range b.listedKeys() {
		states[b.describe(arn).KeyState] = arn
	}
	require.Len(t, states, 2)
	assert.NotEmpty(t, states[types.KeyStateDisabled])
	leaving := b.describe(states[types.KeyStatePendingDeletion])
	assert.Equal(t, b.Clock.Now().Add(30*day), *leaving.DeletionDate, "a key that is listed as pending deletion has its whole waiting period")
	b.Clock.Advance(7 * day)
	require.NoError(t, b.Engine.Sweep(b.ctx))
	b.Stop()

	again := start(t, enginetest.Config{World: seededWorld, Dir: dir})
	gone := second(again.KMS(alice, "eu-west-1").DescribeKey(again.ctx, &kms.DescribeKeyInput{KeyId: &key}))
	assert.Equal(t, "NotFoundException: Key '"+key+"' does not exist", said(gone), "what was deleted does not come back")
	assert.Len(t, again.listedKeys(), 2)
}

// TestSetsOfTheWorldAreMadeWhole: a replica of the world has the material of its
// primary.
func TestSetsOfTheWorldAreMadeWhole(t *testing.T) {
	const keyID = "mrk-7c1e52a093d44b6f8a172d5be09c6f31"
	set := func(replica string) string {
		return strings.Replace(seededWorld, "      off:", "      wide: {multi-region: true, id: "+keyID+"}\n      far: {"+replica+", id: "+keyID+"}\n      off:", 1)
	}
	b := start(t, enginetest.Config{World: set("region: eu-west-1, replica-of: us-east-1")})
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: aws.String(keyID), Plaintext: []byte("p")})
	require.NoError(t, err)
	assert.NoError(t, second(b.in("eu-west-1").Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})))
	out, err := b.in("eu-west-1").DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(keyID)})
	require.NoError(t, err)
	assert.Equal(t, types.MultiRegionKeyTypeReplica, out.KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType)
	require.NoError(t, b.Store.Check())
}
