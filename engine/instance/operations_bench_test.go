package instance_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A measured is an operation on a key of one spec; prepare does what has to be
// done once, and returns the call.
type measured struct {
	name    string
	key     kms.CreateKeyInput
	prepare func(context.Context, *kms.Client, string) (call, error)
}

type call func(context.Context) error

func second[T any](_ T, err error) error { return err }

// BenchmarkOperations is each operation that uses a key, over HTTP with all on,
// as serve has it, signed and sent by the SDK in the same process.
//
//	go test ./engine/instance -run '^$' -bench Operations/Sign -benchtime 2s
func BenchmarkOperations(b *testing.B) {
	url, _ := serving(b)
	client := clientOf(url)
	for _, m := range operationsMeasured() {
		created, err := client.CreateKey(b.Context(), &m.key)
		require.NoError(b, err, m.name)
		run, err := m.prepare(b.Context(), client, *created.KeyMetadata.Arn)
		require.NoError(b, err, m.name)
		for _, concurrency := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/concurrency=%d", m.name, concurrency), func(b *testing.B) { measure(b, concurrency, run) })
		}
	}
}

// measure makes b.N calls and reports requests per second, and how many
// milliseconds half of them and 99 % of them took at most.
func measure(b *testing.B, concurrency int, run call) {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var workers sync.WaitGroup
	b.ResetTimer()
	for range concurrency {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				begun := time.Now()
				assert.NoError(b, run(b.Context()))
				took[i] = time.Since(begun)
			}
		})
	}
	workers.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(milliseconds(took[b.N/2]), "p50-ms")
	b.ReportMetric(milliseconds(took[b.N*99/100]), "p99-ms")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// operationsMeasured are the operations, those of one kind of key beside each
// other.
func operationsMeasured() []measured {
	list := []measured{
		{"DescribeKey", kms.CreateKeyInput{}, describes},
		{"Encrypt/SYMMETRIC_DEFAULT", kms.CreateKeyInput{}, encrypts("")},
		{"Decrypt/SYMMETRIC_DEFAULT", kms.CreateKeyInput{}, decrypts("")},
		{"GenerateDataKey/SYMMETRIC_DEFAULT", kms.CreateKeyInput{}, dataKeys},
		{"Encrypt/RSA_2048", of("RSA_2048", "ENCRYPT_DECRYPT"), encrypts("RSAES_OAEP_SHA_256")},
		{"Decrypt/RSA_2048", of("RSA_2048", "ENCRYPT_DECRYPT"), decrypts("RSAES_OAEP_SHA_256")},
		{"GenerateMac/HMAC_256", of("HMAC_256", "GENERATE_VERIFY_MAC"), macs},
		{"DeriveSharedSecret/ECC_NIST_P256", of("ECC_NIST_P256", "KEY_AGREEMENT"), agrees},
	}
	for _, s := range []struct {
		spec      types.KeySpec
		algorithm types.SigningAlgorithmSpec
	}{
		{"ECC_NIST_P256", "ECDSA_SHA_256"}, {"ECC_NIST_P384", "ECDSA_SHA_384"}, {"ECC_NIST_P521", "ECDSA_SHA_512"}, {"ECC_SECG_P256K1", "ECDSA_SHA_256"},
		{"ECC_NIST_EDWARDS25519", "ED25519_SHA_512"}, {"SM2", "SM2DSA"},
		{"RSA_2048", "RSASSA_PSS_SHA_256"}, {"RSA_3072", "RSASSA_PSS_SHA_256"}, {"RSA_4096", "RSASSA_PSS_SHA_256"},
		{"ML_DSA_44", "ML_DSA_SHAKE_256"}, {"ML_DSA_65", "ML_DSA_SHAKE_256"}, {"ML_DSA_87", "ML_DSA_SHAKE_256"},
	} {
		list = append(list,
			measured{"Sign/" + string(s.spec), of(s.spec, "SIGN_VERIFY"), signs(s.algorithm)},
			measured{"Verify/" + string(s.spec), of(s.spec, "SIGN_VERIFY"), verifies(s.algorithm)},
		)
	}
	return list
}

func of(s types.KeySpec, u types.KeyUsageType) kms.CreateKeyInput {
	return kms.CreateKeyInput{KeySpec: s, KeyUsage: u}
}

var plaintext = make([]byte, 32)

func describes(_ context.Context, c *kms.Client, key string) (call, error) {
	return func(ctx context.Context) error { return second(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})) }, nil
}

func encrypts(a types.EncryptionAlgorithmSpec) func(context.Context, *kms.Client, string) (call, error) {
	return func(_ context.Context, c *kms.Client, key string) (call, error) {
		in := &kms.EncryptInput{KeyId: &key, Plaintext: plaintext, EncryptionAlgorithm: a}
		return func(ctx context.Context) error { return second(c.Encrypt(ctx, in)) }, nil
	}
}

func decrypts(a types.EncryptionAlgorithmSpec) func(context.Context, *kms.Client, string) (call, error) {
	return func(ctx context.Context, c *kms.Client, key string) (call, error) {
		sealed, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: plaintext, EncryptionAlgorithm: a})
		if err != nil {
			return nil, err
		}
		in := &kms.DecryptInput{KeyId: &key, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm: a}
		return func(ctx context.Context) error { return second(c.Decrypt(ctx, in)) }, nil
	}
}

func dataKeys(_ context.Context, c *kms.Client, key string) (call, error) {
	in := &kms.GenerateDataKeyInput{KeyId: &key, NumberOfBytes: aws.Int32(32)}
	return func(ctx context.Context) error { return second(c.GenerateDataKey(ctx, in)) }, nil
}

func macs(_ context.Context, c *kms.Client, key string) (call, error) {
	in := &kms.GenerateMacInput{KeyId: &key, Message: plaintext, MacAlgorithm: types.MacAlgorithmSpecHmacSha256}
	return func(ctx context.Context) error { return second(c.GenerateMac(ctx, in)) }, nil
}

// agrees has a key agree with itself.
func agrees(ctx context.Context, c *kms.Client, key string) (call, error) {
	public, err := c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &key})
	if err != nil {
		return nil, err
	}
	in := &kms.DeriveSharedSecretInput{KeyId: &key, PublicKey: public.PublicKey, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh}
	return func(ctx context.Context) error { return second(c.DeriveSharedSecret(ctx, in)) }, nil
}

func signs(a types.SigningAlgorithmSpec) func(context.Context, *kms.Client, string) (call, error) {
	return func(_ context.Context, c *kms.Client, key string) (call, error) {
		in := &kms.SignInput{KeyId: &key, Message: plaintext, SigningAlgorithm: a}
		return func(ctx context.Context) error { return second(c.Sign(ctx, in)) }, nil
	}
}

func verifies(a types.SigningAlgorithmSpec) func(context.Context, *kms.Client, string) (call, error) {
	return func(ctx context.Context, c *kms.Client, key string) (call, error) {
		signed, err := c.Sign(ctx, &kms.SignInput{KeyId: &key, Message: plaintext, SigningAlgorithm: a})
		if err != nil {
			return nil, err
		}
		in := &kms.VerifyInput{KeyId: &key, Message: plaintext, Signature: signed.Signature, SigningAlgorithm: a}
		return func(ctx context.Context) error { return second(c.Verify(ctx, in)) }, nil
	}
}
