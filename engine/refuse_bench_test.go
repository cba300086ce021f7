package engine_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// BenchmarkRefusal is a call over HTTP that is refused, with its evidence and
// its nearest miss.
func BenchmarkRefusal(b *testing.B) {
	k := enginetest.New(b, enginetest.Config{World: worldText})
	created, err := k.KMS(alice, region).CreateKey(b.Context(), &kms.CreateKeyInput{})
	if err != nil {
		b.Fatal(err)
	}
	client := k.KMS(bob, region)
	for b.Loop() {
		if _, err := client.Decrypt(b.Context(), &kms.DecryptInput{KeyId: created.KeyMetadata.KeyId, CiphertextBlob: []byte("x")}); err == nil {
			b.Fatal("allowed")
		}
	}
}
