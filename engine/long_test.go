package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// spiky is a key policy whose patterns take more steps than a decision may
// have, if the request's Referer is long.
const spiky = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},"Action":"kms:*","Resource":"*"},
	{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringLike":{"aws:Referer":["*${aws:Referer}?0*","*${aws:Referer}?1*"]}}}]}`

// TestValuesThatAreTooLongForPatternsAreTheCallersFault: W-18. Across accounts
// they tell nothing of the key.
func TestValuesThatAreTooLongForPatternsAreTheCallersFault(t *testing.T) {
	t.Parallel()
	b := newNetworks(t, enginetest.Config{})
	key, plain := b.newKey(spiky), b.newKey("")
	long := enginetest.Header("Referer", strings.Repeat("a", 20_000))
	encrypt := func(who enginetest.Keys, key string, options ...func(*kms.Options)) func() error {
		return func() error {
			return second(b.KMS(who, region, options...).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p")}))
		}
	}
	const fault = "ValidationException: A value of the request is too long for the patterns of the policies that apply to it."
	answers(t, []ask{
		{"a short value", encrypt(alice, key, enginetest.Header("Referer", "a")), "ok"},
		{"a long one", encrypt(alice, key, long), fault},
		{"a long one for a key without such patterns", encrypt(alice, plain, long), "ok"},
		{"another account", encrypt(carol, key, long), foreign(carolARN, "Encrypt", key)},
		{"a policy that its own caller could not be held against", func() error {
			return second(b.KMS(alice, region, long).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &plain, Policy: aws.String(spiky)}))
		}, fault},
	})

	records, err := b.recorded(func() error {
		return second(b.KMS(alice, region, b.at("narrow"), long).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &key}))
	})
	code, message := failure(t, err)
	assert.Equal(t, "AccessDeniedException", code)
	assert.Contains(t, message, "VPC endpoint policy", "the endpoint refused the alias, before the key was asked about")
	require.Len(t, records, 1, "not only the endpoint was in its way")
}
