package engine_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// encodedMessage is the authorization message that came with a refusal.
func encodedMessage(t *testing.T, err error) string {
	t.Helper()
	var answer *smithyhttp.ResponseError
	require.True(t, errors.As(err, &answer))
	encoded := answer.Response.Header.Get(engine.MessageHeader)
	require.NotEmpty(t, encoded)
	return encoded
}

func TestEncodedMessageIsOpenedForItsAccountAndThoseWhoMay(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	_, err := b.as(bob).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key})
	encoded := encodedMessage(t, err)
	decode := func(k enginetest.Keys) (string, error) {
		out, err := b.STS(k, region).DecodeAuthorizationMessage(b.ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
		if err != nil {
			return "", err
		}
		return *out.DecodedMessage, nil
	}

	text, err := decode(alice)
	require.NoError(t, err)
	var told struct {
		Evidence struct{ Reason, Layer, Action string }
	}
	require.NoError(t, json.Unmarshal([]byte(text), &told))
	assert.Equal(t, "no-allow identity kms:DisableKey", told.Evidence.Reason+" "+told.Evidence.Layer+" "+told.Evidence.Action)

	_, err = decode(bob)
	code, _ := failure(t, err)
	assert.Equal(t, "AccessDenied", code, "bob may not decode")
	_, err = decode(carol)
	code, _ = failure(t, err)
	assert.Equal(t, "InvalidAuthorizationMessageException", code, "carol is of another account")
}

// TestEncodedMessageStandsInTheTextWhereTheWorldAsksForIt: stock clients show
// nothing but the text.
func TestEncodedMessageStandsInTheTextWhereTheWorldAsksForIt(t *testing.T) {
	t.Parallel()
	const form = `^User: .* is not authorized to perform: kms:DisableKey on resource: .* because no identity-based policy allows the kms:DisableKey action`
	for settings, want := range map[string]string{
		"":                                      form + "$",
		"settings: {encoded-messages: false}\n": form + "$",
		"settings: {encoded-messages: true}\n":  form + `\. Encoded authorization failure message: [\w-]+$`,
	} {
		b := start(t, enginetest.Config{World: worldText + "-- settings.yaml --\n" + settings})
		key := b.newKey("")
		records, err := b.recorded(func() error { return second(b.as(bob).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key})) })
		_, message := failure(t, err)
		assert.Regexp(t, want, message, settings)
		if settings != "" {
			encoded := message[strings.LastIndex(message, " ")+1:]
			assert.Equal(t, strings.HasSuffix(want, `[\w-]+$`), encoded == encodedMessage(t, err), "the one of the header")
		}
		require.Len(t, records, 1)
		assert.Regexp(t, form+"$", records[0].ErrorMessage, "records have the evidence beside the text")

		f := b.newFixture("")
		_, message = failure(t, second(b.as(carol).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs})))
		assert.NotContains(t, message, "..", "the sentence on ciphertexts has a full stop of its own")
	}
}

func TestEncodedMessageOfAForeignKeyIsTheSameForAbsentAndRefused(t *testing.T) {
	b := newBench(t)
	present, absent := b.newKey(""), "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	told := func(key string) string {
		_, err := b.as(carol).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		encoded := encodedMessage(t, err)
		out, err := b.STS(carol, region).DecodeAuthorizationMessage(b.ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
		require.NoError(t, err)
		var message struct{ Evidence map[string]any }
		require.NoError(t, json.Unmarshal([]byte(*out.DecodedMessage), &message))
		delete(message.Evidence, "resource")
		text, err := json.Marshal(message.Evidence)
		require.NoError(t, err)
		return string(text)
	}
	assert.Equal(t, told(absent), told(present))
}
