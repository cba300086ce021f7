package sigv4

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

type suite struct {
	Region, Service, Secret, AccessKeyID string
	Time                                 time.Time
	Cases                                []suiteCase
}

type suiteCase struct {
	Name             string
	Normalize        bool
	Token            string
	OmitSessionToken bool
	Header, Query    map[string]string // file → content
}

func readSuite(t testing.TB) suite {
	t.Helper()
	text, err := os.ReadFile("testdata/aws-signing-test-suite-v4.json")
	require.NoError(t, err)
	var s suite
	require.NoError(t, json.Unmarshal(text, &s))
	require.Len(t, s.Cases, 38)
	return s
}

// parseHTTP reads a request as loosely as the suite writes it: with spaces in
// the path and folded headers.
func parseHTTP(t testing.TB, text string) wire.Request {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.ReplaceAll(head, "\n ", " "), "\n")
	method, rest, _ := strings.Cut(lines[0], " ")
	target := strings.TrimSuffix(rest, " HTTP/1.1")
	path, query, _ := strings.Cut(target, "?")
	r := wire.Request{Method: method, Path: path, RawQuery: query, Header: http.Header{}, Body: []byte(strings.TrimSuffix(body, "\n"))}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		require.True(t, ok, "header line %q", line)
		if strings.EqualFold(name, "host") {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

func TestSignaturesOfTheSuiteAreRight(t *testing.T) {
	suite := readSuite(t)
	for _, c := range suite.Cases {
		for form, files := range map[string]map[string]string{"header": c.Header, "query": c.Query} {
			t.Run(c.Name+"/"+form, func(t *testing.T) {
				if !c.Normalize && strings.HasSuffix(c.Name, "unnormalized") && c.Name != "get-space-unnormalized" {
					t.Skip("a path as S3 signs it: see TestUnnormalizedPathIsSignedAsNormal")
				}
				if c.OmitSessionToken {
					t.Skip("a token added after signing: see TestTokenMustBeSigned")
				}
				r := parseHTTP(t, files["signed-request"])
				s, err := Parse(r)
				require.Nil(t, err)
				canonical, err := s.appendCanonical(nil, r, plain)
				require.Nil(t, err)
				assert.Equal(t, files["canonical-request"], string(canonical))
				assert.Equal(t, files["string-to-sign"], string(s.stringToSign(canonical)))
				assert.Equal(t, suite.AccessKeyID, s.AccessKeyID)
				assert.Equal(t, c.Token, string(s.SessionToken.Expose()))
				assert.Nil(t, s.Check(Scope{Service: suite.Service, Regions: []string{suite.Region}}, suite.Time))
				assert.Nil(t, s.Verify(r, seal.NewSecret([]byte(suite.Secret)), suite.Time))
			})
		}
	}
}

// The suite has both forms for each path: the unnormalized one is S3's, which
// this package does not speak.
func TestUnnormalizedPathIsSignedAsNormal(t *testing.T) {
	suite := readSuite(t)
	ran := 0
	for _, c := range suite.Cases {
		if c.Normalize || c.Name == "get-space-unnormalized" {
			continue
		}
		ran++
		r := parseHTTP(t, c.Header["signed-request"])
		s, err := Parse(r)
		require.Nil(t, err, c.Name)
		err = s.Verify(r, seal.NewSecret([]byte(suite.Secret)), suite.Time)
		require.NotNil(t, err, c.Name)
		assert.Equal(t, wire.InvalidSignature, err.Code, c.Name)
	}
	assert.Equal(t, 6, ran)
}

func TestTokenMustBeSigned(t *testing.T) {
	suite := readSuite(t)
	for _, c := range suite.Cases {
		if !c.OmitSessionToken {
			continue
		}
		_, err := Parse(parseHTTP(t, c.Header["signed-request"]))
		require.NotNil(t, err)
		assert.Equal(t, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization.", err.Message)

		r := parseHTTP(t, c.Query["signed-request"])
		s, err := Parse(r)
		require.Nil(t, err)
		err = s.Verify(r, seal.NewSecret([]byte(suite.Secret)), suite.Time)
		require.NotNil(t, err)
		assert.Equal(t, wire.InvalidSignature, err.Code)
		return
	}
	t.Fatal("no case with a token added after signing")
}
