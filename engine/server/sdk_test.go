package server

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// canned decodes a request and gives the same answers always: what is tested
// is that a real client and this protocol understand each other.
func canned(_ context.Context, r wire.Request) wire.Response {
	op, err := wire.Target(r)
	if err != nil {
		return wire.EncodeError(err, r.ID)
	}
	in, err := wire.Decode(op, r.Body)
	if err != nil {
		return wire.EncodeError(err, r.ID)
	}
	var out any
	switch in := in.(type) {
	case *wire.EncryptInput:
		out = &wire.EncryptOutput{KeyId: &in.KeyId, CiphertextBlob: append([]byte(in.EncryptionContext["a"]), in.Plaintext...)}
	case *wire.DescribeKeyInput:
		at := time.UnixMilli(1700000000125)
		out = &wire.DescribeKeyOutput{KeyMetadata: &wire.KeyMetadata{KeyId: in.KeyId, CreationDate: &at, Enabled: new(true)}}
	case *wire.EnableKeyInput:
		out = &wire.EnableKeyOutput{}
	default:
		return wire.EncodeError(wire.Errorf(wire.NotFound, "Key 'x' does not exist"), r.ID)
	}
	body, failure := wire.Encode(out)
	if failure != nil {
		return wire.EncodeError(wire.Internal(failure), r.ID)
	}
	return wire.Respond(body, r.ID)
}

func TestSDKUnderstandsTheProtocol(t *testing.T) {
	s := start(t, Config{Handler: canned})
	c := kms.New(kms.Options{
		BaseEndpoint:     new(s.URL()),
		Region:           "eu-west-1",
		Credentials:      credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       http.DefaultClient,
	})
	ctx := t.Context()

	encrypted, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: new("k"), Plaintext: []byte{0, 1, 255}, EncryptionContext: map[string]string{"a": "é"}})
	require.NoError(t, err)
	require.Equal(t, append([]byte("é"), 0, 1, 255), encrypted.CiphertextBlob)
	require.Equal(t, "k", *encrypted.KeyId)

	described, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: new("k")})
	require.NoError(t, err)
	require.Equal(t, int64(1700000000125), described.KeyMetadata.CreationDate.UnixMilli())
	require.True(t, described.KeyMetadata.Enabled)

	_, err = c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: new("k")})
	require.NoError(t, err)

	_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: new("x")})
	var missing *types.NotFoundException
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "Key 'x' does not exist", missing.ErrorMessage())

	_, err = c.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: new(int32(1025))})
	var invalid smithy.APIError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "ValidationException", invalid.ErrorCode())
	require.Contains(t, invalid.ErrorMessage(), "Value '1025' at 'numberOfBytes'")
}
