package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// secure returns the TLS configuration of a server and the roots to trust it with.
func secure(t *testing.T, hosts ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	d, err := LoadDevelopment(t.TempDir(), hosts, time.Now())
	require.NoError(t, err)
	pem, err := os.ReadFile(d.AuthorityFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	return NewTLS(d.Certificate), roots
}

func client(c *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
}

func TestConnectionDetailsReachTheHandler(t *testing.T) {
	config, roots := secure(t)
	s := start(t, Config{TLS: config})
	rows := []struct {
		name   string
		client *tls.Config
		want   wire.TLSDetails
	}{
		{"TLS 1.3 takes the first hybrid group", &tls.Config{},
			wire.TLSDetails{Version: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768"}},
		{"the P-256 hybrid", &tls.Config{CurvePreferences: []tls.CurveID{tls.SecP256r1MLKEM768}},
			wire.TLSDetails{Version: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Group: "SecP256r1MLKEM768"}},
		{"the P-384 hybrid", &tls.Config{CurvePreferences: []tls.CurveID{tls.SecP384r1MLKEM1024}},
			wire.TLSDetails{Version: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Group: "SecP384r1MLKEM1024"}},
		{"a client without hybrid groups", &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}},
			wire.TLSDetails{Version: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Group: "secp384r1"}},
		{"TLS 1.2 with AES", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
			wire.TLSDetails{Version: "TLSv1.2", CipherSuite: "ECDHE-ECDSA-AES256-GCM-SHA384", Group: "x25519"}},
		{"TLS 1.2 with ChaCha", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
			wire.TLSDetails{Version: "TLSv1.2", CipherSuite: "ECDHE-ECDSA-CHACHA20-POLY1305", Group: "x25519"}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			r.client.RootCAs, r.client.ServerName = roots, "localhost"
			resp, body := do(t, client(r.client), "POST", s.URL(), "{}")
			require.Equal(t, 200, resp.StatusCode)
			var got shown
			require.NoError(t, json.Unmarshal([]byte(body), &got))
			r.want.Host, r.want.ServerName = s.Addr().String(), "localhost"
			require.Equal(t, &r.want, got.TLS)
		})
	}
}

func TestWeakClientsAreRefused(t *testing.T) {
	config, roots := secure(t)
	s := start(t, Config{TLS: config})
	rows := map[string]*tls.Config{
		"TLS 1.1":                 {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"RSA key exchange":        {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
		"a suite without an AEAD": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
		"a group not offered":     {CurvePreferences: []tls.CurveID{tls.CurveP521}},
	}
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			c.RootCAs = roots
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(), nil)
			require.NoError(t, err)
			resp, err := client(c).Do(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			require.ErrorContains(t, err, "tls: ")
		})
	}
}

func TestEverySuiteAndGroupThatIsOfferedHasAName(t *testing.T) {
	config, _ := secure(t)
	require.Len(t, config.CipherSuites, 6)
	for _, id := range append([]uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}, config.CipherSuites...) {
		assert.NotEmpty(t, suiteNames[id], tls.CipherSuiteName(id))
	}
	for _, id := range config.CurvePreferences {
		assert.NotEmpty(t, groupNames[id], id.String())
	}
	assert.Equal(t, "0x1234", GroupName(0x1234))
}

// TestSelfTest runs the self-test in this process or, with the variable child
// set, in a child whose GODEBUG differs: crypto/tls reads it once.
func TestSelfTest(t *testing.T) {
	const child = "KEYREEVE_SELF_TEST"
	if os.Getenv(child) != "" {
		config, _ := secure(t)
		err := SelfTest(t.Context(), config)
		require.Error(t, err)
		t.Log(err)
		return
	}
	t.Run("passes by default", func(t *testing.T) {
		config, _ := secure(t)
		require.NoError(t, SelfTest(t.Context(), config))
	})
	for setting, group := range map[string]string{"tlsmlkem=0": "X25519MLKEM768", "tlssecpmlkem=0": "SecP256r1MLKEM768"} {
		t.Run("fails with "+setting, func(t *testing.T) {
			self, err := os.Executable()
			require.NoError(t, err)
			c := exec.CommandContext(t.Context(), self, "-test.run=^TestSelfTest$", "-test.v")
			c.Env = append(os.Environ(), child+"=1", "GODEBUG="+setting)
			out, err := c.CombinedOutput()
			require.NoError(t, err, string(out))
			require.Contains(t, string(out), "this build cannot do the post-quantum TLS group "+group+"; if GODEBUG has tlsmlkem=0")
		})
	}
	t.Run("fails when the configuration lacks a group", func(t *testing.T) {
		config, _ := secure(t)
		config.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768, tls.X25519}
		require.ErrorContains(t, SelfTest(t.Context(), config), "group SecP256r1MLKEM768")
	})
}

func TestLoadCertificate(t *testing.T) {
	dir := t.TempDir()
	_, err := LoadDevelopment(dir, nil, time.Now())
	require.NoError(t, err)
	both := filepath.Join(dir, leafFile)
	c, err := LoadCertificate(both, both)
	require.NoError(t, err)
	require.Len(t, c.Certificate, 2)
	_, err = LoadCertificate(filepath.Join(dir, "none"), both)
	require.ErrorContains(t, err, "loading the TLS certificate: ")
}
