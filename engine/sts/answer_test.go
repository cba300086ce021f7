package sts

import (
	"bytes"
	"compress/flate"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const testID = "0f3b6c1e-7a55-4d7e-9a55-0c2f9d8e1b34"

func deflate(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(t, err)
	_, err = w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func testCredentials() Credentials {
	return Credentials{
		AccessKeyID: "ASIAINVENTED00000001", SecretKey: seal.NewSecret([]byte("a+b/c")), SessionToken: seal.NewSecret([]byte("tok&en")),
		Expires: testNow, PackedSize: 12,
	}
}

func TestAnswers(t *testing.T) {
	const credentials = `    <Credentials>
      <AccessKeyId>ASIAINVENTED00000001</AccessKeyId>
      <SecretAccessKey>a+b/c</SecretAccessKey>
      <SessionToken>tok&amp;en</SessionToken>
      <Expiration>2026-11-23T10:00:00Z</Expiration>
    </Credentials>
`
	answer := func(action, content string) string {
		return "<" + action + `Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">` + "\n  <" + action + "Result>\n" + content + "  </" + action +
			"Result>\n  <ResponseMetadata>\n    <RequestId>" + testID + "</RequestId>\n  </ResponseMetadata>\n</" + action + "Response>"
	}
	const role = "    <AssumedRoleUser>\n      <Arn>arn:role</Arn>\n      <AssumedRoleId>AROA:s</AssumedRoleId>\n    </AssumedRoleUser>\n"
	tests := []struct {
		out  any
		want string
	}{
		{&GetCallerIdentityOutput{ARN: "arn:user", UserID: "AIDA", Account: "444400001111"},
			answer("GetCallerIdentity", "    <Arn>arn:user</Arn>\n    <UserId>AIDA</UserId>\n    <Account>444400001111</Account>\n")},
		{&GetSessionTokenOutput{testCredentials()}, answer("GetSessionToken", credentials)},
		{&AssumeRoleOutput{AssumedRoleARN: "arn:role", AssumedRoleID: "AROA:s", Credentials: testCredentials(), SourceIdentity: "noor", Packed: true},
			answer("AssumeRole", "    <SourceIdentity>noor</SourceIdentity>\n"+role+credentials+"    <PackedPolicySize>12</PackedPolicySize>\n")},
		{&AssumeRoleOutput{AssumedRoleARN: "arn:role", AssumedRoleID: "AROA:s", Credentials: testCredentials()}, answer("AssumeRole", role+credentials)},
		{&DecodeAuthorizationMessageOutput{`{"allowed":false}`},
			answer("DecodeAuthorizationMessage", "    <DecodedMessage>{&#34;allowed&#34;:false}</DecodedMessage>\n")},
		{&CreateForwardTokenOutput{seal.NewSecret([]byte("tok")), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
			answer("CreateForwardToken", "    <ForwardToken>tok</ForwardToken>\n    <Expiration>2026-11-23T10:00:00Z</Expiration>\n")},
	}
	for _, tt := range tests {
		r, err := Encode(tt.out, testID)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, r.Status)
		assert.Equal(t, http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {testID}}, r.Header)
		assert.Equal(t, tt.want, string(r.Body))
	}
	_, err := Encode(GetCallerIdentityOutput{}, testID)
	require.EqualError(t, err, "sts: sts.GetCallerIdentityOutput is not the output of an action")
}

func TestErrors(t *testing.T) {
	tests := []struct {
		code   wire.Code
		status int
		fault  string
		want   string
	}{
		{wire.AccessDenied, 403, "Sender", "AccessDenied"},
		{wire.InvalidSignature, 403, "Sender", "SignatureDoesNotMatch"},
		{wire.MissingAuthenticationToken, 403, "Sender", "MissingAuthenticationToken"},
		{wire.UnrecognizedClient, 403, "Sender", "InvalidClientTokenId"},
		{wire.ExpiredToken, 403, "Sender", "ExpiredToken"},
		{wire.IncompleteSignature, 400, "Sender", "IncompleteSignature"},
		{ValidationError, 400, "Sender", "ValidationError"},
		{PackedPolicyTooLarge, 400, "Sender", "PackedPolicyTooLarge"},
		{wire.UnknownOperation, 400, "Sender", "InvalidAction"},
		{wire.KMSInternal, 500, "Receiver", "InternalFailure"},
		{"", 500, "Receiver", ""},
	}
	for _, tt := range tests {
		r := EncodeError(wire.Errorf(tt.code, "a <b>"), testID)
		assert.Equal(t, tt.status, r.Status, tt.want)
		assert.Equal(t, "text/xml", r.Header.Get("Content-Type"))
		assert.Equal(t, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>`+tt.fault+`</Type>
    <Code>`+tt.want+`</Code>
    <Message>a &lt;b&gt;</Message>
  </Error>
  <RequestId>`+testID+`</RequestId>
</ErrorResponse>
`, string(r.Body))
	}
}
