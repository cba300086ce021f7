package engine_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestThereAreNoCustomKeyStores: what is asked of one is validated, decided and
// answered as of one that does not exist.
func TestThereAreNoCustomKeyStores(t *testing.T) {
	b := newBench(t)
	listed, err := b.as(alice).DescribeCustomKeyStores(b.ctx, &kms.DescribeCustomKeyStoresInput{})
	require.NoError(t, err)
	assert.Empty(t, listed.CustomKeyStores)
	assert.False(t, listed.Truncated)
	describe := func(in kms.DescribeCustomKeyStoresInput) func() error {
		return func() error { return second(b.as(alice).DescribeCustomKeyStores(b.ctx, &in)) }
	}
	absent := best("ConnectCustomKeyStore")
	answers(t, []ask{
		{"one by its id", describe(kms.DescribeCustomKeyStoresInput{CustomKeyStoreId: aws.String(noStore)}), absent},
		{"one by its name", describe(kms.DescribeCustomKeyStoresInput{CustomKeyStoreName: aws.String("ours")}),
			"CustomKeyStoreNotFoundException: The custom key store ours does not exist."},
		{"one by both", describe(kms.DescribeCustomKeyStoresInput{CustomKeyStoreId: aws.String(noStore), CustomKeyStoreName: aws.String("ours")}),
			"ValidationException: You can specify CustomKeyStoreId or CustomKeyStoreName, but not both."},
		{"a marker of another listing", describe(kms.DescribeCustomKeyStoresInput{Marker: aws.String("bm9uZQ==")}), "InvalidMarkerException: The marker is not valid."},
		{"an input that breaks a constraint", func() error {
			return second(b.as(nobody).CreateCustomKeyStore(b.ctx, &kms.CreateCustomKeyStoreInput{CustomKeyStoreName: aws.String("ours"), CloudHsmClusterId: aws.String("c")}))
		}, "ValidationException: 2 validation errors detected: Value 'c' at 'cloudHsmClusterId' failed to satisfy constraint: Member must have length greater than or equal to 19; " +
			"Value 'c' at 'cloudHsmClusterId' failed to satisfy constraint: Member must satisfy regular expression pattern: cluster-[2-7a-zA-Z]{11,16}"},
		{"an external one", func() error {
			return second(b.as(alice).CreateCustomKeyStore(b.ctx, &kms.CreateCustomKeyStoreInput{
				CustomKeyStoreName: aws.String("ours"), CustomKeyStoreType: types.CustomKeyStoreTypeExternalKeyStore,
			}))
		}, best("CreateCustomKeyStore")},
	})
}
