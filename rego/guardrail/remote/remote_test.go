package remote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bundler serves one bundle, which may be another one later.
type bundler struct {
	*testing.T
	private, public string // PEM
	url             string

	mu   sync.Mutex
	body []byte
}

func newBundler(t *testing.T) *bundler {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	b := &bundler{
		T:       t,
		private: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})),
		public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bundler) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, _ = w.Write(b.body)
}

// serve serves guardrails of one rule, signed with a key.
func (b *bundler) serve(rule, private string) {
	b.Helper()
	text := "package keyreeve.guardrail\n\n" + rule + "\n"
	parsed, err := ast.ParseModule("/g.rego", text)
	require.NoError(b, err)
	made := opabundle.Bundle{
		Manifest: opabundle.Manifest{Revision: "r", Roots: &[]string{"keyreeve/guardrail"}},
		Data:     map[string]any{"keyreeve": map[string]any{"guardrail": map[string]any{"limit": 7}}},
		Modules:  []opabundle.ModuleFile{{URL: "/g.rego", Path: "/g.rego", Raw: []byte(text), Parsed: parsed}},
	}
	if private != "" {
		require.NoError(b, made.GenerateSignature(opabundle.NewSigningConfig(private, "ES256", ""), "ours", true))
	}
	var archive bytes.Buffer
	require.NoError(b, opabundle.NewWriter(&archive).UseModulePath(true).DisableFormat(true).Write(made))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.body = archive.Bytes()
}

func (b *bundler) config() string {
	return fmt.Sprintf(`
services: {ours: {url: %q}}
keys: {ours: {algorithm: ES256, key: %q}}
bundles:
  guardrails:
    service: ours
    resource: guardrails.tar.gz
    signing: {keyid: ours}
    polling: {min_delay_seconds: 1, max_delay_seconds: 1}
`, b.url, b.public)
}

func (b *bundler) open(log *slog.Logger) (*Source, error) {
	return Open(b.Context(), Config{OPA: []byte(b.config()), Log: log, Wait: time.Second})
}

func (b *bundler) refused(s *Source) string {
	b.Helper()
	input := ast.MustParseTerm(`{"action": "kms:Decrypt", "resource": "*", "context": {}, "principal": {"type": "root", "boundary": false}}`)
	reasons, err := s.Set().Deny(b.Context(), input, time.Minute)
	require.NoError(b, err)
	return strings.Join(reasons, "; ")
}

// again is a bundler of the same keys, with a bundle of its own.
func (b *bundler) again(t *testing.T) *bundler {
	t.Helper()
	own := &bundler{T: t, private: b.private, public: b.public}
	server := httptest.NewServer(own)
	t.Cleanup(server.Close)
	own.url = server.URL
	return own
}

// until waits for attempts to fetch bundles, until one has had its effect.
func (b *bundler) until(s *Source, done func() bool) {
	b.Helper()
	late := time.After(20 * time.Second)
	for !done() {
		select {
		case <-s.changed:
		case <-late:
			require.Fail(b, "no bundle that has the effect")
		}
	}
}

func TestSignedGuardrailsAreFetchedAndRefreshed(t *testing.T) {
	b := newBundler(t)
	b.serve(`deny contains sprintf("first, %d", [data.keyreeve.guardrail.limit])`, b.private)
	var log bytes.Buffer
	s, err := b.open(slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, "first, 7", b.refused(s))

	b.serve(`deny contains "second"`, b.private)
	b.until(s, func() bool { return b.refused(s) == "second" })
	s.Close()
	assert.NotContains(t, log.String(), "alarm")
}

func TestWhatMustNotBeInForceIsNot(t *testing.T) {
	b := newBundler(t)
	other := newBundler(t)
	for name, c := range map[string]struct{ rule, private, told string }{
		"no signature":      {`deny contains "x"`, "", "signature"},
		"another signature": {`deny contains "x"`, other.private, "verify"},
		"clock":             {`deny contains "x" if time.now_ns() > 0`, b.private, "g.rego:3: time.now_ns depends on network, clock or chance"},
		"no rule":           {`reject contains "x"`, b.private, "no guardrail says"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := b.again(t)
			b.serve(c.rule, c.private)
			_, err := b.open(nil)
			require.Error(t, err, "at the start")
			assert.Contains(t, err.Error(), c.told)

			b.serve(`deny contains "good"`, b.private)
			var log bytes.Buffer
			s, err := b.open(slog.New(slog.NewTextHandler(&log, nil)))
			require.NoError(t, err)
			defer s.Close()
			b.serve(c.rule, c.private)
			b.until(s, func() bool { return s.faulty.Load() != nil })
			assert.Equal(t, "good", b.refused(s), "later")
			s.Close()
			assert.Contains(t, log.String(), "alarm: guardrails are not refreshed")
		})
	}
}

func TestAConfigurationThatDoesNotSayWhatItMeansIsRefused(t *testing.T) {
	b := newBundler(t)
	good := b.config()
	for name, c := range map[string]struct{ text, want string }{
		"no YAML":              {"{", "reading the configuration"},
		"another part":         {good + "\ndecision_logs: {console: true}", `"decision_logs" is no part`},
		"no bundles":           {"services: {ours: {url: http://localhost}}", "no bundles"},
		"unsigned":             {strings.Replace(good, "signing: {keyid: ours}", "", 1), "signing.keyid"},
		"signed by nobody":     {strings.Replace(good, "{keyid: ours}", "{}", 1), "signing.keyid"},
		"an unknown key":       {strings.Replace(good, "{keyid: ours}", "{keyid: theirs}", 1), "theirs"},
		"an unknown service":   {strings.Replace(good, "service: ours", "service: theirs", 1), "theirs"},
		"nobody who answers":   {strings.Replace(good, b.url, "http://127.0.0.1:1", 1), "none within"},
		"no such bundle there": {good, "none within"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), Config{OPA: []byte(c.text), Wait: 200 * time.Millisecond})
			assert.ErrorContains(t, err, c.want)
		})
	}
}
