package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/engine/server"
	"github.com/keyreeve/keyreeve/store"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	dev            bool
	listen         string
	data, world    string
	tls            bool
	tlsCert        string
	tlsKey         string
	tlsHosts       []string
	decisionCache  string
	verifyDecision int
}

func newServe() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the AWS KMS and STS protocols, and decide every call",
		Long: `serve opens a data directory and answers the AWS KMS and STS protocols.

With --dev it makes the data directory and a small example world (two accounts,
users, roles, access keys) if they are not there, and prints what to paste into
another terminal. Everything is found again at the next start.`,
		Example: `  keyreeve serve --dev
  keyreeve serve --dev --tls
  keyreeve serve --dev --world examples/test-test
  keyreeve serve --data /var/lib/keyreeve --world /etc/keyreeve/world --listen 10.0.0.5:8443 --tls --tls-cert chain.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return cannot(f.serve(c.Context(), c.OutOrStdout(), c.ErrOrStderr()))
		},
	}
	flags := c.Flags()
	flags.BoolVar(&f.dev, "dev", false, "make the data directory and an example world if they are missing; for one developer's machine")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	flags.StringVar(&f.data, "data", "", "data directory: root key, store, logs (default with --dev: keyreeve-data)")
	flags.StringVar(&f.world, "world", "", "world directory or txtar file (default: DATA/world)")
	flags.BoolVar(&f.tls, "tls", false, "serve TLS: --tls-cert and --tls-key, or a development CA made in the data directory")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "PEM certificate chain, leaf first")
	flags.StringVar(&f.tlsKey, "tls-key", "", "PEM key of the certificate")
	flags.StringSliceVar(&f.tlsHosts, "tls-host", nil, "further names and addresses for the development certificate")
	flags.StringVar(&f.decisionCache, "decision-cache", "on", "on or off: answer equal questions from OPA's own earlier answer")
	flags.IntVar(&f.verifyDecision, "verify-decisions", 0, "decide every n-th cached answer again and compare (default: 1 with --dev, else 1000)")
	return c
}

func (f *serveFlags) check() error {
	switch {
	case f.data == "" && !f.dev:
		return errors.New("serve needs --data DIRECTORY, or --dev to try things out; see keyreeve serve --help")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case f.tlsCert != "" && !f.tls:
		return errors.New("--tls-cert needs --tls")
	case f.decisionCache != "on" && f.decisionCache != "off":
		return fmt.Errorf("--decision-cache is on or off, not %q", f.decisionCache)
	}
	if f.data == "" {
		f.data = "keyreeve-data"
	}
	if f.verifyDecision == 0 {
		f.verifyDecision = 1000
		if f.dev {
			f.verifyDecision = 1
		}
	}
	return nil
}

func (f *serveFlags) serve(ctx context.Context, out, errOut io.Writer) error {
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelInfo}))
	dev := devWorld{}
	if f.dev {
		var err error
		if dev, err = prepareDev(f.data, f.world); err != nil {
			return err
		}
	}
	i, err := instance.Open(instance.Config{
		Dir: f.data, World: f.world, Create: f.dev, Log: log,
		Decisions: decision.Config{Log: log, Cache: f.decisionCache == "on", VerifyEvery: f.verifyDecision},
	})
	if err != nil {
		return explain(err, f.data)
	}
	err = f.run(ctx, i, dev, log, out)
	return errors.Join(err, i.Close())
}

// explain adds what to do next to what keeps a data directory from opening.
func explain(err error, data string) error {
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("the data directory %s is in use by another keyreeve: stop that one, or name another directory with --data", data)
	}
	return err
}

func (f *serveFlags) run(ctx context.Context, i *instance.Instance, dev devWorld, log *slog.Logger, out io.Writer) error {
	secure, authority, err := f.secure(ctx)
	if err != nil {
		return err
	}
	s, err := server.New(server.Config{
		Handler: i.Engine.Serve, Listen: f.listen, TLS: secure, Log: log,
		Enforced: i.Enforced(), Ready: i.Ready,
	})
	if err != nil {
		return err
	}
	if err := f.announce(out, s, i, dev, authority); err != nil {
		return errors.Join(err, s.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return i.Run(ctx) })
	g.Go(func() error { return s.Run(ctx) })
	return g.Wait()
}

// secure makes the TLS configuration, nil without --tls, and proves that it
// negotiates the post-quantum groups. authority is the certificate that
// clients need to trust, empty if it is not ours.
func (f *serveFlags) secure(ctx context.Context) (config *tls.Config, authority string, err error) {
	if !f.tls {
		return nil, "", nil
	}
	var certificate tls.Certificate
	if f.tlsCert != "" {
		certificate, err = server.LoadCertificate(f.tlsCert, f.tlsKey)
	} else {
		var d server.Development
		d, err = server.LoadDevelopment(filepath.Join(f.data, "tls"), f.hosts(), time.Now())
		certificate, authority = d.Certificate, d.AuthorityFile
	}
	if err != nil {
		return nil, "", err
	}
	config = server.NewTLS(certificate)
	return config, authority, server.SelfTest(ctx, config)
}

// hosts are the names of the development certificate: those of --tls-host,
// and the address that is listened on if it is a certain one.
func (f *serveFlags) hosts() []string {
	host, _, err := net.SplitHostPort(f.listen)
	ip := net.ParseIP(host)
	if err != nil || host == "" || (ip != nil && ip.IsUnspecified()) {
		return f.tlsHosts
	}
	return append([]string{host}, f.tlsHosts...)
}

// announce prints what to paste, and then that the server is ready.
func (f *serveFlags) announce(out io.Writer, s *server.Server, i *instance.Instance, dev devWorld, authority string) error {
	if f.dev {
		if err := dev.print(out, f.data, s.URL(), i.World(), authority); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "listening on %s\n", s.URL())
	return err
}

// writeFile replaces a file that only its owner may read.
func writeFile(path string, content []byte) error {
	return os.WriteFile(path, content, 0o600)
}
