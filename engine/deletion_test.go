package engine_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/store"
)

const day = 24 * time.Hour

func (b bench) describe(key string) *types.KeyMetadata {
	b.t.Helper()
	out, err := b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
	require.NoError(b.t, err)
	return out.KeyMetadata
}

func TestKeyIsDisabledAndEnabled(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	c := b.as(alice)
	for range 2 { // the second time it is so already (STA-01)
		require.NoError(t, second(c.DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &f.key})))
		m := b.describe(f.key)
		assert.Equal(t, types.KeyStateDisabled, m.KeyState)
		assert.False(t, m.Enabled, "LST-05")
	}
	assert.Equal(t, "DisabledException: "+f.key+" is disabled.", said(calls["Decrypt"](b.ctx, c, f)), "STA-02")
	for range 2 {
		require.NoError(t, second(c.EnableKey(b.ctx, &kms.EnableKeyInput{KeyId: aws.String(id(f.key))})))
		m := b.describe(f.key)
		assert.Equal(t, types.KeyStateEnabled, m.KeyState)
		assert.True(t, m.Enabled)
	}
	opened, err := c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs})
	require.NoError(t, err)
	assert.Equal(t, f.plaintext, opened.Plaintext)
}

func TestDescriptionIsChanged(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	for _, text := range []string{"first", "", "last"} {
		require.NoError(t, second(b.as(alice).UpdateKeyDescription(b.ctx, &kms.UpdateKeyDescriptionInput{KeyId: &f.key, Description: &text})))
		assert.Equal(t, text, *b.describe(f.key).Description)
	}
	b.arrange(f, types.KeyStatePendingDeletion)
	assert.Equal(t, "KMSInvalidStateException: "+f.key+" is pending deletion.", said(calls["UpdateKeyDescription"](b.ctx, b.as(alice), f)), "STA-07")
}

func TestDeletionIsScheduledWithAWaitingPeriod(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name string
		days *int32
		want int32
	}{
		{"the shortest", aws.Int32(7), 7}, {"the longest", aws.Int32(30), 30}, {"the default (DEL-01)", nil, 30},
	} {
		key := b.newKey("")
		out, err := b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: aws.String(id(key)), PendingWindowInDays: c.days})
		require.NoError(t, err, c.name)
		date := b.Clock.Now().Add(time.Duration(c.want) * day)
		out.ResultMetadata = middleware.Metadata{}
		assert.Equal(t, &kms.ScheduleKeyDeletionOutput{
			KeyId: &key, DeletionDate: &date, KeyState: types.KeyStatePendingDeletion, PendingWindowInDays: &c.want,
		}, out, "%s: DEL-02", c.name)
		m := b.describe(key)
		assert.Equal(t, date, *m.DeletionDate, c.name)
		assert.Equal(t, types.KeyStatePendingDeletion, m.KeyState, c.name)
	}
	key := b.newKey("")
	schedule := func(days int32) func() error {
		return func() error {
			return second(b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: &days}))
		}
	}
	answers(t, []ask{
		{"six days", schedule(6),
			"ValidationException: Invalid pending window days: 6. PendingWindowInDays must be between 7 and 30 (inclusive)."},
		{"31 days, which the shape allows", schedule(31),
			"ValidationException: Invalid pending window days: 31. PendingWindowInDays must be between 7 and 30 (inclusive)."},
		{"no days", schedule(0), "ValidationException: 1 validation error detected: Value '0' at 'pendingWindowInDays' " +
			"failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"more days than the shape allows", schedule(366), "ValidationException: 1 validation error detected: Value '366' at " +
			"'pendingWindowInDays' failed to satisfy constraint: Member must have value less than or equal to 365"},
	})
	assert.Equal(t, types.KeyStateEnabled, b.describe(key).KeyState)
}

func TestCancelledDeletionLeavesTheKeyDisabled(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	b.arrange(f, types.KeyStatePendingDeletion)
	b.Clock.Advance(30*day - time.Second)
	out, err := b.as(alice).CancelKeyDeletion(b.ctx, &kms.CancelKeyDeletionInput{KeyId: &f.key})
	require.NoError(t, err)
	assert.Equal(t, f.key, *out.KeyId)
	m := b.describe(f.key)
	assert.Equal(t, types.KeyStateDisabled, m.KeyState, "DEL-07")
	assert.Nil(t, m.DeletionDate)
	b.Clock.Advance(2 * time.Second)
	require.NoError(t, b.Engine.Sweep(b.ctx))
	require.NoError(t, second(b.as(alice).EnableKey(b.ctx, &kms.EnableKeyInput{KeyId: &f.key})))
	assert.Equal(t, "ok", said(calls["Decrypt"](b.ctx, b.as(alice), f)), "the sweeper left it alone")
	assert.Empty(t, b.records("DeleteKey"))
}

// TestKeyIsGoneAtItsDate looks first before the sweeper came by, and again
// after it: nobody can tell the difference.
func TestKeyIsGoneAtItsDate(t *testing.T) {
	b := newBench(t)
	f := b.newFixture(open)
	others := []string{f.other, f.signing, f.agreeing, f.hmac, b.newKey("")}
	f = f.all(f.key)
	b.arrange(f, types.KeyStatePendingDeletion)
	b.Clock.Advance(30 * day)
	for _, when := range []string{"before the sweep", "after the sweep"} {
		absent := "NotFoundException: Key '" + f.key + "' does not exist"
		for _, operation := range sortedKeys(calls) {
			if !onNoKey[operation] && operation != "DeleteAlias" && operation != "UpdateAlias" {
				assert.Equal(t, absent, said(calls[operation](b.ctx, b.as(alice), f)), "%s %s", operation, when)
			}
		}
		noAlias := "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:" + f.alias + " is not found."
		answers(t, []ask{
			{"deleting its alias " + when, func() error { return calls["DeleteAlias"](b.ctx, b.as(alice), f) }, noAlias},
			{"moving its alias " + when, func() error { return calls["UpdateAlias"](b.ctx, b.as(alice), f) }, noAlias},
			{"its alias as a name " + when, func() error {
				return second(b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.alias}))
			}, noAlias},
			{"its ciphertext " + when, func() error {
				return second(b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs}))
			}, hidden},
			{"its grant token " + when, func() error {
				return second(b.as(alice).RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: &f.token}))
			}, "NotFoundException: Grant " + f.grant + " does not exist."},
		})
		assert.ElementsMatch(t, others, b.listedKeys(), "ListKeys %s", when)
		aliases, err := b.as(alice).ListAliases(b.ctx, &kms.ListAliasesInput{})
		require.NoError(t, err)
		assert.Empty(t, aliases.Aliases, when)
		retirable, err := b.as(alice).ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(bobARN)})
		require.NoError(t, err)
		assert.Empty(t, retirable.Grants, when)
		require.NoError(t, b.Engine.Sweep(b.ctx))
	}
	require.NoError(t, b.Store.View(func(tx *store.Tx) error {
		_, err := tx.Key(store.KeyAddr{Account: acme, Region: region, ID: id(f.key)})
		require.ErrorIs(t, err, store.ErrNotFound, "the record went")
		n, err := tx.CountKeys(acme, region)
		assert.Equal(t, len(others), n, "the quota has room again")
		return err
	}))
	require.NoError(t, b.Store.Check())
	records := b.records("DeleteKey")
	require.Len(t, records, 1, "CT-081")
	assert.Equal(t, "AwsServiceEvent", records[0].EventType)
}

func TestAliasOfAGoneKeyIsFreeAtOnce(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	next := b.newKey("")
	b.arrange(f, types.KeyStatePendingDeletion)
	b.Clock.Advance(30 * day)
	require.NoError(t, second(b.as(alice).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &f.alias, TargetKeyId: &next})))
	require.NoError(t, b.Engine.Sweep(b.ctx))
	assert.Equal(t, next, *b.describe(f.alias).Arn, "the sweeper took only the aliases of its key")
	require.NoError(t, b.Store.Check())
}

func TestManyGrantsGoWithTheirKey(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	addr := store.KeyAddr{Account: acme, Region: region, ID: id(f.key)}
	b.addGrants(addr, 450)
	b.arrange(f, types.KeyStatePendingDeletion)
	b.Clock.Advance(30 * day)
	require.NoError(t, b.Engine.Sweep(b.ctx))
	require.NoError(t, b.Store.View(func(tx *store.Tx) error {
		n, err := tx.CountGrants(addr)
		assert.Zero(t, n)
		return err
	}))
	require.NoError(t, b.Store.Check())
	assert.Len(t, b.records("DeleteKey"), 1)
}
