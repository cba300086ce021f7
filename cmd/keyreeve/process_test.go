package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestMain puts the command itself into the path: the test binary, which runs
// main when it is called keyreeve.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keyreeve": main})
}

// patience bounds every wait of the tests.
const patience = 30 * time.Second

// An output keeps what a process writes. Safe for concurrent use.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed at the next write
}

func newOutput() *output { return &output{written: make(chan struct{})} }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.text.Write(p)
}

// String is all that was written so far.
func (o *output) String() string {
	text, _ := o.now()
	return text
}

func (o *output) now() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.written
}

// A process is a running `keyreeve serve`.
type process struct {
	URL      string
	Data     string            // data directory
	Env      map[string]string // what it says to export
	Out, Err *output

	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
	code  int           // then its exit code; -1 after a signal
}

// launch starts keyreeve in a directory, and does not wait for anything.
func launch(t testing.TB, dir string, command ...string) *process {
	t.Helper()
	p := &process{t: t, Out: newOutput(), Err: newOutput(), ended: make(chan struct{}), Env: map[string]string{}}
	p.cmd = exec.CommandContext(t.Context(), command[0], command[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.Out, p.Err
	require.NoError(t, p.cmd.Start())
	go func() {
		var exit *exec.ExitError
		if err := p.cmd.Wait(); errors.As(err, &exit) {
			p.code = exit.ExitCode()
		}
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// serve starts `keyreeve serve` on a free port and waits until it is ready.
func serve(t testing.TB, dir string, flags ...string) *process {
	t.Helper()
	return ready(t, dir, append([]string{"keyreeve", "serve", "--listen", "127.0.0.1:0"}, flags...)...)
}

// ready runs a command that becomes a server, and waits until it is ready.
func ready(t testing.TB, dir string, command ...string) *process {
	t.Helper()
	p := launch(t, dir, command...)
	p.await(p.Out, "listening on ")
	for line := range strings.Lines(p.Out.String()) {
		line = strings.TrimRight(line, "\n")
		if url, ok := strings.CutPrefix(line, "listening on "); ok {
			p.URL = url
		}
		assignments, ok := strings.CutPrefix(line, "export ")
		for _, a := range strings.Fields(assignments) {
			if name, value, isOne := strings.Cut(a, "="); ok && isOne {
				p.Env[name] = strings.Trim(value, "'")
			}
		}
	}
	if config := p.Env["AWS_CONFIG_FILE"]; config != "" {
		p.Data = filepath.Dir(config)
	}
	return p
}

// await waits until text stands in what the process writes.
func (p *process) await(o *output, text string) {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		written, more := o.now()
		if i := strings.Index(written, text); i >= 0 && strings.Contains(written[i:], "\n") {
			return
		}
		select {
		case <-more:
		case <-p.ended:
			require.FailNow(p.t, "keyreeve ended", "code %d, before %q\n%s\n%s", p.code, text, p.Out, p.Err)
		case <-timeout:
			require.FailNow(p.t, "keyreeve never said it", "%q\n%s\n%s", text, p.Out, p.Err)
		}
	}
}

// wait waits for the end of the process and returns its exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.code
	case <-time.After(patience):
		require.FailNow(p.t, "keyreeve does not end", "%s\n%s", p.Out, p.Err)
		return -1
	}
}

// terminate asks the process to end and returns its exit code.
func (p *process) terminate() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.wait()
}

// kill ends the process with SIGKILL, as the kernel would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.ended
}

// keys are the access key of a profile.
type keys struct{ id, secret string }

// profile reads the access key of a profile that serve --dev has written.
func (p *process) profile(name string) keys {
	p.t.Helper()
	text, err := os.ReadFile(p.Env["AWS_CONFIG_FILE"])
	require.NoError(p.t, err)
	_, section, ok := strings.Cut(string(text), "[profile "+name+"]\n")
	require.True(p.t, ok, "no profile %s", name)
	var k keys
	for line := range strings.Lines(section) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch {
		case field == "aws_access_key_id" && k.id == "":
			k.id = value
		case field == "aws_secret_access_key" && k.secret == "":
			k.secret = value
		}
	}
	return k
}

// kms is a client of the AWS SDK for the user of a profile. Like any other it
// tries again: the SDK closes a request's body when the answer is there, and
// now and then net/http has not looked for its end yet and gives up the
// connection.
func (p *process) kms(user string) *kms.Client {
	p.t.Helper()
	return p.client(p.profile(user))
}

func (p *process) client(k keys) *kms.Client {
	p.t.Helper()
	return kms.New(kms.Options{
		BaseEndpoint: &p.URL, Region: "us-east-1", HTTPClient: p.http(),
		Credentials: credentials.NewStaticCredentialsProvider(k.id, k.secret, ""),
	})
}

// once keeps a client from trying again.
func once(o *kms.Options) { o.RetryMaxAttempts = 1 }

// http is a client that trusts the authority that serve --tls has made.
func (p *process) http() *http.Client {
	p.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	if bundle := p.Env["AWS_CA_BUNDLE"]; bundle != "" {
		text, err := os.ReadFile(bundle)
		require.NoError(p.t, err)
		roots := x509.NewCertPool()
		require.True(p.t, roots.AppendCertsFromPEM(text))
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// get is an HTTP GET of a path: the status and the body.
func (p *process) get(path string) (int, string) {
	p.t.Helper()
	answer := fetch(p.t, p.http(), p.URL+path)
	return answer.status, answer.body
}

// An answer is an HTTP response that has been read.
type answer struct {
	status int
	body   string
	tls    *tls.ConnectionState
}

// fetch is an HTTP GET.
func fetch(t testing.TB, client *http.Client, url string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, string(text), response.TLS}
}
