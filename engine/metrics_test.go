package engine_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// TestRequestsAndDecisionsAreCounted: by operation and outcome, those beyond a
// quota also by account and quota.
func TestRequestsAndDecisionsAreCounted(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, RequestQuotas: quotas(t, "ListKeys 1 1 *")})
	key := b.newKey("")
	require.NoError(t, b.encrypts(alice, key, nil)())
	require.Error(t, b.encrypts(nobody, key, nil)())
	list := func() error { return second(b.as(alice).ListKeys(b.ctx, &kms.ListKeysInput{})) }
	require.NoError(t, list())
	require.Equal(t, throttled, said(list()))
	require.NoError(t, second(b.STS(alice, region).GetCallerIdentity(b.ctx, &sts.GetCallerIdentityInput{})))
	b.Send(alice, region, "CookDinner", "{}")
	b.Send(enginetest.Keys{ID: alice.ID, Secret: "wrong"}, region, "ListKeys", "{}")
	text := b.Metrics()
	for _, line := range []string{
		`keyreeve_requests_total{operation="CreateKey",outcome="ok",service="kms"} 1`,
		`keyreeve_requests_total{operation="Encrypt",outcome="ok",service="kms"} 1`,
		`keyreeve_requests_total{operation="Encrypt",outcome="AccessDeniedException",service="kms"} 1`,
		`keyreeve_requests_total{operation="ListKeys",outcome="ThrottlingException",service="kms"} 1`,
		`keyreeve_requests_total{operation="GetCallerIdentity",outcome="ok",service="sts"} 1`,
		`keyreeve_requests_total{operation="unknown",outcome="UnknownOperationException",service="kms"} 1`,
		`keyreeve_requests_total{operation="unknown",outcome="InvalidSignatureException",service="kms"} 1`,
		`keyreeve_throttled_requests_total{account="111122223333",quota="ListKeys",region="us-east-1"} 1`,
		`keyreeve_request_duration_seconds_count{operation="Encrypt",service="kms"} 2`,
		`keyreeve_decision_duration_seconds_count{answer="deny"} 1`,
	} {
		assert.Contains(t, text, line+"\n")
	}
	for _, name := range []string{
		`decision_duration_seconds_count{answer="allow"}`, `decision_cache_misses_total{cache="decisions"}`, `compiled_policies`, `compiled_policy_bytes`,
		`decision_cache_bytes`, `opened_keys`, `opened_key_bytes`, `opened_key_misses_total`,
	} {
		assert.Regexp(t, "(?m)^keyreeve_"+regexp.QuoteMeta(name)+" [1-9]", text)
	}
	assert.Contains(t, text, "keyreeve_decision_cache_differences_total 0\n")
	assert.NotContains(t, text, "CookDinner")
}

// TestMadeUpRegionsFillNothing: neither buckets nor metrics are kept
// for what a request makes up.
func TestMadeUpRegionsFillNothing(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, RequestQuotas: quotas(t, "CreateKey 1 1 *\nUpdatePrimaryRegion 0 1 xx-made-1")})
	key := b.newMultiRegion()
	for _, made := range []string{"xx-made-1", "xx-made-2"} {
		answers(t, []ask{
			{"a replica", func() error {
				return second(b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: aws.String(made)}))
			}, "UnsupportedOperationException: The Region " + made + " is not one that this service has."},
			{"a move", func() error { return b.movePrimary(key, made) }, "NotFoundException: Key '" + elsewhere(key, made) + "' does not exist"},
		})
	}
	assert.Zero(t, strings.Count(b.Metrics(), "xx-made"))
}
