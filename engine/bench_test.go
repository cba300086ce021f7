package engine_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// BenchmarkEncrypt is Encrypt over HTTP, all on, signed by the SDK, at two
// degrees of concurrency.
func BenchmarkEncrypt(b *testing.B) {
	k := enginetest.New(b, enginetest.Config{World: worldText})
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	client := k.KMS(alice, region)
	created, err := client.CreateKey(b.Context(), &kms.CreateKeyInput{})
	require.NoError(b, err)
	in := &kms.EncryptInput{KeyId: created.KeyMetadata.KeyId, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"dept": "finance"}}
	for _, concurrency := range []int{1, 16} {
		b.Run(map[int]string{1: "one", 16: "sixteen"}[concurrency], func(b *testing.B) {
			b.SetParallelism((concurrency + 1) / 2) // times GOMAXPROCS, which is 2 on the machine of the figures
			if concurrency == 1 {
				for b.Loop() {
					encryptOnce(b, client, in)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					encryptOnce(b, client, in)
				}
			})
		})
	}
}

func encryptOnce(b *testing.B, client *kms.Client, in *kms.EncryptInput) {
	if _, err := client.Encrypt(context.Background(), in); err != nil {
		b.Error(err)
	}
}
