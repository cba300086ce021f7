package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/wire"
)

const secret = "s3cret-of-the-request"

// shown is a request without the methods that keep it from printing.
type shown wire.Request

// echoed answers with the request that it got.
func echoed(_ context.Context, r wire.Request) wire.Response {
	b, err := json.Marshal(shown(r))
	if err != nil {
		return wire.EncodeError(wire.Internal(err), r.ID)
	}
	return wire.Respond(b, r.ID)
}

// start runs a server until the test ends and checks that it stops cleanly.
func start(t *testing.T, c Config) *Server {
	t.Helper()
	if c.Handler == nil {
		c.Handler = echoed
	}
	s, err := New(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections() // one that was never used delays the end
		cancel()
		require.NoError(t, <-ended)
	})
	return s
}

// post sends a request that outlives the context of the test's function.
func post(url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

func do(t *testing.T, client *http.Client, method, url, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set("X-Amz-Target", "TrentService.ListKeys")
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, resp.Header.Get("x-amzn-RequestId"))
	return resp, string(b)
}

func TestHandlerIsRequired(t *testing.T) {
	_, err := New(Config{})
	require.EqualError(t, err, "server: Config.Handler is required")
}

func TestRequestReachesTheHandlerUnchanged(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	s := start(t, Config{Now: func() time.Time { return now }})
	resp, body := do(t, http.DefaultClient, http.MethodPost, s.URL()+"/a%2Fb//c?x=%20y&x=1", `{"a":1}`)
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, wire.ContentType, resp.Header.Get("Content-Type"))
	var got shown
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	assert.Equal(t, resp.Header.Get("x-amzn-RequestId"), got.ID)
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "/a%2Fb//c", got.Path)
	assert.Equal(t, "x=%20y&x=1", got.RawQuery)
	assert.Equal(t, s.Addr().String(), got.Host)
	assert.Equal(t, []string{"TrentService.ListKeys"}, got.Header["X-Amz-Target"])
	assert.Equal(t, []string{"7"}, got.Header["Content-Length"], "some clients sign it")
	assert.Equal(t, `{"a":1}`, string(got.Body))
	assert.Equal(t, "127.0.0.1", got.RemoteIP.String())
	assert.NotZero(t, got.RemotePort)
	assert.Nil(t, got.TLS)
	assert.Equal(t, now, got.Received)
}

func TestEveryMethodAndPathReachesTheHandler(t *testing.T) {
	s := start(t, Config{})
	for _, row := range [][2]string{{http.MethodGet, "/"}, {"PUT", "/x"}, {http.MethodPost, "/healthz"}, {"BREW", "/"}, {"OPTIONS", "/a/b"}, {http.MethodGet, "/metrics"}} {
		resp, body := do(t, http.DefaultClient, row[0], s.URL()+row[1], "")
		require.Equal(t, 200, resp.StatusCode, row)
		require.Contains(t, body, `"Method":"`+row[0]+`"`, row)
	}
}

func TestOversizedBodyIsRefused(t *testing.T) {
	s := start(t, Config{Handler: func(_ context.Context, r wire.Request) wire.Response {
		return wire.Respond(nil, r.ID)
	}})
	resp, _ := do(t, http.DefaultClient, http.MethodPost, s.URL(), strings.Repeat("x", wire.MaxBody))
	require.Equal(t, 200, resp.StatusCode)
	resp, body := do(t, http.DefaultClient, http.MethodPost, s.URL(), strings.Repeat("x", wire.MaxBody+1))
	require.Equal(t, 413, resp.StatusCode)
	require.JSONEq(t, `{"__type":"RequestEntityTooLargeException"}`, body)
}

func TestOversizedHeaderIsRefused(t *testing.T) {
	s := start(t, Config{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), nil)
	require.NoError(t, err)
	r.Header.Set("X-Large", strings.Repeat("x", 2*maxHeader))
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, 431, resp.StatusCode)
}

func TestPanicBecomesAnInternalErrorWithoutContentInTheLog(t *testing.T) {
	rows := map[string]func(string){
		"value of type string":                func(s string) { panic("boom " + s) },
		"index out of range [64] with length": func(string) { at := 64; _ = make([]byte, 1)[at] },
		"value of type *wire.Error":           func(s string) { panic(wire.Errorf(wire.Validation, "%s", s)) },
	}
	for want, fail := range rows {
		t.Run(want, func(t *testing.T) {
			var log lockedBuffer
			s := start(t, Config{
				Log: slog.New(slog.NewTextHandler(&log, nil)),
				Handler: func(_ context.Context, r wire.Request) wire.Response {
					fail(string(r.Body))
					return wire.Response{}
				},
			})
			resp, body := do(t, http.DefaultClient, http.MethodPost, s.URL(), secret)
			require.Equal(t, 500, resp.StatusCode)
			require.Contains(t, body, `{"__type":"KMSInternalException","message":`)
			require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
			require.Contains(t, log.String(), want)
			require.Contains(t, log.String(), resp.Header.Get("x-amzn-RequestId"))
			require.Contains(t, log.String(), "server.(*Server).handle")
			require.NotContains(t, log.String(), secret)
			require.NotContains(t, body, secret)
		})
	}
}

func TestAnswerWithoutStatusIsAnInternalError(t *testing.T) {
	s := start(t, Config{Handler: func(context.Context, wire.Request) wire.Response { return wire.Response{} }})
	resp, _ := do(t, http.DefaultClient, http.MethodPost, s.URL(), "")
	require.Equal(t, 500, resp.StatusCode)
}

func TestHealthTellsWhatIsEnforced(t *testing.T) {
	s := start(t, Config{Enforced: func() map[string]string { return map[string]string{"grants": "yes"} }})
	resp, body := do(t, http.DefaultClient, http.MethodGet, s.URL()+"/healthz", "")
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `{"status":"ok","enforced":{"grants":"yes"}}`, body)
}

func TestReadinessFollowsReady(t *testing.T) {
	var mu sync.Mutex
	var cause error
	s := start(t, Config{Ready: func() error {
		mu.Lock()
		defer mu.Unlock()
		return cause
	}})
	resp, body := do(t, http.DefaultClient, http.MethodGet, s.URL()+"/readyz", "")
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `{"status":"ready"}`, body)
	mu.Lock()
	cause = io.ErrUnexpectedEOF
	mu.Unlock()
	resp, body = do(t, http.DefaultClient, http.MethodGet, s.URL()+"/readyz", "")
	require.Equal(t, 503, resp.StatusCode)
	require.JSONEq(t, `{"status":"not ready"}`, body)
}

func TestMetricsAreWhereTheyWereAskedFor(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") })
	get := func(t *testing.T, url string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(b)
	}
	beside := start(t, Config{Metrics: metrics})
	require.Equal(t, "figures", get(t, beside.URL()+"/metrics"))
	require.Nil(t, beside.MetricsAddr())
	apart := start(t, Config{Metrics: metrics, MetricsListen: "127.0.0.1:0"})
	require.Equal(t, "figures", get(t, "http://"+apart.MetricsAddr().String()+"/metrics"))
	require.NotEqual(t, "figures", get(t, apart.URL()+"/metrics"))
}

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, err := New(Config{Handler: func(ctx context.Context, r wire.Request) wire.Response {
		close(entered)
		<-leave
		if ctx.Err() != nil {
			return wire.EncodeError(wire.Internal(ctx.Err()), r.ID)
		}
		return wire.Respond([]byte("done"), r.ID)
	}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	answer := make(chan string, 1)
	go func() {
		resp, err := post(s.URL())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-entered
	cancel()
	require.Eventually(t, func() bool {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "new connections are refused")
	close(leave)
	require.Equal(t, "done", <-answer)
	require.NoError(t, <-ended)
}

func TestShutdownCutsOffWhatTakesTooLong(t *testing.T) {
	var returned atomic.Bool
	entered := make(chan struct{})
	s, err := New(Config{
		Timeouts: Timeouts{Shutdown: 10 * time.Millisecond},
		Handler: func(ctx context.Context, r wire.Request) wire.Response {
			close(entered)
			<-ctx.Done()
			returned.Store(true)
			return wire.EncodeError(wire.Internal(ctx.Err()), r.ID)
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := post(s.URL()); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	cancel()
	require.ErrorIs(t, <-ended, context.DeadlineExceeded)
	require.True(t, returned.Load(), "the handler has returned before Run does")
	<-gone
}

func TestShutdownDoesNotWaitForever(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, err := New(Config{
		Timeouts: Timeouts{Shutdown: 10 * time.Millisecond},
		Handler: func(_ context.Context, r wire.Request) wire.Response {
			close(entered)
			<-leave
			return wire.Respond(nil, r.ID)
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := post(s.URL()); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	cancel()
	require.ErrorContains(t, <-ended, "requests are still under way")
	close(leave)
	<-gone
}

func TestRequestAfterTheEndIsRefused(t *testing.T) {
	s, err := New(Config{Handler: echoed})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.finish(t.Context()))
	w := httptest.NewRecorder()
	s.api().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	require.Equal(t, 503, w.Code)
	require.JSONEq(t, `{"__type":"ServiceUnavailableException"}`, w.Body.String())
	w = httptest.NewRecorder()
	s.api().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	require.Equal(t, 503, w.Code)
	require.JSONEq(t, `{"status":"shutting down"}`, w.Body.String())
}

func TestSlowClientIsCutOff(t *testing.T) {
	s := start(t, Config{Timeouts: Timeouts{Header: 50 * time.Millisecond, Read: 50 * time.Millisecond}})
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n")
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err = io.Copy(io.Discard, c)
	require.NoError(t, err, "the server closes the connection")
}

func TestListenFailureIsTold(t *testing.T) {
	s := start(t, Config{})
	_, err := New(Config{Handler: echoed, Listen: s.Addr().String()})
	require.ErrorContains(t, err, "address already in use")
	_, err = New(Config{Handler: echoed, Metrics: http.NotFoundHandler(), MetricsListen: s.Addr().String()})
	require.ErrorContains(t, err, "address already in use")
}

// A lockedBuffer is a buffer that a server's goroutines write and a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
