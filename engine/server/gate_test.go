package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/wire"
)

const endpointA = "vpce-0123456789abcdef0"

// proxy is the address that is expected to send PROXY protocol headers.
var proxy = netip.MustParseAddr("127.0.0.9")

// header writes a PROXY protocol header for a connection from 192.0.2.7:1234.
func header(t *testing.T, change func(*proxyproto.Header), tlvs ...proxyproto.TLV) []byte {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1234}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 443})
	require.NoError(t, h.SetTLVs(tlvs))
	if change != nil {
		change(h)
	}
	raw, err := h.Format()
	require.NoError(t, err)
	return raw
}

func named(endpoint string) proxyproto.TLV {
	return proxyproto.TLV{Type: typeAWS, Value: append([]byte{subtypeEndpoint}, endpoint...)}
}

// through sends a request behind first from an address, and tells what the
// handler saw; nil if none came
// through.
func through(t *testing.T, seen <-chan wire.Request, to net.Addr, from netip.Addr, first []byte) *wire.Request {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
	c, err := d.DialContext(t.Context(), "tcp", to.String())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write(append(bytes.Clone(first), "POST / HTTP/1.1\r\nHost: kms.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"...))
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		rest, _ := io.ReadAll(c) // a reset is a closed connection too
		assert.Empty(t, rest)
		return nil
	}
	require.NoError(t, answer.Body.Close())
	if answer.StatusCode == http.StatusBadRequest {
		return nil // what follows a header was no request; the connection is closed behind this answer
	}
	r := <-seen
	return &r
}

func TestConnectionsSayHowTheyCameWhereThatIsExpected(t *testing.T) {
	seen := make(chan wire.Request, 1)
	s := start(t, Config{
		Inside:  []Listener{{Name: "inside"}},
		Proxied: func(listener string, peer netip.Addr) bool { return listener == "inside" && peer == proxy },
		Handler: func(_ context.Context, r wire.Request) wire.Response {
			seen <- r
			return wire.Response{Status: http.StatusOK}
		},
	})
	client, source := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.7")
	good := header(t, nil, named(endpointA))
	inside, public := s.addresses["inside"], s.Addr()
	for _, c := range []struct {
		name  string
		to    net.Addr
		from  netip.Addr
		first []byte
		want  *wire.Request // of which RemoteIP and Network; nil: closed
	}{
		{"a client at the public listener", public, client, nil, &wire.Request{RemoteIP: client, Network: wire.Network{Peer: client}}},
		{"a client at another", inside, client, nil, &wire.Request{RemoteIP: client, Network: wire.Network{Listener: "inside", Peer: client}}},
		{"a client that sends a header", public, client, good, nil},
		{"a client that sends a header at another listener", inside, client, good, nil},
		{"a proxy where none is expected", public, proxy, good, nil},
		{"a proxy that sends none", inside, proxy, nil, nil},
		{"a proxy that names an endpoint", inside, proxy, good,
			&wire.Request{RemoteIP: source, Network: wire.Network{Listener: "inside", Peer: proxy, Proxied: true, Endpoint: endpointA}}},
		{"a proxy that names none", inside, proxy, header(t, nil), &wire.Request{RemoteIP: source, Network: wire.Network{Listener: "inside", Peer: proxy, Proxied: true}}},
		{"a proxy that says other things", inside, proxy, header(t, nil, proxyproto.TLV{Type: typeAWS, Value: []byte{2, 'x'}}, proxyproto.TLV{Type: typeAWS}, proxyproto.TLV{Type: proxyproto.PP2_TYPE_ALPN, Value: []byte("h2")}),
			&wire.Request{RemoteIP: source, Network: wire.Network{Listener: "inside", Peer: proxy, Proxied: true}}},
		{"a proxy that connects for itself", inside, proxy, header(t, func(h *proxyproto.Header) { h.Command = proxyproto.LOCAL }, named(endpointA)),
			&wire.Request{RemoteIP: proxy, Network: wire.Network{Listener: "inside", Peer: proxy, Proxied: true}}},
		{"two endpoints", inside, proxy, header(t, nil, named(endpointA), named(endpointA)), nil},
		{"an endpoint that is none", inside, proxy, header(t, nil, named("vpce-x")), nil},
		{"an empty endpoint", inside, proxy, header(t, nil, named("")), nil},
		{"version 1", inside, proxy, []byte("PROXY TCP4 192.0.2.7 10.0.0.5 1234 443\r\n"), nil},
		{"another protocol than TCP", inside, proxy, header(t, func(h *proxyproto.Header) {
			h.TransportProtocol = proxyproto.UDPv4
			h.SourceAddr, h.DestinationAddr = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 7)}, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 5)}
		}), nil},
		{"a header that is cut", inside, proxy, append(good[:20:20], "\r\n\r\n"...), nil},
		{"a second header", inside, proxy, append(bytes.Clone(good), good...), nil},
	} {
		got := through(t, seen, c.to, c.from, c.first)
		if c.want == nil || got == nil {
			assert.Equal(t, c.want == nil, got == nil, "%s: refused", c.name)
			continue
		}
		assert.Equal(t, c.want.RemoteIP, got.RemoteIP, c.name)
		assert.Equal(t, c.want.Network, got.Network, c.name)
	}
}

func TestFurtherListenersHaveNamesOfTheirOwn(t *testing.T) {
	handler := func(context.Context, wire.Request) wire.Response { return wire.Response{} }
	for _, names := range [][]Listener{{{Name: ""}}, {{Name: "a"}, {Name: "a"}}} {
		_, err := New(Config{Handler: handler, Inside: names})
		assert.ErrorContains(t, err, "a further listener needs a name of its own")
	}
	s := start(t, Config{Handler: handler, Inside: []Listener{{Name: "inside"}}})
	assert.NotEqual(t, s.URL(), s.InsideURL("inside"))
	assert.Empty(t, s.InsideURL("outside"))
}

func FuzzHeader(f *testing.F) {
	for _, tlvs := range [][]proxyproto.TLV{nil, {named(endpointA)}, {named(endpointA), named(endpointA)}, {{Type: typeAWS}}} {
		h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5)})
		require.NoError(f, h.SetTLVs(tlvs))
		raw, err := h.Format()
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil || validHeader(h) != nil {
			return
		}
		id, err := endpointOf(h)
		require.NoError(t, err)
		require.True(t, id == "" || endpointID.MatchString(id))
	})
}
