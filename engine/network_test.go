package engine_test

import (
	"context"
	"crypto/tls"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/engine/server"
)

//go:embed testdata/networks.txtar
var networksText string

// listeners are the named ones of the tests; no endpoint is bound to unbound.
var listeners = []string{"inside", "shared", "proxied", "narrow", "elsewhere", "unbound"}

func newNetworks(t *testing.T, c enginetest.Config) bench {
	t.Helper()
	c.World, c.Inside = worldText+networksText, listeners
	return start(t, c)
}

// A route is a way to the service: what the network makes of it, and what the
// client says.
type route struct {
	listener string
	from     string // address of the peer
	first    []byte // PROXY protocol header; nil: none
	sni      string
	host     string
}

// The addresses of peers: a proxy of the world's, and anybody.
const (
	proxy  = "127.0.0.9"
	client = "127.0.0.1"
)

// transport connects by a route.
func (b bench) transport(r route) *http.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: netip.MustParseAddr(r.from).AsSlice()}}
		c, err := d.DialContext(ctx, network, address)
		if err == nil {
			_, err = c.Write(r.first)
		}
		return c, err
	}
	return &http.Transport{
		DialContext: dial, DisableKeepAlives: true,
		// The peer is this process; of TLS only the SNI matters here.
		TLSClientConfig: &tls.Config{ServerName: r.sni, InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}},
	}
}

func (b bench) url(listener string) string { return b.InsideURL(listener) }

// outcome of drawing a random byte by a route: "ok", "closed", or the message
// of the refusal.
func (b bench) outcome(r route, k enginetest.Keys) string {
	b.t.Helper()
	body := `{"NumberOfBytes":1}`
	request := b.Request(k, region, "GenerateRandom", body, b.url(r.listener), r.host)
	answer, err := b.transport(r).RoundTrip(request)
	if err != nil {
		return "closed"
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	if answer.StatusCode == http.StatusOK {
		return "ok"
	}
	var failure struct {
		Type    string `json:"__type"`
		Message string
	}
	require.NoError(b.t, json.Unmarshal(text, &failure), "%s", text)
	require.Equal(b.t, "AccessDeniedException", failure.Type, failure.Message)
	return failure.Message
}

// proxyHeader is a PROXY protocol header that names an endpoint; "-" names
// none, and "" is no header.
func proxyHeader(t *testing.T, endpoint string) []byte {
	t.Helper()
	if endpoint == "" {
		return nil
	}
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1234}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 443})
	if endpoint != "-" {
		require.NoError(t, h.SetTLVs([]proxyproto.TLV{{Type: 0xEA, Value: append([]byte{1}, endpoint...)}}))
	}
	raw, err := h.Format()
	require.NoError(t, err)
	return raw
}

// endpointIDs are the endpoints of the world by the letter of their hosts and
// users.
func endpointID(letter string) string { return "vpce-" + strings.Repeat("0"+letter, 9)[:17] }

// bound says which endpoints a connection can have come through, by what the
// network alone knows: letters, "" for none, "closed" or "refused". It is the
// text of FORMAT.md, row by row.
func bound(listener, from, tlv string) string {
	atProxy := from == proxy && (listener == "" || listener == "proxied")
	switch {
	case atProxy != (tlv != ""):
		return "closed" // a header that is missing or out of place
	case tlv == "malformed":
		return "closed"
	case listener == "" && (tlv == "" || tlv == "-"):
		return ""
	case listener == "" && tlv == endpointID("d"):
		return "d"
	case listener == "inside":
		return "a"
	case listener == "shared":
		return "bc"
	case listener == "proxied" && atProxy && (tlv == "-" || tlv == endpointID("e")):
		return "e"
	}
	return "refused"
}

// named are the endpoints that a host name stands for; ok is false if it is
// not the host of an endpoint at all.
var named = map[string]string{
	"": "-", "kms.us-east-1.amazonaws.com": "-",
	"kms.a.example": "a", "kms.b.example": "b", "KMS.C.Example.": "c", "kms.bc.example": "bc", "kms.d.example": "d", "kms.e.example": "e",
	endpointID("a") + "-x1y2.kms.us-east-1.vpce.amazonaws.com": "a",
	"vpce-99999999.kms.us-east-1.vpce.amazonaws.com":           "",
	"anything.vpce.amazonaws.com":                              "",
}

// expected is what must become of a route.
func expected(listener, from, tlv string, hosts ...string) string {
	possible := bound(listener, from, tlv)
	if possible == "closed" || possible == "refused" {
		return possible
	}
	for _, host := range hosts {
		if named[host] == "-" {
			continue
		}
		possible = strings.Map(func(letter rune) rune {
			if strings.ContainsRune(named[host], letter) {
				return letter
			}
			return -1
		}, possible)
		if possible == "" {
			return "refused"
		}
	}
	if len(possible) > 1 {
		return "refused"
	}
	return possible
}

// check goes by a route and compares with what is expected: "closed",
// "refused", "" (through no endpoint) or the letter of an endpoint.
func (b bench) check(r route, want, sentence string) {
	b.t.Helper()
	who := enginetest.Keys{ID: "AKIAANY", Secret: "any-secret"}
	if len(want) == 1 {
		who = enginetest.Keys{ID: "AKIAIN" + strings.ToUpper(want), Secret: "in-" + want + "-secret"}
	}
	got := b.outcome(r, who)
	noEndpoint := strings.Contains(got, "no identity-based policy allows")
	switch want {
	case "closed":
		assert.Equal(b.t, "closed", got, sentence)
	case "refused":
		assert.False(b.t, got == "ok" || got == "closed" || noEndpoint, "%s: refused for its network, not %q", sentence, got)
	case "":
		assert.True(b.t, noEndpoint, "%s: through no endpoint, not %q", sentence, got)
	default:
		assert.Equal(b.t, "ok", got, sentence)
	}
}

// TestEndpointsCannotBeForged goes every way there is: each listener, from a
// proxy and from anybody, with each PROXY protocol header, each SNI and Host.
func TestEndpointsCannotBeForged(t *testing.T) {
	d, err := server.LoadDevelopment(t.TempDir(), nil, time.Now())
	require.NoError(t, err)
	secure := newNetworks(t, enginetest.Config{TLS: server.NewTLS(d.Certificate)})
	plain := newNetworks(t, enginetest.Config{})
	headers := map[string][]byte{"malformed": proxyHeader(t, "vpce-x")}
	for _, tlv := range []string{"", "-", endpointID("a"), endpointID("b"), endpointID("d"), endpointID("e"), "vpce-99999999"} {
		headers[tlv] = proxyHeader(t, tlv)
	}
	tried := map[string]int{}
	for _, listener := range []string{"", "inside", "shared", "proxied", "unbound"} {
		for _, from := range []string{client, proxy} {
			for _, tlv := range sortedKeys(headers) {
				for _, host := range sortedKeys(named) {
					r := route{listener: listener, from: from, first: headers[tlv], host: host}
					way := fmt.Sprintf("listener %q, peer %s, header %q, Host %q", listener, from, tlv, host)
					want := expected(listener, from, tlv, host)
					if want == "closed" && host != "" {
						continue // nobody reads the Host of a closed connection
					}
					tried[want]++
					plain.check(r, want, way)
					for _, sni := range sortedKeys(named) {
						if sni == "KMS.C.Example." {
							continue // no SNI ends in a dot
						}
						want := expected(listener, from, tlv, host, sni)
						if want == "closed" && sni != "" {
							continue
						}
						tried[want]++
						r.sni = sni
						secure.check(r, want, way+fmt.Sprintf(", SNI %q", sni))
					}
				}
			}
		}
	}
	assert.ElementsMatch(t, []string{"", "a", "b", "c", "d", "e", "closed", "refused"}, sortedKeys(tried))
	for outcome, n := range tried {
		assert.Greater(t, n, 2, "ways that end in %q", outcome)
	}
}
