// Package tlsprobe is a TLS 1.3 handshake on circl's KEMs, to tell what an
// endpoint negotiates.
package tlsprobe

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

var (
	// ErrUnreachable answers an address to which no connection could be made.
	ErrUnreachable = errors.New("endpoint cannot be reached")
	// ErrRefused is the answer of an endpoint that turns down what it was
	// offered, with an alert. It is a finding, not a fault. In TLS 1.3 the
	// alert is found with errors.As, as a tls.AlertError.
	ErrRefused = errors.New("endpoint refuses the offer")
)

const defaultTimeout = 10 * time.Second

// A Config says what a probe offers.
type Config struct {
	Groups       []Group       // offered, each with a key share; nil: Groups()
	CipherSuites []CipherSuite // offered; nil: the three of TLS 1.3
	ServerName   string        // sent as SNI; "": the host of the address, unless it is an IP address
	Timeout      time.Duration // for one connection, from dialling to the end; 0: 10 seconds
	Rand         io.Reader     // nil: crypto/rand
}

func (c Config) withDefaults(addr string) (Config, error) {
	if c.Groups == nil {
		c.Groups = Groups()
	}
	if c.CipherSuites == nil {
		c.CipherSuites = []CipherSuite{aes128, aes256, chacha20}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Rand == nil {
		c.Rand = crand.Reader
	}
	if c.ServerName == "" && addr != "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return Config{}, fmt.Errorf("reading the address: %w", err)
		}
		c.ServerName = host
	}
	if net.ParseIP(c.ServerName) != nil {
		c.ServerName = "" // RFC 6066 section 3: SNI names no addresses
	}
	return c, nil
}

// Probe makes one TLS 1.3 handshake with the endpoint at addr, host:port.
// Errors: ErrUnreachable, ErrRefused, that of ctx; any other is a connection
// that failed or a server that broke the protocol.
func Probe(ctx context.Context, addr string, c Config) (Report, error) {
	c, err := c.withDefaults(addr)
	if err != nil {
		return Report{}, err
	}
	return connected(ctx, addr, c.Timeout, func(_ context.Context, conn net.Conn) (Report, error) { return shake(conn, c) })
}

// Handshake is Probe on a connection that the caller has made, limits in time,
// and closes.
func Handshake(conn net.Conn, c Config) (Report, error) {
	c, err := c.withDefaults("")
	if err != nil {
		return Report{}, err
	}
	return shake(conn, c)
}

// connected dials addr, calls probe, and closes the connection, all of it
// within timeout and ctx.
func connected(
	ctx context.Context, addr string, timeout time.Duration, probe func(context.Context, net.Conn) (Report, error),
) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = conn.Close() }() // the probe is over
	// Closing ends whatever read or write is under way.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	report, err := probe(ctx, conn)
	if err != nil && ctx.Err() != nil {
		return Report{}, fmt.Errorf("probing %s: %w", addr, ctx.Err())
	}
	if err != nil {
		return Report{}, fmt.Errorf("probing %s: %w", addr, err)
	}
	report.Address = addr
	return report, nil
}
