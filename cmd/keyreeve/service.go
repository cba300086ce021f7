package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/engine/metrics"
	"github.com/keyreeve/keyreeve/engine/server"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/store"
)

// A service is one run of serve.
type service struct {
	flags serveFlags
	out   io.Writer // what people and scripts read
	log   *slog.Logger

	metrics *metrics.Metrics // nil: none are asked for
}

func newLog(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// foreignFloor is how long a call that fails on another account's key takes at
// least. Reading a key and deciding by the largest policy that is compiled
// takes a tenth of it, compiling it most.
const foreignFloor = 25 * time.Millisecond

// settling is how long a key is Creating after ReplicateKey, or Updating after
// UpdatePrimaryRegion.
const settling = 2 * time.Second

// serve answers until ctx ends.
func (s *service) serve(ctx context.Context) error {
	guardrails, err := s.guardrails(ctx)
	if err != nil {
		return err
	}
	defer guardrails.end()
	quotas, err := requestQuotas(s.flags.requestQuotas)
	if err != nil {
		return err
	}
	if s.flags.dev {
		if err := s.preflight(ctx); err != nil {
			return s.explain(err)
		}
		if err := prepareDev(s.flags.data, s.worldPath()); err != nil {
			return err
		}
	}
	if s.flags.metrics != "" {
		s.metrics = metrics.New(version())
	}
	i, err := instance.Open(instance.Config{
		Dir: s.flags.data, World: s.worldPath(), Create: s.flags.dev, EncodedMessages: s.flags.encodedMessages, Log: s.log,
		ConsistencyDelay: s.flags.consistencyDelay, ForeignFloor: foreignFloor, Settling: settling, RequestQuotas: quotas, Metrics: s.metrics,
		Decisions:      decision.Config{Log: s.log, Cache: s.flags.decisionCache == "on", VerifyEvery: s.flags.verifyDecisions, Guardrails: guardrails.set},
		DecisionLabels: map[string]string{"version": version()}, DecisionLogPlain: s.flags.decisionLogPlain,
	})
	if err != nil {
		return s.explain(err)
	}
	err = s.run(ctx, i, guardrails)
	return errors.Join(err, i.Close())
}

// preflight looks for what would keep a server from starting before a data
// directory is made for it.
func (s *service) preflight(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.flags.data, "root.key")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := instance.CheckMode(s.flags.data, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if s.flags.world != "" {
		if _, err := world.Load(s.flags.world, nil); err != nil {
			return err
		}
	}
	if s.flags.tlsCert != "" {
		if _, err := server.LoadCertificate(s.flags.tlsCert, s.flags.tlsKey); err != nil {
			return err
		}
	}
	addresses := s.flags.addresses()
	if s.flags.metrics != "" {
		addresses = append(addresses, s.flags.metrics)
	}
	for _, address := range addresses {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		if err := l.Close(); err != nil {
			return fmt.Errorf("listening: %w", err)
		}
	}
	return nil
}

// worldPath is the world to read.
func (s *service) worldPath() string {
	if s.flags.world != "" {
		return s.flags.world
	}
	return filepath.Join(s.flags.data, "world")
}

// explain says what to do about what keeps the service from starting.
func (s *service) explain(err error) error {
	var problems world.Problems
	var file *fs.PathError
	var listening *net.OpError
	switch {
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("the data directory %s is in use by another keyreeve: stop that one, or name another directory with --data", s.flags.data)
	case errors.Is(err, instance.ErrAbsent):
		return fmt.Errorf("%w: keyreeve create-data --data %s makes one, and serve --dev one to try things out", err, s.flags.data)
	case errors.As(err, &problems):
		return fmt.Errorf("the world %s is wrong:\n%w", s.worldPath(), problems.In(s.worldPath()))
	case errors.As(err, &file) && file.Path == s.worldPath() && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no world at %s: name one with --world", s.worldPath())
	case errors.As(err, &listening) && errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the address %s is in use by another process: name another with --listen (port 0 takes a free one)", listening.Addr)
	}
	return err
}

func (s *service) run(ctx context.Context, i *instance.Instance, r rails) error {
	secure, authority, err := s.secure(ctx)
	if err != nil {
		return err
	}
	inside, err := s.flags.inside()
	if err != nil {
		return err
	}
	config := server.Config{
		Handler: i.Engine.Serve, Listen: s.flags.listen, Inside: inside, TLS: secure, Log: s.log, MaxConnections: s.flags.maxConnections,
		Proxied: i.Engine.Proxied, Enforced: i.Enforced, Ready: i.Ready,
	}
	if s.metrics != nil {
		config.Metrics, config.MetricsListen = s.metrics.Handler(s.log), s.flags.metrics
	}
	endpoint, err := server.New(config)
	if err != nil {
		return s.explain(err)
	}
	for _, l := range inside {
		s.log.Info("serving VPC endpoints", "listener", l.Name, "url", endpoint.InsideURL(l.Name))
	}
	if address := endpoint.MetricsAddr(); address != nil {
		s.log.Info("serving metrics", "url", "http://"+address.String()+"/metrics")
	}
	if err := s.announce(endpoint.URL(), i, authority); err != nil {
		return errors.Join(err, endpoint.Close())
	}
	context.AfterFunc(ctx, func() { s.log.Info("finishing what is under way; a second signal ends at once") })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return i.Run(ctx) })
	g.Go(func() error { return r.run(ctx) })
	g.Go(func() error { return endpoint.Run(ctx) })
	return g.Wait()
}

// secure makes the TLS configuration, nil without --tls, and proves that it
// negotiates the post-quantum groups. authority is the certificate that
// clients need to trust, empty if it is not ours.
func (s *service) secure(ctx context.Context) (config *tls.Config, authority string, err error) {
	if !s.flags.tls {
		return nil, "", nil
	}
	var certificate tls.Certificate
	if s.flags.tlsCert != "" {
		certificate, err = server.LoadCertificate(s.flags.tlsCert, s.flags.tlsKey)
	} else {
		var d server.Development
		d, err = server.LoadDevelopment(filepath.Join(s.flags.data, "tls"), s.hosts(), time.Now())
		certificate, authority = d.Certificate, d.AuthorityFile
	}
	if err != nil {
		return nil, "", err
	}
	config = server.NewTLS(certificate)
	return config, authority, server.SelfTest(ctx, config)
}

// hosts are the names of the development certificate: those of --tls-host,
// and each address that is listened on if it is a certain one.
func (s *service) hosts() []string {
	hosts := slices.Clone(s.flags.tlsHosts)
	for _, address := range s.flags.addresses() {
		host, _, err := net.SplitHostPort(address)
		ip := net.ParseIP(host)
		if err == nil && host != "" && (ip == nil || !ip.IsUnspecified()) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// announce says what is enforced, with --dev what to paste, and last that the
// server is ready.
func (s *service) announce(url string, i *instance.Instance, authority string) error {
	enforced := enforcement(i.Enforced())
	s.log.Info("serving", "url", url, "data", s.flags.data, "world", s.worldPath(), "enforced", strings.Join(enforced, "; "))
	for _, file := range i.World().Unreferenced() {
		s.log.Warn("nothing in the world names this policy", "file", file)
	}
	if s.flags.dev {
		var everywhere bool
		url, everywhere = local(url)
		d := devWorld{data: s.flags.data, path: s.worldPath(), url: url, authority: authority, everywhere: everywhere, world: i.World()}
		if err := d.announce(s.out, enforced); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(s.out, "listening on %s\n", url)
	return err
}

// local is the URL by which this machine reaches a server, and whether it
// listens on all addresses.
func local(base string) (url string, everywhere bool) {
	scheme, address, _ := strings.Cut(base, "://")
	host, port, err := net.SplitHostPort(address)
	if err != nil || !net.ParseIP(host).IsUnspecified() {
		return base, false
	}
	return scheme + "://" + net.JoinHostPort("127.0.0.1", port), true
}

// enforcement lists what is enforced, a line for each way.
func enforcement(layers map[string]string) []string {
	byWay := map[string][]string{}
	for _, layer := range slices.Sorted(maps.Keys(layers)) {
		byWay[layers[layer]] = append(byWay[layers[layer]], layer)
	}
	var lines []string
	for _, way := range slices.Sorted(maps.Keys(byWay)) {
		lines = append(lines, strings.Join(byWay[way], ", ")+": "+way)
	}
	return lines
}
