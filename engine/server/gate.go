package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// gates is a listener whose connections say in a PROXY protocol header how
// they came, where that is expected of their peer, and nowhere else. A
// connection that does otherwise is closed.
type gates struct {
	proxyproto.Listener
	name string
	log  *slog.Logger
}

// gated wraps a listener of the API.
func (s *Server) gated(l net.Listener, name string) net.Listener {
	return &gates{name: name, log: s.config.Log, Listener: proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: s.config.Timeouts.Header,
		ValidateHeader:    validHeader,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			peer, err := addressOf(o.Upstream)
			if err != nil {
				return proxyproto.REJECT, fmt.Errorf("%w: %w", proxyproto.ErrInvalidUpstream, err)
			}
			if s.config.Proxied != nil && s.config.Proxied(name, peer) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.REJECT, nil
		},
	}}
}

// Accept waits for the next connection. Its header is read later, by the
// goroutine of the connection.
func (g *gates) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn, ok := c.(*proxyproto.Conn)
	if !ok {
		return nil, errors.Join(errors.New("a connection whose PROXY protocol header would not be read"), c.Close())
	}
	return &gate{Conn: conn, listener: g.name, log: g.log}, nil
}

// A gate is one connection.
type gate struct {
	*proxyproto.Conn
	listener string
	log      *slog.Logger
	once     sync.Once
	begun    atomic.Bool // the PROXY protocol header has been read, or is not to come
}

// Read reads behind the PROXY protocol header, and tells the operator of a
// header that is missing or out of place.
func (g *gate) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.once.Do(func() {
		if _, network := errors.AsType[net.Error](err); err == nil || network || errors.Is(err, io.EOF) {
			return
		}
		g.log.Info("connection closed", "listener", g.listener, "peer", g.Raw().RemoteAddr().String(), "err", err)
	})
	if !g.begun.Load() {
		g.begun.Store(true)
	}
	return n, err
}

// SetReadDeadline bounds reading. Only while a PROXY protocol header may come
// does its reader have to know.
func (g *gate) SetReadDeadline(t time.Time) error {
	if g.begun.Load() {
		return g.Raw().SetReadDeadline(t)
	}
	return g.Conn.SetReadDeadline(t)
}

// network is what is known of the connection.
func (g *gate) network() wire.Network {
	n := wire.Network{Listener: g.listener}
	n.Peer, _ = addressOf(g.Raw().RemoteAddr()) // a TCP connection has one
	if h := g.ProxyHeader(); h != nil {
		n.Proxied = true
		n.Endpoint, _ = endpointOf(h) // validHeader has refused what is wrong
	}
	return n
}

func addressOf(a net.Addr) (netip.Addr, error) {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap(), nil
	}
	p, err := netip.ParseAddrPort(a.String())
	return p.Addr().Unmap(), err
}

// The PROXY protocol's type of AWS extensions and their subtype of the VPC
// endpoint id. Elastic Load Balancing, "Proxy protocol" of Network Load
// Balancers.
const (
	typeAWS         proxyproto.PP2Type = 0xEA
	subtypeEndpoint byte               = 0x01
)

var endpointID = regexp.MustCompile(`^vpce-[0-9a-f]{8,17}$`)

// validHeader refuses a header that does not say in version 2 for which TCP
// connection it stands, or not clearly by which endpoint that came.
func validHeader(h *proxyproto.Header) error {
	switch {
	case h.Version != 2:
		return fmt.Errorf("PROXY protocol header of version %d", h.Version)
	case !h.Command.IsLocal() && h.TransportProtocol != proxyproto.TCPv4 && h.TransportProtocol != proxyproto.TCPv6:
		return errors.New("PROXY protocol header for another protocol than TCP")
	}
	_, err := endpointOf(h)
	return err
}

// endpointOf is the VPC endpoint that a header names; empty if it names none.
// A connection of the proxy's own (LOCAL) came by none.
func endpointOf(h *proxyproto.Header) (string, error) {
	if h.Command.IsLocal() {
		return "", nil
	}
	tlvs, err := h.TLVs()
	if err != nil {
		return "", fmt.Errorf("reading the PROXY protocol header: %w", err)
	}
	id := ""
	for _, t := range tlvs {
		if t.Type != typeAWS || len(t.Value) == 0 || t.Value[0] != subtypeEndpoint {
			continue
		}
		if id != "" || !endpointID.Match(t.Value[1:]) {
			return "", errors.New("PROXY protocol header with two VPC endpoints, or one that is none")
		}
		id = string(t.Value[1:])
	}
	return id, nil
}

// gateKey is where net/http hands a connection to the requests on it; there is
// no other way. network takes it out again at once.
type gateKey struct{}

func withGate(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, gateKey{}, c)
}

// network is what is known of the connection of a request.
func network(r *http.Request) wire.Network {
	if g, ok := r.Context().Value(gateKey{}).(*gate); ok {
		return g.network()
	}
	return wire.Network{}
}
