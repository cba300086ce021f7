// Package enginetest is a whole keyreeve in a temporary directory, with a
// clock the test owns.
package enginetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	stsclient "github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/engine/metrics"
	"github.com/keyreeve/keyreeve/engine/server"
	"github.com/keyreeve/keyreeve/engine/throttle"
	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// A Clock stands still until the test moves it. Safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time that the test has set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A Keyreeve answers on a real socket. Its clients sign at the clock's time.
type Keyreeve struct {
	*instance.Instance
	Dir   string
	URL   string
	Clock *Clock
	Log   *bytes.Buffer // operator's log; read it after Stop

	t         testing.TB
	metrics   *metrics.Metrics
	server    *server.Server
	worldText string
	stop      func()
}

// Config says what to start. World is required: the content of a txtar file.
type Config struct {
	World string
	Dir   string    // data directory of an earlier Keyreeve; empty: a new one
	Now   time.Time // where the clock stands at the start; zero: the time of day
	Watch bool      // take up changes of the world, as EditWorld makes them

	Quotas        engine.Quotas
	RequestQuotas throttle.Table
	Settling      time.Duration // how long replicated keys are Creating, and moved ones Updating
	// ConsistencyDelay is how long changes of grants, tags and aliases take to
	// count for authorization.
	ConsistencyDelay time.Duration
	ForeignFloor     time.Duration // how long a call that fails on another account's key takes at least
	// Guardrails are those of the moment; their limit of time is generous,
	// however busy the machine is.
	Guardrails func() *guardrail.Set
	// Faulty: faults of the service are expected. Else they fail the test.
	Faulty bool

	Inside []string    // names of further listeners
	TLS    *tls.Config // of all listeners; nil: plain HTTP
}

// New starts a Keyreeve, which stops with the test. An internal fault of it
// fails the test.
func New(t testing.TB, c Config) *Keyreeve {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Now.IsZero() {
		c.Now = time.Now().UTC().Truncate(time.Second)
	}
	k := &Keyreeve{Dir: c.Dir, Clock: &Clock{now: c.Now}, Log: &bytes.Buffer{}, t: t, metrics: metrics.New("test"), worldText: c.World}
	if c.World != "" {
		k.writeWorld()
	}
	log := slog.New(slog.NewTextHandler(k.Log, nil))
	var err error
	k.Instance, err = instance.Open(instance.Config{
		Dir: filepath.Join(c.Dir, dataDir), World: filepath.Join(c.Dir, worldFile), Create: true, Clock: k.Clock.Now, Log: log,
		Watch: watchEvery, Metrics: k.metrics,
		Quotas: c.Quotas, RequestQuotas: c.RequestQuotas, Settling: c.Settling, ConsistencyDelay: c.ConsistencyDelay, ForeignFloor: c.ForeignFloor,
		Decisions: decision.Config{Cache: true, VerifyEvery: 1, Limit: decision.PatientLimit, Guardrails: c.Guardrails, GuardrailLimit: time.Minute},
	})
	require.NoError(t, err)
	k.listen(log, c)
	return k
}

// The names in Dir, and how often a watched world is looked at.
const (
	dataDir      = "data"
	worldFile    = "world.txtar"
	decisionFile = "decisions.jsonl"
	watchEvery   = 5 * time.Millisecond
)

func (k *Keyreeve) writeWorld() {
	require.NoError(k.t, os.WriteFile(filepath.Join(k.Dir, worldFile), []byte(k.worldText), 0o600))
}

// EditWorld replaces a text that stands once in the world. Of a Keyreeve with
// Watch it becomes effective a little later.
func (k *Keyreeve) EditWorld(old, replacement string) {
	k.t.Helper()
	require.Equal(k.t, 1, strings.Count(k.worldText, old), "%q stands once in the world", old)
	k.worldText = strings.Replace(k.worldText, old, replacement, 1)
	k.writeWorld()
}

// DecisionLog is what the operator's decision log holds so far.
func (k *Keyreeve) DecisionLog() string {
	text, err := os.ReadFile(filepath.Join(k.Dir, dataDir, decisionFile))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(k.t, err)
	}
	return string(text)
}

// Metrics is what /metrics would answer.
func (k *Keyreeve) Metrics() string {
	answer := httptest.NewRecorder()
	k.metrics.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequestWithContext(k.t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(k.t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

func (k *Keyreeve) listen(log *slog.Logger, c Config) {
	config := server.Config{
		Handler: k.Engine.Serve, Log: log, Ready: k.Ready, Enforced: k.Enforced, Proxied: k.Engine.Proxied, TLS: c.TLS, Now: k.Clock.Now,
	}
	for _, name := range c.Inside {
		config.Inside = append(config.Inside, server.Listener{Name: name})
	}
	s, err := server.New(config)
	require.NoError(k.t, err)
	k.server, k.URL = s, s.URL()
	ctx, cancel := context.WithCancel(context.Background())
	var running errgroup.Group
	running.Go(func() error { return s.Run(ctx) })
	if c.Watch {
		running.Go(func() error { return k.Run(ctx) })
	}
	var once sync.Once
	k.stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(k.t, running.Wait())
			require.NoError(k.t, k.Close())
			if faults := k.Log.String(); strings.Contains(faults, "request failed") && !c.Faulty {
				k.t.Errorf("faults of the service:\n%s", faults)
			}
		})
	}
	k.t.Cleanup(k.stop)
}

// Stop ends the Keyreeve before the test does.
func (k *Keyreeve) Stop() { k.stop() }

// Keys are an access key of the world, or a session's.
type Keys struct{ ID, Secret, Token string }

// InsideURL is where the API answers at a listener of Config.Inside.
func (k *Keyreeve) InsideURL(name string) string { return k.server.InsideURL(name) }

// Header has a client of KMS send a header in each request, which is signed.
func Header(name, value string) func(*kms.Options) {
	return func(o *kms.Options) { o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue(name, value)) }
}

// Own sends requests with bodies of its own. The SDK closes the body of a
// request when the answer is there; now and then net/http has not looked for
// the body's end yet, and gives up the connection, and with it the answer.
type Own struct{ Base http.RoundTripper }

// RoundTrip sends a request and returns the answer.
func (o Own) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return o.Base.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	own.ContentLength = int64(len(body))
	own.GetBody = nil
	return o.Base.RoundTrip(own)
}

// KMS is a client of the AWS SDK that signs with keys in a Region, and does
// not try again.
func (k *Keyreeve) KMS(keys Keys, region string, options ...func(*kms.Options)) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(k.URL), Region: region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(keys.ID, keys.Secret, keys.Token),
		HTTPClient:  &http.Client{Transport: Own{http.DefaultTransport}}, HTTPSignerV4: signer{k.Clock, v4.NewSigner()},
	}, options...)
}

// STS is a client of the AWS SDK for STS.
func (k *Keyreeve) STS(keys Keys, region string) *stsclient.Client {
	return stsclient.New(stsclient.Options{
		BaseEndpoint: aws.String(k.URL), Region: region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(keys.ID, keys.Secret, keys.Token),
		HTTPClient:  &http.Client{Transport: Own{http.DefaultTransport}}, HTTPSignerV4: signer{k.Clock, v4.NewSigner()},
	})
}

// Send posts a body for an operation of AWS KMS, signed with keys, and returns
// the answer's body.
func (k *Keyreeve) Send(keys Keys, region, operation, body string) []byte {
	k.t.Helper()
	answer, err := http.DefaultClient.Do(k.Request(keys, region, operation, body, k.URL, ""))
	require.NoError(k.t, err)
	defer func() { require.NoError(k.t, answer.Body.Close()) }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(k.t, err)
	return text
}

// Request is a request for an operation of AWS KMS to a base URL, signed with
// keys. It asks for host; empty: that of the URL.
func (k *Keyreeve) Request(keys Keys, region, operation, body, url, host string) *http.Request {
	k.t.Helper()
	return k.Sign(keys, region, "kms", Unsigned{URL: url, Host: host, Body: body, Header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + operation,
	}})
}

// Query posts an action of STS, with parameters as in a URL, and returns the
// answer's status and body.
func (k *Keyreeve) Query(keys Keys, region, parameters string, header map[string]string) (int, string) {
	k.t.Helper()
	all := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	maps.Copy(all, header)
	answer, err := http.DefaultClient.Do(k.Sign(keys, region, "sts", Unsigned{URL: k.URL, Body: parameters + "&Version=2011-06-15", Header: all}))
	require.NoError(k.t, err)
	defer func() { require.NoError(k.t, answer.Body.Close()) }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(k.t, err)
	return answer.StatusCode, string(text)
}

// An Unsigned is what a request consists of before it is signed.
type Unsigned struct {
	URL, Host, Body string // base URL; empty Host: that of the URL
	Header          map[string]string
}

// Sign makes a request that is signed with keys for a service in a Region.
func (k *Keyreeve) Sign(keys Keys, region, service string, u Unsigned) *http.Request {
	k.t.Helper()
	r, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, u.URL+"/", strings.NewReader(u.Body))
	require.NoError(k.t, err)
	r.Host = u.Host
	for name, value := range u.Header {
		r.Header.Set(name, value)
	}
	hash := sha256.Sum256([]byte(u.Body))
	err = signer{k.Clock, v4.NewSigner()}.SignHTTP(k.t.Context(), aws.Credentials{AccessKeyID: keys.ID, SecretAccessKey: keys.Secret, SessionToken: keys.Token},
		r, hex.EncodeToString(hash[:]), service, region, time.Time{})
	require.NoError(k.t, err)
	return r
}

// A signer signs at the time of the clock.
type signer struct {
	clock  *Clock
	signer *v4.Signer
}

// SignHTTP signs a request of the SDK.
func (s signer) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, payloadHash, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) error {
	return s.signer.SignHTTP(ctx, c, r, payloadHash, service, region, s.clock.Now(), options...)
}
