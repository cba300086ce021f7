package sigv4

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	goodCredential = "Credential=AKID/20261123/eu-central-1/kms/aws4_request"
	goodHeaders    = "SignedHeaders=host;x-amz-date"
	goodSignature  = "Signature=0000"
	goodAuth       = "AWS4-HMAC-SHA256 " + goodCredential + ", " + goodHeaders + ", " + goodSignature
	goodDate       = "20261123T100000Z"
	goodQuery      = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261123%2Feu-central-1%2Fkms%2Faws4_request" +
		"&X-Amz-Date=20261123T100000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0000"
)

const incomplete, invalid = wire.IncompleteSignature, wire.InvalidSignature

var headerFaults = []struct {
	name, auth, date string
	code             wire.Code
	message          string
}{
	{"none", "", goodDate, wire.MissingAuthenticationToken, "Request is missing Authentication Token"},
	{"another scheme", "Bearer x", goodDate, wire.MissingAuthenticationToken, "Request is missing Authentication Token"},
	{"nothing but the algorithm", "AWS4-HMAC-SHA256", "", incomplete,
		"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
			"Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
			"(Hashed with SHA-256 and encoded with Base64) Authorization=" + digest("AWS4-HMAC-SHA256")},
	{"no signature", "AWS4-HMAC-SHA256 " + goodCredential + "," + goodHeaders, goodDate, incomplete,
		"Authorization header requires 'Signature' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=" +
			digest("AWS4-HMAC-SHA256 "+goodCredential+","+goodHeaders)},
	{"no equal sign", "AWS4-HMAC-SHA256 Credential", goodDate, incomplete,
		"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" +
			digest("AWS4-HMAC-SHA256 Credential") + "'."},
	{"a part twice", goodAuth + ", " + goodSignature, goodDate, incomplete,
		"Authorization header has an unknown or repeated parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=" + digest(goodAuth+", "+goodSignature)},
	{"a time of another form", goodAuth, "2026-11-23T10:00:00Z", incomplete,
		"Date must be in ISO-8601 'basic format'. Got '2026-11-23T10:00:00Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
	{"host not signed", "AWS4-HMAC-SHA256 " + goodCredential + ", SignedHeaders=x-amz-date, " + goodSignature, goodDate, invalid,
		"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
	{"date not signed", "AWS4-HMAC-SHA256 " + goodCredential + ", SignedHeaders=host, " + goodSignature, goodDate, invalid,
		"'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
	{"a header name with a line feed", "AWS4-HMAC-SHA256 " + goodCredential + ", SignedHeaders=host;x-amz-date;a\nb, " + goodSignature, goodDate, invalid,
		"A name in 'SignedHeaders' is not the name of a header."},
	{"an empty header name", "AWS4-HMAC-SHA256 " + goodCredential + ", SignedHeaders=host;;x-amz-date, " + goodSignature, goodDate, invalid,
		"A name in 'SignedHeaders' is not the name of a header."},
	{"a great many header names", "AWS4-HMAC-SHA256 " + goodCredential + ", SignedHeaders=" + strings.Repeat("host;", 100) + "x-amz-date, " + goodSignature, goodDate, invalid,
		"'SignedHeaders' may have at most 100 names."},
	{"another algorithm", "AWS4-ECDSA-P256-SHA256 " + goodCredential + ", " + goodHeaders + ", " + goodSignature, goodDate, incomplete,
		"Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). "},
	{"a credential without scope", "AWS4-HMAC-SHA256 Credential=AKID, " + goodHeaders + ", " + goodSignature, goodDate, incomplete,
		"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID'"},
}

func TestFaultsOfTheAuthorizationHeader(t *testing.T) {
	for _, tt := range headerFaults {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.Request{Header: http.Header{}}
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			if tt.date != "" {
				r.Header.Set("X-Amz-Date", tt.date)
			}
			_, err := Parse(r)
			require.NotNil(t, err)
			assert.Equal(t, tt.code, err.Code)
			assert.Equal(t, tt.message, err.Message)
		})
	}
}

func TestFaultsOfTheQueryString(t *testing.T) {
	tests := []struct {
		name, query string
		code        wire.Code
		message     string
	}{
		{"nothing but the algorithm", "X-Amz-Algorithm=AWS4-HMAC-SHA256", wire.IncompleteSignature,
			"AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. " +
				"AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. " +
				"Re-examine the query-string parameters."},
		{"a parameter twice", goodQuery + "&X-Amz-Date=20261123T100000Z", wire.InvalidSignature,
			"The 'X-Amz-Date' query-string parameter may occur only once in a signed request."},
		{"an illegal escape", goodQuery + "&a=%4", wire.InvalidSignature, "The query string has an incomplete or illegal escape % sequence."},
		{"no expiry at all", goodQuery + "&X-Amz-Expires=0", wire.InvalidSignature, "X-Amz-Expires must be a number of seconds from 1 to 604800"},
		{"an expiry of more than a week", goodQuery + "&X-Amz-Expires=604801", wire.InvalidSignature, "X-Amz-Expires must be a number of seconds from 1 to 604800"},
		{"an expiry that is no number", goodQuery + "&X-Amz-Expires=1h", wire.InvalidSignature, "X-Amz-Expires must be a number of seconds from 1 to 604800"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(wire.Request{RawQuery: tt.query})
			require.NotNil(t, err)
			assert.Equal(t, tt.code, err.Code)
			assert.Equal(t, tt.message, err.Message)
		})
	}
}

func TestParseAcceptsWhatClientsWrite(t *testing.T) {
	headers := func(date, rest string) http.Header {
		return http.Header{"Authorization": {"AWS4-HMAC-SHA256 " + rest}, date: {goodDate}}
	}
	tests := []struct {
		name   string
		header http.Header
		query  string
	}{
		{"parts without spaces", headers("X-Amz-Date", goodCredential+","+goodHeaders+","+goodSignature), ""},
		{"parts in another order", headers("X-Amz-Date", goodSignature+", "+goodHeaders+", "+goodCredential), ""},
		{"header names in capitals and out of order", headers("X-Amz-Date", goodCredential+", SignedHeaders=X-Amz-Date;Host, "+goodSignature), ""},
		{"the Date header in basic format", headers("Date", goodCredential+", SignedHeaders=date;host, "+goodSignature), ""},
		{"the Date header as in RFC 9110", http.Header{"Authorization": {"AWS4-HMAC-SHA256 " + goodCredential + ", SignedHeaders=date;host, " + goodSignature}, "Date": {"Mon, 23 Nov 2026 10:00:00 GMT"}}, ""},
		{"HTTP/2's name of the host", headers("X-Amz-Date", goodCredential+", SignedHeaders=:authority;x-amz-date, "+goodSignature), ""},
		{"a query", http.Header{}, goodQuery},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(wire.Request{Header: tt.header, RawQuery: tt.query})
			require.Nil(t, err)
			assert.Equal(t, "AKID", s.AccessKeyID)
			assert.Equal(t, goodDate, s.timeText)
			assert.Equal(t, testNow, s.Time)
			assert.Nil(t, s.Check(testScope, testNow))
		})
	}
}

func TestTwoSignaturesAreRefused(t *testing.T) {
	header := http.Header{"Authorization": {goodAuth}, "X-Amz-Date": {goodDate}}
	_, err := Parse(wire.Request{Header: header, RawQuery: goodQuery})
	require.NotNil(t, err)
	assert.Equal(t, wire.InvalidSignature, err.Code)
	header.Add("Authorization", goodAuth)
	_, err = Parse(wire.Request{Header: header})
	require.NotNil(t, err)
	assert.Equal(t, wire.InvalidSignature, err.Code)
	for _, name := range []string{"X-Amz-Date", "X-Amz-Security-Token"} {
		header := http.Header{"Authorization": {goodAuth}, "X-Amz-Date": {goodDate}}
		header[name] = []string{goodDate, goodDate}
		_, err = Parse(wire.Request{Header: header})
		require.NotNil(t, err)
		assert.Equal(t, "The '"+name+"' header may occur only once in a signed request.", err.Message)
	}
}
