package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var encryptBody = []byte(`{"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",` +
	`"Plaintext":"c29tZSBwbGFpbnRleHQgb2Ygb3JkaW5hcnkgbGVuZ3Ro","EncryptionContext":{"dept":"finance","tier":"1"}}`)

func BenchmarkDecodeEncrypt(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode("Encrypt", encryptBody); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeEncrypt(b *testing.B) {
	out := &EncryptOutput{CiphertextBlob: make([]byte, 200), KeyId: new("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"), EncryptionAlgorithm: new("SYMMETRIC_DEFAULT")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(out); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAllocationsStayFew(t *testing.T) {
	got := testing.AllocsPerRun(100, func() {
		if _, err := Decode("Encrypt", encryptBody); err != nil {
			t.Fatal(err)
		}
	})
	require.LessOrEqual(t, got, 32.0, "of decoding an Encrypt request")
}
