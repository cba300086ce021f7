package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDevelopmentAuthorityIsTrustedAgainAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first := serve(t, dir, "--dev", "--tls")
	assert.Regexp(t, `^https://`, first.URL)
	_, err := first.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	trusting := first.http()
	require.Zero(t, first.terminate())

	second := serve(t, dir, "--dev", "--tls")
	ready := fetch(t, trusting, second.URL+"/readyz")
	assert.Equal(t, http.StatusOK, ready.status)
	assert.Equal(t, tls.X25519MLKEM768, ready.tls.CurveID, "Go's own client gets a hybrid group")
}

// probe runs `keyreeve tls-probe` with an address and flags.
func probe(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	p := launch(t, t.TempDir(), append([]string{"keyreeve", "tls-probe"}, args...)...)
	code = p.wait()
	return code, p.Out.String(), p.Err.String()
}

func TestProbeCompletesAHandshakeForEachHybridGroup(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev", "--tls")
	address := strings.TrimPrefix(p.URL, "https://")
	code, out, errOut := probe(t, address)
	assert.Zero(t, code, errOut)
	for _, group := range []string{"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"} {
		assert.Contains(t, out, group+": TLS 1.3, "+group+" (hybrid, post-quantum)")
	}
	assert.Contains(t, out, "all groups: TLS 1.3, X25519MLKEM768")
	assert.Contains(t, out, "TLS 1.2: TLS 1.2")
	assert.Contains(t, out, "TLS 1.1: refused")

	code, out, _ = probe(t, "--json", address)
	assert.Zero(t, code)
	var survey struct {
		Address string
		Results []struct{ Offer, Outcome string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &survey))
	assert.Equal(t, address, survey.Address)
	outcomes := map[string]string{}
	for _, r := range survey.Results {
		outcomes[r.Offer] = r.Outcome
	}
	assert.Equal(t, "negotiated", outcomes["SecP384r1MLKEM1024"])
	assert.Equal(t, "refused", outcomes["TLS 1.1"])
}

func TestProbeEndsWithOneWhereNothingIsHybrid(t *testing.T) {
	certificate, _, _ := selfSigned(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate}, CurvePreferences: []tls.CurveID{tls.X25519}, MinVersion: tls.VersionTLS12,
	})
	require.NoError(t, err)
	classical := &http.Server{ReadHeaderTimeout: patience, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan error, 1)
	go func() { done <- classical.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, classical.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	code, _, errOut := probe(t, listener.Addr().String())
	assert.Equal(t, exitFindings, code)
	assert.Equal(t, "keyreeve: "+listener.Addr().String()+" negotiates no hybrid post-quantum group\n", errOut)
}

func TestProbeEndsWithThreeWhereNobodyAnswers(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	code, _, errOut := probe(t, listener.Addr().String())
	assert.Equal(t, exitCannot, code)
	assert.Contains(t, errOut, "connection refused")
}

// selfSigned makes a certificate for 127.0.0.1, and PEM files with it and its
// key.
func selfSigned(t *testing.T) (c tls.Certificate, chainFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	text, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	chainFile, keyFile = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(chainFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600))
	c, err = tls.LoadX509KeyPair(chainFile, keyFile)
	require.NoError(t, err)
	return c, chainFile, keyFile
}

func TestOwnCertificateIsServed(t *testing.T) {
	certificate, chain, key := selfSigned(t)
	p := serve(t, t.TempDir(), "--dev", "--tls", "--tls-cert", chain, "--tls-key", key)
	assert.NotContains(t, p.Out.String(), "AWS_CA_BUNDLE", "clients trust this one already, or are told by its owner")
	p.Env["AWS_CA_BUNDLE"] = chain
	_, err := p.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	healthy := fetch(t, p.http(), p.URL+"/healthz")
	assert.Equal(t, certificate.Certificate[0], healthy.tls.PeerCertificates[0].Raw)

	swapped := launch(t, t.TempDir(), "keyreeve", "serve", "--dev", "--listen", "127.0.0.1:0", "--tls", "--tls-cert", key, "--tls-key", chain)
	assert.Equal(t, exitCannot, swapped.wait())
	assert.Contains(t, swapped.Err.String(), "keyreeve: loading the TLS certificate: ")
}

func TestEnvironmentThatDisablesTheHybridGroupsIsRefused(t *testing.T) {
	for _, setting := range []string{"tlsmlkem=0", "tlssecpmlkem=0"} {
		c := exec.CommandContext(t.Context(), "keyreeve", "serve", "--dev", "--tls", "--listen", "127.0.0.1:0")
		c.Dir, c.Env = t.TempDir(), append(os.Environ(), "GODEBUG="+setting)
		text, err := c.CombinedOutput()
		var exit *exec.ExitError
		if assert.ErrorAs(t, err, &exit, setting) {
			assert.Equal(t, exitCannot, exit.ExitCode(), setting)
		}
		assert.Contains(t, string(text), "keyreeve: this build cannot do the post-quantum TLS group ", setting)
		assert.Contains(t, string(text), "if GODEBUG has tlsmlkem=0 or tlssecpmlkem=0, remove that", setting)
		assert.NotContains(t, string(text), "listening on", setting)
	}
}
