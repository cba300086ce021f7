package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	testKeyID = "AKIAKEYREEVETEST0001"
	testBody  = `{"KeyId":"alias/ledger"}`
	testToken = "token-that-must-not-be-seen"
)

var (
	testSecret = seal.NewSecret([]byte("a secret of the test"))
	testNow    = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	testScope  = Scope{Service: "kms", Regions: []string{"eu-central-1", "eu-west-3"}}
)

func httpRequest(t testing.TB, token string) (*http.Request, aws.Credentials) {
	t.Helper()
	h, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://kms.eu-central-1.example.test:8443/", strings.NewReader(testBody))
	require.NoError(t, err)
	h.Header.Set("Content-Type", "application/x-amz-json-1.1")
	h.Header.Set("X-Amz-Target", "TrentService.DescribeKey")
	h.Header.Set("Amz-Sdk-Invocation-Id", "5d3a")
	return h, aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: string(testSecret.Expose()), SessionToken: token}
}

func bodyHash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// received is what a server makes of h.
func received(h *http.Request, body string) wire.Request {
	return wire.Request{
		Method: h.Method, Path: h.URL.EscapedPath(), RawQuery: h.URL.RawQuery, Host: h.URL.Host, Header: h.Header, Body: []byte(body),
	}
}

// signed is a request as the AWS SDK for Go signs it.
func signed(t testing.TB, token string) wire.Request {
	t.Helper()
	h, cred := httpRequest(t, token)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), cred, h, bodyHash(testBody), "kms", "eu-central-1", testNow))
	return received(h, testBody)
}

func presigned(t testing.TB, token, expires string) wire.Request {
	t.Helper()
	url := "https://sts.example.test/?Action=GetCallerIdentity&Version=2011-06-15&Note=a+b%2Fc"
	if expires != "" {
		url += "&X-Amz-Expires=" + expires
	}
	h, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	_, cred := httpRequest(t, token)
	uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), cred, h, bodyHash(""), "sts", "eu-central-1", testNow)
	require.NoError(t, err)
	again, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri, nil)
	require.NoError(t, err)
	return received(again, "")
}

func verify(r wire.Request, want Scope, secret seal.Secret, now time.Time) *wire.Error {
	s, err := Parse(r)
	if err != nil {
		return err
	}
	if err := s.Check(want, now); err != nil {
		return err
	}
	return s.Verify(r, secret, now)
}

func TestSDKSignaturesAreRight(t *testing.T) {
	for _, token := range []string{"", testToken} {
		r := signed(t, token)
		s, err := Parse(r)
		require.Nil(t, err)
		assert.Equal(t, testKeyID, s.AccessKeyID)
		assert.Equal(t, "eu-central-1", s.Region)
		assert.Equal(t, "kms", s.Service)
		assert.Equal(t, "20261123", s.Date)
		assert.Equal(t, testNow, s.Time)
		assert.False(t, s.Presigned)
		assert.Contains(t, s.SignedHeaders, "x-amz-target")
		assert.Equal(t, token, string(s.SessionToken.Expose()))
		assert.Nil(t, verify(r, testScope, testSecret, testNow))

		p := presigned(t, token, "60")
		s, err = Parse(p)
		require.Nil(t, err)
		assert.True(t, s.Presigned)
		assert.Equal(t, time.Minute, s.Expires)
		assert.Equal(t, token, string(s.SessionToken.Expose()))
		assert.Nil(t, verify(p, Scope{"sts", testScope.Regions}, testSecret, testNow))
	}
}

func TestContentLengthMayHaveBeenTakenOutOfTheHeaders(t *testing.T) {
	h, cred := httpRequest(t, "")
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), cred, h, bodyHash(testBody), "kms", "eu-central-1", testNow))
	s, err := Parse(received(h, testBody))
	require.Nil(t, err)
	require.Contains(t, s.SignedHeaders, "content-length")
	assert.Empty(t, h.Header.Values("Content-Length"))
	assert.Nil(t, verify(received(h, testBody), testScope, testSecret, testNow))
}

func TestAnyChangeOfASignedPartIsRefused(t *testing.T) {
	changes := map[string]func(*wire.Request){
		"method":        func(r *wire.Request) { r.Method = http.MethodPut },
		"path":          func(r *wire.Request) { r.Path = "/x" },
		"query":         func(r *wire.Request) { r.RawQuery = "a=b" },
		"host":          func(r *wire.Request) { r.Host = "kms.eu-west-3.example.test" },
		"target":        func(r *wire.Request) { r.Header.Set("X-Amz-Target", "TrentService.Decrypt") },
		"second target": func(r *wire.Request) { r.Header.Add("X-Amz-Target", "TrentService.Decrypt") },
		"content type":  func(r *wire.Request) { r.Header.Set("Content-Type", "text/plain") },
		"body":          func(r *wire.Request) { r.Body = []byte(`{"KeyId":"alias/ledgeR"}`) },
		"empty body":    func(r *wire.Request) { r.Body = nil },
		"invocation":    func(r *wire.Request) { r.Header.Del("Amz-Sdk-Invocation-Id") },
		"token":         func(r *wire.Request) { r.Header.Set("X-Amz-Security-Token", "another") },
		"last digit":    func(r *wire.Request) { flip(r, 1) },
		"short":         func(r *wire.Request) { cut(r) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r := signed(t, testToken)
			r.Header = r.Header.Clone()
			change(&r)
			err := verify(r, testScope, testSecret, testNow)
			require.NotNil(t, err)
			assert.Equal(t, wire.InvalidSignature, err.Code)
		})
	}
}

func flip(r *wire.Request, last int) {
	auth := []byte(r.Header.Get("Authorization"))
	auth[len(auth)-last] ^= 1
	r.Header.Set("Authorization", string(auth))
}

func cut(r *wire.Request) {
	auth := r.Header.Get("Authorization")
	r.Header.Set("Authorization", auth[:len(auth)-2])
}

func TestWrongSecretIsRefusedWithTheCanonicalRequest(t *testing.T) {
	r := signed(t, testToken)
	err := verify(r, testScope, seal.NewSecret([]byte("another")), testNow)
	require.NotNil(t, err)
	assert.Equal(t, wire.InvalidSignature, err.Code)
	assert.True(t, strings.HasPrefix(err.Message, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"+
		"The Canonical String for this request should have been\n'POST\n/\n\namz-sdk-invocation-id:5d3a\n"), err.Message)
	assert.Contains(t, err.Message, "\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261123T100000Z\n20261123/eu-central-1/kms/aws4_request\n")
	assert.NotContains(t, err.Message, testToken)

	err = verify(presigned(t, testToken, "60"), Scope{"sts", testScope.Regions}, seal.NewSecret([]byte("another")), testNow)
	require.NotNil(t, err)
	assert.NotContains(t, err.Message, testToken)
}

func TestTimeOfTheSignature(t *testing.T) {
	kms, sts := signed(t, ""), presigned(t, "", "")
	stsScope := Scope{"sts", testScope.Regions}
	tests := []struct {
		name  string
		r     wire.Request
		scope Scope
		now   time.Time
		want  string // empty: accepted
	}{
		{"KMS takes what is 5 minutes old", kms, testScope, testNow.Add(5 * time.Minute), ""},
		{"KMS refuses what is older", kms, testScope, testNow.Add(5*time.Minute + time.Second),
			"Signature expired: 20261123T100000Z is now earlier than 20261123T100001Z (20261123T100501Z - 5 min.)"},
		{"KMS takes what is 5 minutes early", kms, testScope, testNow.Add(-5 * time.Minute), ""},
		{"KMS refuses what is earlier", kms, testScope, testNow.Add(-5*time.Minute - time.Second),
			"Signature not yet current: 20261123T100000Z is still later than 20261123T095959Z (20261123T095459Z + 5 min.)"},
		{"STS takes what is 15 minutes old", sts, stsScope, testNow.Add(15 * time.Minute), ""},
		{"STS refuses what is older", sts, stsScope, testNow.Add(15*time.Minute + time.Second),
			"Signature expired: 20261123T100000Z is now earlier than 20261123T100001Z (20261123T101501Z - 15 min.)"},
		{"a presigned request lives as long as it says", presigned(t, "", "30"), stsScope, testNow.Add(30 * time.Second), ""},
		{"and no longer", presigned(t, "", "30"), stsScope, testNow.Add(31 * time.Second),
			"Signature expired: 20261123T100000Z is now earlier than 20261123T100001Z (20261123T100031Z - 30 sec.)"},
		{"a long expiry does not widen the window", presigned(t, "", "604800"), stsScope, testNow.Add(16 * time.Minute),
			"Signature expired: 20261123T100000Z is now earlier than 20261123T100100Z (20261123T101600Z - 15 min.)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := verify(tt.r, tt.scope, testSecret, tt.now)
			if tt.want == "" {
				require.Nil(t, err)
				return
			}
			require.NotNil(t, err)
			assert.Equal(t, wire.InvalidSignature, err.Code)
			assert.Equal(t, tt.want, err.Message)
		})
	}
}

func TestReplayOutsideTheWindowFailsInVerifyToo(t *testing.T) {
	r := signed(t, "")
	s, err := Parse(r)
	require.Nil(t, err)
	assert.Nil(t, s.Verify(r, testSecret, testNow))
	assert.NotNil(t, s.Verify(r, testSecret, testNow.Add(time.Hour)))
	assert.NotNil(t, NewCache(10).Verify(s, r, testSecret, testNow.Add(time.Hour)))
}

func TestScopeOfTheSignature(t *testing.T) {
	s, err := Parse(signed(t, ""))
	require.Nil(t, err)
	err = s.Check(Scope{Service: "kms", Regions: []string{"eu-north-1"}}, testNow)
	require.NotNil(t, err)
	assert.Equal(t, "Credential should be scoped to a valid Region, not 'eu-central-1'.", err.Message)
	err = s.Check(Scope{Service: "sts", Regions: testScope.Regions}, testNow)
	require.NotNil(t, err)
	assert.Equal(t, "Credential should be scoped to correct service: 'sts'.", err.Message)

	r := signed(t, "")
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/20261123/eu-central-1/kms/aws4_request", "/20261122/x/y/z", 1))
	s, err = Parse(r)
	require.Nil(t, err)
	err = s.Check(testScope, testNow)
	require.NotNil(t, err)
	assert.Equal(t, wire.InvalidSignature, err.Code)
	assert.Equal(t, "Credential should be scoped to a valid Region, not 'x'. Credential should be scoped to correct service: 'kms'. "+
		"Credential should be scoped with a valid terminator: 'aws4_request', not 'z'. "+
		"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261122' != '20261123', from '20261123T100000Z'.", err.Message)
	assert.NotNil(t, s.Verify(r, testSecret, testNow), "the scope is signed")
}

func TestPayloadHashHeader(t *testing.T) {
	sign := func(header, body string) wire.Request {
		h, cred := httpRequest(t, "")
		h.Header.Set("X-Amz-Content-Sha256", header)
		require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), cred, h, header, "kms", "eu-central-1", testNow))
		return received(h, body)
	}
	assert.Nil(t, verify(sign(bodyHash(testBody), testBody), testScope, testSecret, testNow))
	for _, r := range []wire.Request{
		sign("UNSIGNED-PAYLOAD", testBody),
		sign("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", testBody),
		sign(strings.ToUpper(bodyHash(testBody)), testBody),
		sign(bodyHash("other"), testBody),
	} {
		err := verify(r, testScope, testSecret, testNow)
		require.NotNil(t, err)
		assert.Equal(t, wire.InvalidSignature, err.Code)
		assert.Contains(t, err.Message, "X-Amz-Content-Sha256")
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	s, err := Parse(signed(t, testToken))
	require.Nil(t, err)
	key := deriveKey(testSecret, s.Date, s.Region, s.Service)
	by := newSigner(key)
	by.sign(nil)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", by, by, by), hex.EncodeToString(key[:4]))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, s), testToken)
		assert.Equal(t, hidden, fmt.Sprintf(verb, key))
	}
	text, jsonErr := key.MarshalText()
	require.NoError(t, jsonErr)
	assert.Equal(t, hidden, string(text))
	assert.Equal(t, hidden, key.LogValue().String())
}

func TestCache(t *testing.T) {
	c := NewCache(4)
	r := signed(t, "")
	s, err := Parse(r)
	require.Nil(t, err)
	wrong := seal.NewSecret([]byte("wrong"))

	assert.NotNil(t, c.Verify(s, r, wrong, testNow))
	assert.Empty(t, c.young, "only keys that proved right are kept")
	assert.Nil(t, c.Verify(s, r, testSecret, testNow))
	assert.Len(t, c.young, 1)
	assert.Nil(t, c.Verify(s, r, testSecret, testNow))
	assert.NotNil(t, c.Verify(s, r, wrong, testNow), "a known scope does not stand for the secret")

	for i := range 20 {
		c.keep(cacheKey{byte(i)}, newSigner(signingKey{}), s.Date)
		assert.LessOrEqual(t, len(c.young)+len(c.old), 4)
	}
	c.keep(cacheKey{100}, newSigner(signingKey{}), "20261124")
	c.keep(cacheKey{101}, newSigner(signingKey{}), "20261125")
	assert.Len(t, c.young, 1, "a new day drops the keys of the day before yesterday")
	assert.Len(t, c.old, 1)
	assert.Nil(t, c.Verify(s, r, testSecret, testNow), "a key that was dropped is derived again")
}

func TestVerifyIsCheap(t *testing.T) {
	r := signed(t, "")
	c := NewCache(16)
	s, err := Parse(r)
	require.Nil(t, err)
	require.Nil(t, c.Verify(s, r, testSecret, testNow))
	parse := testing.AllocsPerRun(100, func() { _, _ = Parse(r) })
	verify := testing.AllocsPerRun(100, func() { _ = c.Verify(s, r, testSecret, testNow) })
	assert.LessOrEqual(t, parse, 6.0)
	assert.LessOrEqual(t, verify, 8.0)
}

func BenchmarkParseAndVerify(b *testing.B) {
	r := signed(b, "")
	c := NewCache(16)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Check(testScope, testNow); err != nil {
			b.Fatal(err)
		}
		if err := c.Verify(s, r, testSecret, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyWithoutCache(b *testing.B) {
	r := signed(b, "")
	s, err := Parse(r)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Verify(r, testSecret, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParse looks for panics, and for requests that differ in what they say
// but not in what is signed.
func FuzzParse(f *testing.F) {
	for _, c := range readSuite(f).Cases {
		r := parseHTTP(f, c.Header["signed-request"])
		f.Add(r.Path, r.RawQuery, r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date"), r.Body)
		r = parseHTTP(f, c.Query["signed-request"])
		f.Add(r.Path, r.RawQuery, "", "", r.Body)
	}
	f.Fuzz(func(t *testing.T, path, query, auth, date string, body []byte) {
		r := wire.Request{Method: http.MethodPost, Path: path, RawQuery: query, Host: "h", Header: http.Header{}, Body: body}
		for name, value := range map[string]string{"Authorization": auth, "X-Amz-Date": date} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		s, err := Parse(r)
		if err != nil {
			return
		}
		_ = s.Check(testScope, s.Time)
		require.NotNil(t, s.Verify(r, testSecret, s.Time), "nobody signed this")
		canonical, err := s.appendCanonical(nil, r, plain)
		if err != nil {
			return // a query string that cannot be read
		}
		require.Equal(t, 5+len(s.SignedHeaders), bytes.Count(canonical, []byte("\n")), "each part is one line: %q", canonical)
	})
}
