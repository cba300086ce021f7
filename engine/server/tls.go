package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// Hybrid returns the post-quantum hybrid groups, in our order of preference.
func Hybrid() []tls.CurveID {
	return []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024}
}

// suites are the TLS 1.2 suites: ephemeral elliptic curves with an AEAD. Those
// of TLS 1.3 are not configurable, and all good.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// NewTLS returns the configuration of an endpoint that presents certificate:
// TLS 1.2 at least, the hybrid groups before the classical ones.
func NewTLS(certificate tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates:     []tls.Certificate{certificate},
		MinVersion:       tls.VersionTLS12,
		CipherSuites:     suites,
		CurvePreferences: append(Hybrid(), tls.X25519, tls.CurveP256, tls.CurveP384),
		NextProtos:       []string{"http/1.1"},
	}
}

// LoadCertificate reads a PEM certificate chain, leaf first, and its key.
func LoadCertificate(chainFile, keyFile string) (tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(chainFile, keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("loading the TLS certificate: %w", err)
	}
	return c, nil
}

// SelfTest makes a handshake with config for each hybrid group. It fails if
// one cannot be negotiated, because the build or the GODEBUG environment
// variable has turned it off.
func SelfTest(ctx context.Context, config *tls.Config) error {
	for _, group := range Hybrid() {
		got, err := negotiate(ctx, config, group)
		if err == nil && got != group {
			err = fmt.Errorf("the handshake used %s", GroupName(got))
		}
		if err != nil {
			return fmt.Errorf("this build cannot do the post-quantum TLS group %s; if GODEBUG has tlsmlkem=0 or tlssecpmlkem=0, "+
				"remove that, and build with Go 1.26 or later: %w", GroupName(group), err)
		}
	}
	return nil
}

// negotiate makes a handshake in memory, with a client that offers only group,
// and returns the group that it used.
func negotiate(ctx context.Context, config *tls.Config, group tls.CurveID) (tls.CurveID, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	near, far := net.Pipe()
	defer func() { _ = near.Close() }() // ends the server's side too
	served := make(chan error, 1)
	go func() {
		served <- tls.Server(far, config).HandshakeContext(ctx)
		_ = far.Close() // a pipe's Close never fails
	}()
	client := tls.Client(near, &tls.Config{
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{group},
		// Tickets would be written when nobody reads the pipe any more.
		SessionTicketsDisabled: true,
		// The peer is this process: what is tested is the key exchange.
		InsecureSkipVerify: true,
	})
	err := client.HandshakeContext(ctx)
	if err != nil {
		_ = near.Close() // so that the server's side returns
	}
	if err = errors.Join(err, <-served); err != nil {
		return 0, err
	}
	return client.ConnectionState().CurveID, nil
}

// groupNames are the names of IANA's registry of TLS supported groups.
var groupNames = map[tls.CurveID]string{
	tls.X25519MLKEM768:     "X25519MLKEM768",
	tls.SecP256r1MLKEM768:  "SecP256r1MLKEM768",
	tls.SecP384r1MLKEM1024: "SecP384r1MLKEM1024",
	tls.X25519:             "x25519",
	tls.CurveP256:          "secp256r1",
	tls.CurveP384:          "secp384r1",
	tls.CurveP521:          "secp521r1",
}

// GroupName returns IANA's name of a key exchange group.
func GroupName(group tls.CurveID) string {
	if n, ok := groupNames[group]; ok {
		return n
	}
	return fmt.Sprintf("0x%04x", uint16(group))
}

var versionNames = map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}

// suiteNames are OpenSSL's names of the suites, which CloudTrail uses.
var suiteNames = map[uint16]string{
	tls.TLS_AES_128_GCM_SHA256:                        "TLS_AES_128_GCM_SHA256",
	tls.TLS_AES_256_GCM_SHA384:                        "TLS_AES_256_GCM_SHA384",
	tls.TLS_CHACHA20_POLY1305_SHA256:                  "TLS_CHACHA20_POLY1305_SHA256",
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:       "ECDHE-ECDSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "ECDHE-RSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       "ECDHE-ECDSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:         "ECDHE-RSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   "ECDHE-RSA-CHACHA20-POLY1305",
}

// details returns what is known of the TLS connection of r, nil without one.
func details(r *http.Request) *wire.TLSDetails {
	if r.TLS == nil {
		return nil
	}
	return &wire.TLSDetails{
		Version:     versionNames[r.TLS.Version],
		CipherSuite: suiteNames[r.TLS.CipherSuite],
		Group:       GroupName(r.TLS.CurveID),
		Host:        r.Host,
		ServerName:  r.TLS.ServerName,
	}
}
