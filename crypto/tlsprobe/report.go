package tlsprobe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
)

// A Report is what an endpoint negotiated in a handshake that was completed:
// the server's Finished verified under the secret that the key exchange gave.
type Report struct {
	Address     string // as given to Probe; empty for Handshake
	ServerName  string // as sent; empty: none
	Version     Version
	Group       Group // zero: a key exchange without one, before TLS 1.3
	CipherSuite CipherSuite

	// Signature is the algorithm with which the endpoint proved, in its
	// CertificateVerify, that it has the private key of Certificate. Zero
	// before TLS 1.3: crypto/tls verified the proof and does not tell.
	Signature tls.SignatureScheme
	// Certificate is the one that the endpoint showed for itself.
	Certificate *x509.Certificate `json:"-"`
	// CertificateValidated is always false: the probe asks neither who issued
	// the certificate, nor for which names, nor until when. It may speak to an
	// impostor.
	CertificateValidated bool
	// ClientCertificateRequested tells that the endpoint asked for a client
	// certificate. The probe has none, so a server may still turn it away.
	ClientCertificateRequested bool
}

// String is the report in one line.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, ", r.Version)
	if r.Group != 0 {
		fmt.Fprintf(&b, "%s (%s), ", r.Group, r.Group.kind())
	}
	fmt.Fprintf(&b, "%s; certificate not validated", r.CipherSuite)
	if r.Signature != 0 {
		fmt.Fprintf(&b, ", its key proven with %s", r.Signature)
	}
	if r.ClientCertificateRequested {
		b.WriteString("; client certificate requested")
	}
	return b.String()
}

// A Version is a TLS version number.
type Version uint16

// String names the version, "TLS 1.3".
func (v Version) String() string { return tls.VersionName(uint16(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// A CipherSuite is a TLS cipher suite number.
type CipherSuite uint16

// String names the suite as the IANA registry does.
func (s CipherSuite) String() string { return tls.CipherSuiteName(uint16(s)) }

// MarshalText implements encoding.TextMarshaler.
func (s CipherSuite) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
