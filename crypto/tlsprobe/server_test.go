package tlsprobe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// accepted is what a server says of one connection: the other side of a Report.
type accepted struct {
	state tls.ConnectionState
	err   error
}

// listen runs handle on each connection to a socket, until the test ends.
func listen(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// serve runs a crypto/tls server and tells how its handshakes ended. A wrap
// comes between the socket and the server.
func serve(t testing.TB, c *tls.Config, wrap func(net.Conn) net.Conn) (addr string, results <-chan accepted) {
	t.Helper()
	if c.Certificates == nil {
		c.Certificates = []tls.Certificate{certificate(t, ecdsaKey(t, elliptic.P256()))}
	}
	out := make(chan accepted, 10_000)
	addr = listen(t, func(conn net.Conn) {
		if wrap != nil {
			conn = wrap(conn)
		}
		server := tls.Server(conn, c)
		err := server.HandshakeContext(t.Context())
		out <- accepted{server.ConnectionState(), err}
		_, _ = io.Copy(io.Discard, server) // until the probe has gone
	})
	return addr, out
}

func certificate(t testing.TB, key crypto.Signer) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "kms.test"},
		NotBefore:    time.Unix(0, 0), // long expired: nobody validates it
		NotAfter:     time.Unix(1, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func ecdsaKey(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func rsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func ed25519Key(t testing.TB) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}
