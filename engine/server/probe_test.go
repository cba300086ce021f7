package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/tlsprobe"
)

// The other side of these handshakes is circl, which shares no code with
// crypto/tls: agreement is evidence that both do what the RFCs say.

func TestIndependentClientCompletesEveryGroup(t *testing.T) {
	config, _ := secure(t)
	s := start(t, Config{TLS: config})
	groups := []tlsprobe.Group{
		tlsprobe.X25519MLKEM768, tlsprobe.SecP256r1MLKEM768, tlsprobe.SecP384r1MLKEM1024,
		tlsprobe.X25519, tlsprobe.P256, tlsprobe.P384,
	}
	require.Len(t, config.CurvePreferences, len(groups))
	for _, g := range groups {
		t.Run(g.String(), func(t *testing.T) {
			r, err := tlsprobe.Probe(t.Context(), s.Addr().String(), tlsprobe.Config{Groups: []tlsprobe.Group{g}, ServerName: "localhost"})
			require.NoError(t, err)
			require.Equal(t, g, r.Group)
			require.Equal(t, "x509: certificate is valid for localhost, not other", r.Certificate.VerifyHostname("other").Error())
		})
	}
}

func TestServerPrefersPostQuantum(t *testing.T) {
	config, _ := secure(t)
	s := start(t, Config{TLS: config})
	r, err := tlsprobe.Probe(t.Context(), s.Addr().String(), tlsprobe.Config{})
	require.NoError(t, err)
	require.Equal(t, tlsprobe.X25519MLKEM768, r.Group)
}

func TestGroupThatIsNotOfferedIsRefused(t *testing.T) {
	config, _ := secure(t)
	s := start(t, Config{TLS: config})
	_, err := tlsprobe.Probe(t.Context(), s.Addr().String(), tlsprobe.Config{Groups: []tlsprobe.Group{tlsprobe.P521}})
	require.ErrorIs(t, err, tlsprobe.ErrRefused)
}
