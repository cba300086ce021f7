package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEncodeWritesEachKindOfMember(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 7_900_000, time.UTC)
	rows := []struct {
		name string
		out  any
		want string
	}{
		{"absent members are left out", &EncryptOutput{}, `{}`},
		{"a blob is base64", &EncryptOutput{CiphertextBlob: []byte{0xfb, 0xff}, KeyId: new("k")}, `{"CiphertextBlob":"+/8=","KeyId":"k"}`},
		{"a value serves as a pointer does", EncryptOutput{KeyId: new("k")}, `{"KeyId":"k"}`},
		{"an empty list is not an absent one", &ListKeysOutput{Keys: []KeyListEntry{}, Truncated: new(false)}, `{"Keys":[],"Truncated":false}`},
		{"lists hold structures", &ListKeysOutput{Keys: []KeyListEntry{{KeyId: new("a")}, {KeyId: new("b")}}}, `{"Keys":[{"KeyId":"a"},{"KeyId":"b"}]}`},
		{"lists hold texts", &ListKeyPoliciesOutput{PolicyNames: []string{"default", "x"}}, `{"PolicyNames":["default","x"]}`},
		{"a time is epoch seconds and milliseconds", &ScheduleKeyDeletionOutput{DeletionDate: &at, PendingWindowInDays: new(int32(7))},
			`{"DeletionDate":1795428000.007,"PendingWindowInDays":7}`},
		{"structures nest", &DescribeKeyOutput{KeyMetadata: &KeyMetadata{KeyId: "k", Enabled: new(true)}}, `{"KeyMetadata":{"Enabled":true,"KeyId":"k"}}`},
		{"maps are in order", &ListGrantsOutput{Grants: []GrantListEntry{{Constraints: &GrantConstraints{EncryptionContextSubset: map[string]string{"b": "2", "a": "1"}}}}},
			`{"Grants":[{"Constraints":{"EncryptionContextSubset":{"a":"1","b":"2"}}}]}`},
		{"text is escaped as little as JSON allows", &GetKeyPolicyOutput{Policy: new("<&>\"\\\n\x01é😀\u2028")}, `{"Policy":"<&>\"\\\u000a\u0001é😀` + "\u2028" + `"}`},
		{"an output without members is an empty object", &DeleteCustomKeyStoreOutput{}, `{}`},
		{"no output has no body", &EnableKeyOutput{}, ``},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got, err := Encode(r.out)
			require.NoError(t, err)
			require.Equal(t, r.want, string(got))
			require.True(t, len(got) == 0 || json.Valid(got))
		})
	}
}

func TestEncodeRefusesWhatItWouldHaveToChange(t *testing.T) {
	old := time.Unix(-1, 0)
	for name, out := range map[string]any{
		"text that is not UTF-8":  &EncryptOutput{KeyId: new("\xff")},
		"a time before 1970":      &ScheduleKeyDeletionOutput{DeletionDate: &old},
		"nil":                     nil,
		"a nil output":            (*EncryptOutput)(nil),
		"a text":                  "x",
		"a type not of the model": struct{ A float64 }{1},
		"a map not of the model":  struct{ A map[string]int }{map[string]int{}},
	} {
		_, err := Encode(out)
		require.Error(t, err, name)
	}
}

func TestEncodedErrorIsThatOfTheService(t *testing.T) {
	rows := []struct {
		name   string
		err    *Error
		status int
		body   string
	}{
		{"code and message", Errorf(NotFound, "Key '%s' does not exist", "k"), 400, `{"__type":"NotFoundException","message":"Key 'k' does not exist"}`},
		{"no message", &Error{Code: InvalidCiphertext}, 400, `{"__type":"InvalidCiphertextException"}`},
		{"a fault of ours", Internal(fmt.Errorf("secret cause")), 500,
			`{"__type":"KMSInternalException","message":"The request was rejected because of an internal fault; it can be sent again."}`},
		{"a code of another package", &Error{Code: "Other"}, 400, `{"__type":"Other"}`},
		{"no code", &Error{}, 500, `{"__type":"KMSInternalException"}`},
		{"a message with what is not UTF-8", Errorf(NotFound, "a\xffb"), 400, `{"__type":"NotFoundException","message":"a` + "\ufffd" + `b"}`},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got := EncodeError(r.err, "id-1")
			require.Equal(t, r.status, got.Status)
			require.Equal(t, r.body, string(got.Body))
			require.Equal(t, "id-1", got.Header.Get("x-amzn-RequestId"))
			require.Equal(t, ContentType, got.Header.Get("Content-Type"))
		})
	}
}

func TestAsErrorShowsClientsOnlyWhatIsMeantForThem(t *testing.T) {
	require.Nil(t, AsError(nil))
	known := Errorf(Disabled, "x")
	require.Same(t, known, AsError(fmt.Errorf("doing: %w", known)))
	cause := fmt.Errorf("disk is full")
	got := AsError(cause)
	require.Equal(t, KMSInternal, got.Code)
	require.ErrorIs(t, got, cause)
	require.NotContains(t, got.Error(), "disk")
	require.Equal(t, "DisabledException: x", known.Error())
	require.Equal(t, "DisabledException", (&Error{Code: Disabled}).Error())
}

func TestSecretsDoNotPrint(t *testing.T) {
	const secret = "pl41ntext"
	rows := []any{
		EncryptInput{KeyId: "k", Plaintext: []byte(secret)},
		&DecryptOutput{KeyId: new("k"), Plaintext: []byte(secret)},
		&GenerateDataKeyPairOutput{KeyId: new("k"), PrivateKeyPlaintext: []byte(secret)},
		&GenerateMacInput{KeyId: "k", Message: []byte(secret)},
		&CreateGrantOutput{GrantToken: new(secret)},
		&DescribeKeyInput{KeyId: "k", GrantTokens: []string{secret}},
		&CreateCustomKeyStoreInput{KeyStorePassword: new(secret), XksProxyAuthenticationCredential: &XksProxyAuthenticationCredentialType{RawSecretAccessKey: secret}},
		&XksProxyAuthenticationCredentialType{RawSecretAccessKey: secret},
		[]*EncryptInput{{Plaintext: []byte(secret)}},
		struct{ In *EncryptInput }{&EncryptInput{Plaintext: []byte(secret)}},
		struct{ In EncryptInput }{EncryptInput{Plaintext: []byte(secret)}},
		Request{ID: "i", Body: []byte(secret)},
		&Response{Body: []byte(secret)},
	}
	for _, v := range rows {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		j, err := json.Marshal(v)
		require.NoError(t, err)
		all := log.String() + string(j)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			all += fmt.Sprintf(verb, v)
		}
		for _, shown := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("%d", []byte(secret)), "cGw0MW50ZXh0", "112 108 52"} {
			assert.NotContains(t, all, shown, "%T", v)
		}
	}
	require.Equal(t, "EncryptInput{KeyId Plaintext:secret}", rows[0].(EncryptInput).String())
	require.Equal(t, "request i (, 9 bytes)", rows[11].(Request).String())
	require.Equal(t, "response 0 (9 bytes)", rows[12].(*Response).String())
}
