package tlsprobe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
)

// ProbeVersion makes a handshake of a version before TLS 1.3, with crypto/tls
// and whatever cipher suites it knows, weak ones too: it finds out where an
// endpoint's floor is. Errors are those of Probe; Groups and CipherSuites of c
// do not matter.
func ProbeVersion(ctx context.Context, addr string, v Version, c Config) (Report, error) {
	c, err := c.withDefaults(addr)
	if err != nil {
		return Report{}, err
	}
	if v < tls.VersionTLS10 || v > tls.VersionTLS12 {
		return Report{}, fmt.Errorf("%s is not probed this way", v)
	}
	return connected(ctx, addr, c.Timeout, func(ctx context.Context, conn net.Conn) (Report, error) {
		return shakeVersion(ctx, conn, v, c)
	})
}

func shakeVersion(ctx context.Context, conn net.Conn, v Version, c Config) (Report, error) {
	client := tls.Client(conn, &tls.Config{
		InsecureSkipVerify: true, // a probe sends nothing, and reports CertificateValidated false
		ServerName:         c.ServerName,
		MinVersion:         uint16(v),
		MaxVersion:         uint16(v),
		CipherSuites:       suitesOf(v),
		Rand:               c.Rand,
	})
	err := client.HandshakeContext(ctx)
	if remote := new(net.OpError); errors.As(err, &remote) && remote.Op == "remote error" { // an alert, to crypto/tls
		return Report{}, fmt.Errorf("%w: %w", ErrRefused, remote.Err)
	}
	if err != nil {
		return Report{}, err
	}
	state := client.ConnectionState()
	return Report{
		ServerName:  c.ServerName,
		Version:     Version(state.Version),
		Group:       Group(state.CurveID),
		CipherSuite: CipherSuite(state.CipherSuite),
		Certificate: state.PeerCertificates[0],
	}, client.CloseWrite()
}

func suitesOf(v Version) []uint16 {
	var ids []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(s.SupportedVersions, uint16(v)) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
