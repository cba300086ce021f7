package engine_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// internalScenes are scenes in which the service acts by itself, one after the
// other.
func (b bench) internalScenes() []scene {
	rotating, primary := b.newKey(""), b.newMultiRegion()
	b.enableRotation(rotating, 90)
	b.replicate(primary, europe)
	expiring := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt)
	b.mustBring(expiring, material(1), until(b.Clock.Now().Add(100*day)))
	deleted := b.newKey("")
	return []scene{
		{"1 rotation on demand (CT-082)", func() error {
			return second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &rotating}))
		}},
		{"2 automatic rotation (CT-082)", b.sweepAfter(90 * day)},
		{"3 expiry (CT-080)", b.sweepAfter(10 * day)},
		{"4 what siblings share changes (CT-083)", func() error {
			return second(b.as(alice).EnableKeyRotation(b.ctx, &kms.EnableKeyRotationInput{KeyId: &primary}))
		}},
		{"5 a primary with a replica rotates (CT-082, CT-083)", func() error {
			return second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &primary}))
		}},
		{"6 deletion (CT-081)", func() error {
			_, err := b.as(alice).ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &deleted, PendingWindowInDays: aws.Int32(7)})
			require.NoError(b.t, err)
			_, *b.seen = b.events(*b.seen)
			return b.sweepAfter(7 * day)()
		}},
	}
}

// sweepAfter lets time pass and has the sweeper come by.
func (b bench) sweepAfter(d time.Duration) func() error {
	return func() error {
		b.Clock.Advance(d)
		return b.Engine.Sweep(b.ctx)
	}
}

func TestGoldenEventsOfInternalOperations(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Now: noon})
	b.play("internal", b.internalScenes()...)
}

// TestInternalEventsHaveTheirShape: CT-044, CT-054, CT-080 to CT-083.
func TestInternalEventsHaveTheirShape(t *testing.T) {
	b := newBench(t)
	for _, s := range b.internalScenes() {
		require.NoError(t, s.call(), s.name)
	}
	for name, want := range map[string]struct {
		eventType                   string
		requestID, answer, detailed bool
	}{
		"DeleteExpiredKeyMaterial":  {"AwsServiceEvent", false, false, true},
		"DeleteKey":                 {"AwsServiceEvent", false, true, false},
		"RotateKey":                 {"AwsServiceEvent", false, true, true},
		"SynchronizeMultiRegionKey": {"AwsApiCall", true, true, false},
	} {
		records := b.records(name)
		require.NotEmpty(t, records, name)
		for _, e := range records {
			assert.Equal(t, want.eventType, e.EventType, name)
			assert.Equal(t, want.requestID, e.RequestID != "", "%s: requestID", name)
			assert.Equal(t, want.answer, namesItsKey(t, e), "%s: the key's ARN in the answer", name)
			assert.Equal(t, want.detailed, e.ServiceEventDetails != nil, "%s: serviceEventDetails", name)
			assert.Equal(t, []string{"AWS Internal", "AWS Internal"}, []string{e.SourceIPAddress, e.UserAgent}, name)
			assert.False(t, e.ReadOnly, name)
		}
	}
}

// namesItsKey tells whether an event has the ARN of its key as the answer, and
// not null.
func namesItsKey(t *testing.T, e audit.Event) bool {
	t.Helper()
	if string(e.ResponseElements) == "null" {
		return false
	}
	require.Len(t, e.Resources, 1)
	assert.JSONEq(t, `{"keyId":"`+e.Resources[0].ARN+`"}`, string(e.ResponseElements), e.EventName)
	return true
}
