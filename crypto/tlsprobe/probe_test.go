package tlsprobe

import (
	"context"
	"crypto/elliptic"
	"crypto/tls"
	"encoding/json"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachGroupIsNegotiatedWithCryptoTLS(t *testing.T) {
	addr, results := serve(t, &tls.Config{MinVersion: tls.VersionTLS12}, nil)
	for _, g := range Groups() {
		t.Run(g.String(), func(t *testing.T) {
			report, err := Probe(t.Context(), addr, Config{Groups: []Group{g}})
			require.NoError(t, err)
			assert.Equal(t, g, report.Group)
			assert.Equal(t, Version(tls.VersionTLS13), report.Version)
			assert.Equal(t, tls.ECDSAWithP256AndSHA256, report.Signature)
			assert.Equal(t, "kms.test", report.Certificate.Subject.CommonName)
			assert.False(t, report.CertificateValidated)
			assert.Equal(t, addr, report.Address)

			server := <-results
			require.NoError(t, server.err, "the server has seen our Finished")
			assert.Equal(t, uint16(g), uint16(server.state.CurveID))
			assert.Equal(t, uint16(report.CipherSuite), server.state.CipherSuite)
			assert.False(t, server.state.HelloRetryRequest)
		})
	}
}

func TestEachCipherSuiteIsNegotiated(t *testing.T) {
	addr, results := serve(t, &tls.Config{}, nil)
	for _, s := range []CipherSuite{aes128, aes256, chacha20} {
		t.Run(s.String(), func(t *testing.T) {
			report, err := Probe(t.Context(), addr, Config{CipherSuites: []CipherSuite{s}})
			require.NoError(t, err)
			assert.Equal(t, s, report.CipherSuite)
			require.NoError(t, (<-results).err)
		})
	}
}

func TestEachKindOfCertificateProvesItsKey(t *testing.T) {
	tests := map[tls.SignatureScheme]tls.Certificate{
		tls.ECDSAWithP256AndSHA256: certificate(t, ecdsaKey(t, elliptic.P256())),
		tls.ECDSAWithP384AndSHA384: certificate(t, ecdsaKey(t, elliptic.P384())),
		tls.ECDSAWithP521AndSHA512: certificate(t, ecdsaKey(t, elliptic.P521())),
		tls.Ed25519:                certificate(t, ed25519Key(t)),
		tls.PSSWithSHA256:          certificate(t, rsaKey(t)),
	}
	for scheme, cert := range tests {
		t.Run(scheme.String(), func(t *testing.T) {
			addr, results := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, nil)
			report, err := Probe(t.Context(), addr, Config{})
			require.NoError(t, err)
			assert.Equal(t, scheme, report.Signature)
			require.NoError(t, (<-results).err)
		})
	}
}

func TestEndpointChoosesAmongAllGroups(t *testing.T) {
	tests := map[string]struct {
		offered []tls.CurveID
		want    Group
	}{
		"as crypto/tls does by itself":  {nil, X25519MLKEM768},
		"only P-256 with ML-KEM":        {[]tls.CurveID{tls.SecP256r1MLKEM768}, SecP256r1MLKEM768},
		"classical only, as a FIPS one": {[]tls.CurveID{tls.CurveP384}, P384},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			addr, _ := serve(t, &tls.Config{CurvePreferences: tt.offered}, nil)
			report, err := Probe(t.Context(), addr, Config{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, report.Group)
		})
	}
}

// The classical listener stands for a FIPS endpoint, which offers no hybrid
// (PQ-04); the draft hybrid is what the guide describes, and crypto/tls has
// none of it (PQ-20).
func TestRefusedGroupIsAnAlert(t *testing.T) {
	classical, _ := serve(t, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256, tls.CurveP384, tls.CurveP521}}, nil)
	modern, _ := serve(t, &tls.Config{}, nil)
	tests := map[string]struct {
		addr  string
		group Group
	}{
		"X25519MLKEM768 of a classical endpoint":     {classical, X25519MLKEM768},
		"SecP256r1MLKEM768 of a classical endpoint":  {classical, SecP256r1MLKEM768},
		"SecP384r1MLKEM1024 of a classical endpoint": {classical, SecP384r1MLKEM1024},
		"X25519 of a FIPS endpoint":                  {classical, X25519},
		"draft Kyber of a modern endpoint":           {modern, X25519Kyber768Draft00},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			report, err := Probe(t.Context(), tt.addr, Config{Groups: []Group{tt.group}})
			require.ErrorIs(t, err, ErrRefused)
			var alert tls.AlertError
			require.ErrorAs(t, err, &alert)
			assert.Equal(t, tls.AlertError(40), alert, "handshake_failure")
			assert.Zero(t, report)
		})
	}
}

func TestEndpointBelowTLS13Refuses(t *testing.T) {
	addr, _ := serve(t, &tls.Config{MaxVersion: tls.VersionTLS12}, nil)
	_, err := Probe(t.Context(), addr, Config{})
	var alert tls.AlertError
	require.ErrorAs(t, err, &alert)
	assert.Equal(t, tls.AlertError(70), alert, "protocol_version")
}

func TestServerNameIsSent(t *testing.T) {
	names := make(chan string, 10)
	addr, _ := serve(t, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- h.ServerName
		return nil, nil
	}}, nil)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	for _, tt := range []struct{ addr, configured, want string }{
		{addr, "", ""},
		{addr, "kms.test", "kms.test"},
		{addr, "192.0.2.1", ""},
		{"localhost:" + port, "", "localhost"},
		{"localhost:" + port, "kms.test", "kms.test"},
	} {
		report, err := Probe(t.Context(), tt.addr, Config{ServerName: tt.configured})
		require.NoError(t, err)
		assert.Equal(t, tt.want, report.ServerName, "%+v", tt)
		assert.Equal(t, tt.want, <-names, "%+v", tt)
	}
}

func TestClientCertificateIsDeclined(t *testing.T) {
	addr, results := serve(t, &tls.Config{ClientAuth: tls.RequestClientCert}, nil)
	report, err := Probe(t.Context(), addr, Config{})
	require.NoError(t, err)
	assert.True(t, report.ClientCertificateRequested)
	server := <-results
	require.NoError(t, server.err)
	assert.Empty(t, server.state.PeerCertificates)

	addr, results = serve(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, nil)
	report, err = Probe(t.Context(), addr, Config{})
	require.NoError(t, err, "what was negotiated is known all the same")
	assert.True(t, report.ClientCertificateRequested)
	require.Error(t, (<-results).err)
}

func TestVersionFloorIsFound(t *testing.T) {
	tests := map[string]struct {
		min, max uint16
		accepted []Version
	}{
		"TLS 1.2 and later": {tls.VersionTLS12, tls.VersionTLS13, []Version{tls.VersionTLS12}},
		"TLS 1.3 only":      {tls.VersionTLS13, tls.VersionTLS13, nil},
		"all of the past":   {tls.VersionTLS10, tls.VersionTLS12, []Version{tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			addr, _ := serve(t, &tls.Config{MinVersion: tt.min, MaxVersion: tt.max}, nil)
			var got []Version
			for _, v := range []Version{tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10} {
				report, err := ProbeVersion(t.Context(), addr, v, Config{})
				if err != nil {
					require.ErrorIs(t, err, ErrRefused)
					continue
				}
				assert.Equal(t, v, report.Version)
				assert.NotZero(t, report.CipherSuite)
				assert.NotNil(t, report.Certificate)
				assert.False(t, report.CertificateValidated)
				got = append(got, v)
			}
			assert.Equal(t, tt.accepted, got)
		})
	}
	_, err := ProbeVersion(t.Context(), "127.0.0.1:1", tls.VersionTLS13, Config{})
	require.ErrorContains(t, err, "TLS 1.3 is not probed this way")
}

func TestSurveyTellsAll(t *testing.T) {
	addr, _ := serve(t, &tls.Config{MinVersion: tls.VersionTLS12}, nil)
	survey, err := ProbeAll(t.Context(), addr, Config{})
	require.NoError(t, err)
	assert.Equal(t, X25519MLKEM768, survey.Preferred.Report.Group)
	require.Len(t, survey.Groups, 8)
	for i, g := range Groups() {
		require.NoError(t, survey.Groups[i].Err)
		assert.Equal(t, g, survey.Groups[i].Report.Group)
	}
	assert.True(t, survey.Groups[7].Refused(), "draft Kyber")
	require.Len(t, survey.Versions, 3)
	require.NoError(t, survey.Versions[0].Err)
	assert.True(t, survey.Versions[1].Refused())
	assert.True(t, survey.Versions[2].Refused())

	assert.Equal(t, "all groups: TLS 1.3, X25519MLKEM768 (hybrid, post-quantum), TLS_AES_128_GCM_SHA256; "+
		"certificate not validated, its key proven with ECDSAWithP256AndSHA256", survey.Preferred.String())
	assert.Contains(t, survey.Groups[7].String(), "X25519Kyber768Draft00: refused (")
}

func TestSurveyOfAServerThatSpeaksNoTLSFindsFaults(t *testing.T) {
	addr := listen(t, func(conn net.Conn) { _, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n")) })
	survey, err := ProbeAll(t.Context(), addr, Config{})
	require.NoError(t, err)
	for _, r := range append(append(survey.Groups, survey.Versions...), survey.Preferred) {
		require.Error(t, r.Err)
		assert.False(t, r.Refused())
		assert.Contains(t, r.String(), "failed (")
	}
}

func TestUnreachableEndpointIsToldApart(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = Probe(t.Context(), addr, Config{})
	require.ErrorIs(t, err, ErrUnreachable)
	_, err = ProbeVersion(t.Context(), addr, tls.VersionTLS12, Config{})
	require.ErrorIs(t, err, ErrUnreachable)
	_, err = ProbeAll(t.Context(), addr, Config{})
	require.ErrorIs(t, err, ErrUnreachable)
	_, err = Probe(t.Context(), "no port", Config{})
	require.Error(t, err)
}

func TestProbeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := listen(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1)) // the hello is under way
		cancel()
		_, _ = conn.Read(make([]byte, 1<<16))
		_, _ = conn.Read(make([]byte, 1<<16))
	})
	_, err := Probe(ctx, addr, Config{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = ProbeAll(ctx, addr, Config{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestProbeOfferIsChecked(t *testing.T) {
	addr, _ := serve(t, &tls.Config{}, nil)
	_, err := Probe(t.Context(), addr, Config{Groups: []Group{4711}})
	require.ErrorContains(t, err, "group 0x1267 is not known")
	_, err = Probe(t.Context(), addr, Config{Rand: iotest.ErrReader(assert.AnError)})
	require.ErrorIs(t, err, assert.AnError)
}

func TestHandshakeOnAConnectionOfTheCaller(t *testing.T) {
	addr, results := serve(t, &tls.Config{}, nil)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	report, err := Handshake(conn, Config{ServerName: "kms.test"})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	assert.Equal(t, X25519MLKEM768, report.Group)
	assert.Equal(t, "kms.test", (<-results).state.ServerName)
}

// byByte writes each byte on its own (PQ-08: middleboxes split what is long).
type byByte struct{ net.Conn }

func (c byByte) Write(b []byte) (int, error) {
	for i := range b {
		if n, err := c.Conn.Write(b[i : i+1]); err != nil {
			return i + n, err
		}
	}
	return len(b), nil
}

func TestServerThatDribblesIsUnderstood(t *testing.T) {
	addr, _ := serve(t, &tls.Config{}, func(c net.Conn) net.Conn { return byByte{c} })
	report, err := Probe(t.Context(), addr, Config{Groups: []Group{X25519MLKEM768}})
	require.NoError(t, err)
	assert.Equal(t, X25519MLKEM768, report.Group)
}

func TestReportReadsAsJSON(t *testing.T) {
	text, err := json.Marshal(Report{Address: "a:1", Version: tls.VersionTLS13, Group: X25519MLKEM768, CipherSuite: aes128, Signature: tls.Ed25519})
	require.NoError(t, err)
	assert.JSONEq(t, `{"Address":"a:1","ServerName":"","Version":"TLS 1.3","Group":"X25519MLKEM768",
		"CipherSuite":"TLS_AES_128_GCM_SHA256","Signature":2055,"CertificateValidated":false,"ClientCertificateRequested":false}`, string(text))
}

func TestGroupsSayWhetherTheyArePostQuantum(t *testing.T) {
	want := map[Group]bool{X25519MLKEM768: true, SecP256r1MLKEM768: true, SecP384r1MLKEM1024: true}
	for _, g := range append(Groups(), X25519Kyber768Draft00, 4711) {
		assert.Equal(t, want[g], g.PostQuantum(), "%s", g)
	}
	assert.Equal(t, "unknown", Group(4711).kind())
}
