package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/server"
	"github.com/keyreeve/keyreeve/engine/world"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	dev             bool
	listen          string
	listenEndpoint  []string
	data, world     string
	tls             bool
	tlsCert         string
	tlsKey          string
	tlsHosts        []string
	decisionCache   string
	verifyDecisions int
	encodedMessages bool

	consistencyDelay time.Duration
	requestQuotas    string
	maxConnections   int
	guardrails       string
	guardrailBundle  string
	metrics          string

	decisionLogPlain bool
}

func newServe() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the AWS KMS and STS protocols, and decide every call",
		Long: `serve opens a data directory and answers the AWS KMS and STS protocols. When it
is ready it prints one line, "listening on URL". SIGTERM or Ctrl-C finishes what
is under way and closes the store.

With --dev it makes the data directory and a small example world (two accounts,
users, roles, access keys) if they are not there, and prints what to paste into
another terminal. Everything is found again at the next start.

The world, and the directory of guardrails, are read again when their files
change. What is wrong is refused in the log, with file and line, and what was
before goes on serving.`,
		Example: `  keyreeve serve --dev
  keyreeve serve --dev --tls
  keyreeve serve --dev --world examples/test-test
  keyreeve serve --data /var/lib/keyreeve --world /etc/keyreeve/world \
    --listen 10.0.0.5:8443 --tls --tls-cert chain.pem --tls-key key.pem
  keyreeve serve --dev --listen-endpoint inside=127.0.0.1:8081`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("data") && f.data == "" {
				return errors.New("--data is empty: name a directory; see keyreeve serve --help")
			}
			if f.dev && !c.Flags().Changed("encoded-messages") {
				f.encodedMessages = true
			}
			if err := f.check(); err != nil {
				return fmt.Errorf("%w; see keyreeve serve --help", err)
			}
			s := service{flags: f, out: c.OutOrStdout(), log: newLog(c.ErrOrStderr())}
			return cannot(s.serve(c.Context()))
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.dev, "dev", false, "make the data directory and an example world if they are missing; for one developer's machine")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	flags.StringArrayVar(&f.listenEndpoint, "listen-endpoint", nil,
		"further listener, `name=address`, for the VPC endpoints of the world that are bound to it; may be repeated")
	flags.IntVar(&f.maxConnections, "max-connections", server.DefaultMaxConnections,
		"most `connections` of clients at a time; beyond, new ones are closed at once")
	flags.StringVar(&f.data, "data", "", "data `directory`: root key, store, decision log (with --dev: keyreeve-data)")
	flags.StringVar(&f.world, "world", "", "world `directory` or .txtar file: accounts, principals, policies (default DATA/world)")
	flags.BoolVar(&f.tls, "tls", false, "serve TLS, with --tls-cert and --tls-key or a development authority made in the data directory")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "PEM `file` with the certificate chain, leaf first")
	flags.StringVar(&f.tlsKey, "tls-key", "", "PEM `file` with the key of the certificate")
	flags.StringSliceVar(&f.tlsHosts, "tls-host", nil, "further `names` and addresses for the development certificate")
	flags.BoolVar(&f.encodedMessages, "encoded-messages", false,
		"put into the text of a refusal what aws sts decode-authorization-message explains (default with --dev)")
	flags.DurationVar(&f.consistencyDelay, "consistency-delay", 0,
		"`time` until changes of grants, tags and aliases count for authorization, as 5m, to try clients with grant tokens (default: as the world says)")
	flags.StringVar(&f.requestQuotas, "request-quotas", "",
		"`none|aws|FILE`: most requests of an account in a Region, by operation or kind of key: none, those of AWS, or lines "+
			"\"group requests seconds Regions\" of a file, as in \"CreateKey 5 1 *\" (default none with --dev, else aws)")
	flags.StringVar(&f.guardrails, "guardrails", "",
		"`directory` of the organization's own Rego, which may refuse calls (package keyreeve.guardrail: deny contains reason if …)")
	flags.StringVar(&f.guardrailBundle, "guardrails-bundle", "",
		"OPA configuration `file` with services, keys and bundles: guardrails from signed bundles, refreshed while serving")
	flags.BoolVar(&f.decisionLogPlain, "decision-log-plain", false,
		"leave the values of encryption contexts in the decision log; else they are masked (default with --dev)")
	flags.StringVar(&f.metrics, "metrics", "",
		"`address` to serve Prometheus metrics on, without TLS or credentials, as 127.0.0.1:9464 (default: none)")
	flags.StringVar(&f.decisionCache, "decision-cache", "on", "`on|off`: answer an equal question with OPA's own earlier answer")
	flags.IntVar(&f.verifyDecisions, "verify-decisions", 0, "decide every `n`th cached answer again and compare (default 1 with --dev, else 1000)")
	// The flag is there; files are offered, too.
	_ = c.RegisterFlagCompletionFunc("request-quotas", cobra.FixedCompletions([]string{quotasNone, quotasAWS}, cobra.ShellCompDirectiveDefault))
	return c
}

// check completes the flags and refuses those that contradict each other.
func (f *serveFlags) check() error {
	switch {
	case f.data == "" && !f.dev:
		return errors.New("serve needs --data DIRECTORY, or --dev to try things out")
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case f.tlsCert != "" && !f.tls:
		return errors.New("--tls-cert and --tls-key need --tls")
	case f.tlsHosts != nil && (!f.tls || f.tlsCert != ""):
		return errors.New("--tls-host is for the development certificate: with --tls, without --tls-cert")
	case f.decisionCache != "on" && f.decisionCache != "off":
		return fmt.Errorf("--decision-cache is on or off, not %q", f.decisionCache)
	case f.guardrails != "" && f.guardrailBundle != "":
		return errors.New("--guardrails and --guardrails-bundle are two sources of the same; name one")
	case f.maxConnections < 1:
		return fmt.Errorf("--max-connections counts from 1, not %d", f.maxConnections)
	case f.consistencyDelay < 0 || f.consistencyDelay > world.MaxConsistencyDelay:
		return fmt.Errorf("--consistency-delay is from 0 to %s, not %s", world.MaxConsistencyDelay, f.consistencyDelay)
	case f.verifyDecisions < 0:
		return fmt.Errorf("--verify-decisions counts from 1, not %d", f.verifyDecisions)
	}
	if !isHostPort(f.listen) {
		return fmt.Errorf("--listen is HOST:PORT, as in 127.0.0.1:8080, not %q", f.listen)
	}
	if f.metrics != "" && !isHostPort(f.metrics) {
		return fmt.Errorf("--metrics is HOST:PORT, as in 127.0.0.1:9464, not %q", f.metrics)
	}
	if _, err := f.inside(); err != nil {
		return err
	}
	if f.data == "" {
		f.data = "keyreeve-data"
	}
	f.decisionLogPlain = f.decisionLogPlain || f.dev
	if f.requestQuotas == "" {
		f.requestQuotas = quotasAWS
		if f.dev {
			f.requestQuotas = quotasNone
		}
	}
	if f.verifyDecisions == 0 {
		f.verifyDecisions = 1000
		if f.dev {
			f.verifyDecisions = 1
		}
	}
	return nil
}

// inside are the listeners of --listen-endpoint.
func (f *serveFlags) inside() ([]server.Listener, error) {
	var all []server.Listener
	for _, text := range f.listenEndpoint {
		name, address, _ := strings.Cut(text, "=")
		if name == "" || !isHostPort(address) || slices.ContainsFunc(all, func(l server.Listener) bool { return l.Name == name }) {
			return nil, fmt.Errorf("--listen-endpoint is NAME=HOST:PORT, as in inside=10.0.0.5:8443, each name once, not %q", text)
		}
		all = append(all, server.Listener{Name: name, Listen: address})
	}
	return all, nil
}

// addresses are all at which the API answers.
func (f *serveFlags) addresses() []string {
	all := []string{f.listen}
	for _, text := range f.listenEndpoint {
		_, address, _ := strings.Cut(text, "=")
		all = append(all, address)
	}
	return all
}
