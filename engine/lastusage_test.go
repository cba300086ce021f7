package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/store"
)

func (b bench) lastUse(key string) *kms.GetKeyLastUsageOutput {
	b.t.Helper()
	out, err := b.in(regionOf(key)).GetKeyLastUsage(b.ctx, &kms.GetKeyLastUsageInput{KeyId: &key})
	require.NoError(b.t, err)
	return out
}

// TestEveryUseOfAKeyIsTracked (NEW-02): each operation that uses a key, with
// the event and the request of the use.
func TestEveryUseOfAKeyIsTracked(t *testing.T) {
	b := newBench(t)
	uses := types.KeyLastUsageTrackingOperation("").Values()
	for _, operation := range sortedKeys(calls) {
		if onNoKey[operation] || operation == "ScheduleKeyDeletion" {
			continue
		}
		f := b.newFixture("")
		b.arrange(f, ready(operation))
		key := f.keyOf(operation)
		b.Clock.Advance(time.Minute)
		events, err := b.recorded(func() error { return calls[operation](b.ctx, b.as(alice), f) })
		require.NoError(t, err, operation)
		if operation == "DeleteAlias" {
			continue
		}
		last := b.lastUse(key).KeyLastUsage
		used := last != nil && last.Timestamp != nil && last.Timestamp.Equal(b.Clock.Now().Truncate(time.Second))
		counts := false
		for _, u := range uses {
			counts = counts || string(u) == operation
		}
		require.Equal(t, counts, used, operation)
		if counts {
			assert.Equal(t, operation, string(last.Operation))
			assert.Equal(t, events[0].EventID, *last.CloudTrailEventId, operation)
			assert.Equal(t, events[0].RequestID, *last.KmsRequestId, operation)
		}
	}
}

// TestOnlySuccessIsUse: refusals, failures and dry runs are none.
func TestOnlySuccessIsUse(t *testing.T) {
	b := newBench(t)
	key := b.newKey(open)
	unused := func() {
		t.Helper()
		out := b.lastUse(key)
		assert.Nil(t, out.KeyLastUsage.Timestamp)
		assert.Equal(t, out.KeyCreationDate, out.TrackingStartDate)
	}
	unused()
	assert.Error(t, b.encrypts(dave, key, nil)())
	assert.Error(t, second(b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p"), DryRun: aws.Bool(true)})))
	assert.Error(t, second(b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: []byte("none")})))
	unused()
	events, err := b.recorded(b.encrypts(carol, key, nil))
	require.NoError(t, err)
	assert.Equal(t, events[1].EventID, *b.lastUse(key).KeyLastUsage.CloudTrailEventId, "of the record in the account of the key")

	other := b.newKey("")
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")})
	require.NoError(t, err)
	require.NoError(t, second(b.as(alice).ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: sealed.CiphertextBlob, DestinationKeyId: &other})))
	for _, k := range []string{key, other} {
		assert.Equal(t, "ReEncrypt", string(b.lastUse(k).KeyLastUsage.Operation), "of both keys")
	}
}

// TestUsesAreWrittenBySweeper: not by the use, which changes nothing; they
// outlive the process, and go with the key.
func TestUsesAreWrittenBySweeper(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, enginetest.Config{World: worldText, Dir: dir})
	key := b.newKey("")
	addr := store.KeyAddr{Account: acme, Region: region, ID: id(key)}
	stored := func(b bench) bool {
		err := b.Store.View(func(tx *store.Tx) error { return second(tx.Usage(addr)) })
		require.True(t, err == nil || errors.Is(err, store.ErrNotFound))
		return err == nil
	}
	require.NoError(t, b.encrypts(alice, key, nil)())
	assert.False(t, stored(b))
	require.NoError(t, b.Engine.Sweep(b.ctx))
	assert.True(t, stored(b))
	want := b.lastUse(key).KeyLastUsage
	b.Stop()

	again := start(t, enginetest.Config{World: worldText, Dir: dir})
	assert.Equal(t, want, again.lastUse(key).KeyLastUsage)
	require.NoError(t, second(again.as(alice).ScheduleKeyDeletion(again.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})))
	again.pass(30)
	assert.False(t, stored(again))
	require.NoError(t, again.Store.Check())
}

// TestSiblingsAreUsedEachOnItsOwn (NEW-02), also one that is made again.
func TestSiblingsAreUsedEachOnItsOwn(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	replica := b.replicate(key, europe)
	require.NoError(t, second(b.in(europe).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &replica, Plaintext: []byte("p")})))
	assert.NotNil(t, b.lastUse(replica).KeyLastUsage.Timestamp)
	assert.Nil(t, b.lastUse(key).KeyLastUsage.Timestamp)
	require.NoError(t, second(b.in(europe).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &replica, PendingWindowInDays: aws.Int32(7)})))
	b.pass(7)
	b.replicate(key, europe)
	assert.Nil(t, b.lastUse(replica).KeyLastUsage.Timestamp)
}

// TestPoliciesCanAskHowLongAKeyIsIdle: kms:TrailingDaysWithoutKeyUsage.
func TestPoliciesCanAskHowLongAKeyIsIdle(t *testing.T) {
	b := newBench(t)
	key := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":["kms:DisableKey","kms:ScheduleKeyDeletion"],"Resource":"*",
			"Condition":{"NumericLessThan":{"kms:TrailingDaysWithoutKeyUsage":"90"}}}]}`)
	disable := func() error {
		return second(b.as(alice).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key}))
	}
	schedule := func() error {
		return second(b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key}))
	}
	b.Clock.Advance(89 * day)
	assert.ErrorContains(t, disable(), "explicit deny", "since it was made")
	require.NoError(t, b.encrypts(alice, key, nil)())
	b.Clock.Advance(90*day - time.Hour)
	assert.ErrorContains(t, disable(), "explicit deny", "since it was used")
	assert.ErrorContains(t, schedule(), "explicit deny")
	b.Clock.Advance(time.Hour)
	assert.NoError(t, disable())
	assert.NoError(t, schedule())
}
