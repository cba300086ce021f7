// Package server is HTTP to engine.Serve and back, with TLS.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// Config says what a Server does. Handler is required.
type Config struct {
	// Handler answers every request that is not one of the paths below.
	Handler func(context.Context, wire.Request) wire.Response

	Listen string       // host:port; port 0 takes a free one; empty is 127.0.0.1:0
	Inside []Listener   // further listeners of the API, to which a world can bind VPC endpoints
	TLS    *tls.Config  // nil serves plain HTTP; see NewTLS
	Log    *slog.Logger // nil discards

	// Proxied tells whether connections of a peer to a listener, named as in
	// Inside, must begin with a PROXY protocol header; all others must not.
	// nil: none.
	Proxied func(listener string, peer netip.Addr) bool

	Enforced func() map[string]string // what /healthz tells to be enforced, by name; nil: nothing
	Ready    func() error             // asked by /readyz; nil is always ready

	// MaxConnections bounds the connections of the API's listeners together;
	// zero is DefaultMaxConnections. Beyond them new ones are closed.
	MaxConnections int

	// Metrics answers /metrics, on MetricsListen if that is set, otherwise
	// beside the API. nil turns it off.
	Metrics       http.Handler
	MetricsListen string

	Now   func() time.Time // nil is time.Now
	NewID func() string    // request ids; nil makes random UUIDs

	Timeouts Timeouts
}

// A Listener is a further listener of the API.
type Listener struct {
	Name   string // not empty
	Listen string // as Config.Listen
}

// Timeouts bound how long a client may take; zero fields get the defaults.
type Timeouts struct {
	Header   time.Duration // for the header of a request; 10 s
	Read     time.Duration // for a whole request; 30 s
	Write    time.Duration // from the end of the header to the end of the answer; 60 s
	Idle     time.Duration // between requests of a connection; 120 s
	Shutdown time.Duration // for what is under way when Run ends; 30 s
}

// maxHeader bounds the header of a request, in bytes. A session token is at
// most a few kilobytes.
const maxHeader = 64 << 10

// A Server listens from New on and answers while Run runs. It is safe for
// concurrent use.
type Server struct {
	config    Config
	addresses map[string]net.Addr // of the API's listeners by name
	metrics   net.Addr            // nil without a listener of their own
	listeners []net.Listener
	servers   []*http.Server
	draining  atomic.Bool
	calls     *calls
}

// New checks config and binds its listeners, so that their addresses are known
// before Run. Close releases them if Run is never called.
func New(config Config) (*Server, error) {
	if config.Handler == nil {
		return nil, errors.New("server: Config.Handler is required")
	}
	s := &Server{config: withDefaults(config), calls: newCalls(), addresses: make(map[string]net.Addr)}
	if err := s.bindAll(); err != nil {
		_ = s.Close() // the first failure is the one to tell
		return nil, err
	}
	return s, nil
}

func (s *Server) bindAll() error {
	api := s.api()
	limit := &limit{most: int64(s.config.MaxConnections), log: s.config.Log, now: s.config.Now}
	for _, l := range append([]Listener{{Listen: s.config.Listen}}, s.config.Inside...) {
		if _, taken := s.addresses[l.Name]; taken {
			return fmt.Errorf("server: a further listener needs a name of its own, not %q", l.Name)
		}
		bound, err := listen(cmp.Or(l.Listen, anyPort))
		if err != nil {
			return err
		}
		s.addresses[l.Name] = bound.Addr()
		s.add(s.gated(limited{bound, limit}, l.Name), s.config.TLS, api)
	}
	if s.config.Metrics == nil || s.config.MetricsListen == "" {
		return nil
	}
	bound, err := listen(s.config.MetricsListen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", s.config.Metrics)
	s.metrics = bound.Addr()
	s.add(bound, nil, mux)
	return nil
}

func withDefaults(c Config) Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	c.MaxConnections = cmp.Or(c.MaxConnections, DefaultMaxConnections)
	t := &c.Timeouts
	for field, value := range map[*time.Duration]time.Duration{
		&t.Header: 10 * time.Second, &t.Read: 30 * time.Second, &t.Write: time.Minute,
		&t.Idle: 2 * time.Minute, &t.Shutdown: 30 * time.Second,
	} {
		if *field == 0 {
			*field = value
		}
	}
	return c
}

// anyPort is where is listened if the configuration does not say.
const anyPort = "127.0.0.1:0"

func listen(address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return l, nil
}

// add has handler answer at l. HTTP/1.1 only, as the real endpoints.
func (s *Server) add(l net.Listener, secure *tls.Config, handler http.Handler) {
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	t := s.config.Timeouts
	s.listeners = append(s.listeners, l)
	s.servers = append(s.servers, &http.Server{
		Handler:           handler,
		ConnContext:       withGate,
		ReadHeaderTimeout: t.Header,
		ReadTimeout:       t.Read,
		WriteTimeout:      t.Write,
		IdleTimeout:       t.Idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	})
}

// api returns the handler of the API's listener.
func (s *Server) api() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/healthz", s.healthy)
	e.GET("/readyz", s.ready)
	if s.config.Metrics != nil && s.config.MetricsListen == "" {
		e.GET("/metrics", echo.WrapHandler(s.config.Metrics))
	}
	e.Any("/*", s.call)
	e.HTTPErrorHandler = func(_ error, c echo.Context) { s.unrouted(c) }
	return e
}

// Addr returns the address that the API listens on.
func (s *Server) Addr() net.Addr { return s.addresses[""] }

// URL returns the base of the API's URL.
func (s *Server) URL() string { return s.InsideURL("") }

// InsideURL returns the base of the API's URL at a listener of Config.Inside;
// empty if there is none of that name.
func (s *Server) InsideURL(name string) string {
	address, bound := s.addresses[name]
	switch {
	case !bound:
		return ""
	case s.config.TLS != nil:
		return "https://" + address.String()
	default:
		return "http://" + address.String()
	}
}

// MetricsAddr returns the address of the metrics' own listener, nil without.
func (s *Server) MetricsAddr() net.Addr { return s.metrics }

// Close closes the listeners and all connections at once.
func (s *Server) Close() error {
	var all []error
	for i, srv := range s.servers {
		all = append(all, srv.Close())
		if err := s.listeners[i].Close(); !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Run answers requests until ctx ends, then takes no new ones, finishes those
// under way, and returns nil. It returns an error if a listener breaks, or if
// requests outlast Timeouts.Shutdown: their contexts end then, and when Run
// returns their handlers have returned too, or have ignored that as long
// again. A connection on which no request has begun delays the end by up to
// 5 s. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, len(s.servers))
	for i, srv := range s.servers {
		go func() { ended <- srv.Serve(s.listeners[i]) }()
	}
	running := len(s.servers)
	var all []error
	select {
	case <-ctx.Done():
	case err := <-ended:
		running--
		all = append(all, fmt.Errorf("serving: %w", err))
	}
	all = append(all, s.finish(context.WithoutCancel(ctx)))
	for range running {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			all = append(all, fmt.Errorf("serving: %w", err))
		}
	}
	return errors.Join(all...)
}

// finish waits for the requests under way, and cuts off those that take too long.
func (s *Server) finish(ctx context.Context) error {
	s.draining.Store(true)
	grace, cancel := context.WithTimeout(ctx, s.config.Timeouts.Shutdown)
	defer cancel()
	var late []error
	for _, srv := range s.servers {
		if err := srv.Shutdown(grace); err != nil {
			late = append(late, fmt.Errorf("finishing requests: %w", err), srv.Close())
		}
	}
	idle := s.calls.close()
	if late == nil {
		return nil
	}
	again, cancel := context.WithTimeout(ctx, s.config.Timeouts.Shutdown)
	defer cancel()
	select {
	case <-idle:
	case <-again.Done():
		late = append(late, errors.New("requests are still under way"))
	}
	return errors.Join(late...)
}
