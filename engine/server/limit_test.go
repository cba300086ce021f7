package server

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A record keeps a log. Safe for concurrent use.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// TestConnectionsBeyondTheMostAreClosed: those that are open go on, and one
// that ends makes room, whichever listener it came to.
func TestConnectionsBeyondTheMostAreClosed(t *testing.T) {
	var log record
	s := start(t, Config{MaxConnections: 2, Inside: []Listener{{Name: "inside"}}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	dial := func(url string) net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	answers := func(c net.Conn) bool {
		_, err := io.WriteString(c, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil {
			return false
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}
	first, second := dial(s.URL()), dial(s.InsideURL("inside"))
	require.True(t, answers(first))
	require.True(t, answers(second))
	for _, url := range []string{s.URL(), s.InsideURL("inside"), s.URL()} {
		assert.False(t, answers(dial(url)))
	}
	assert.True(t, answers(first), "those that are open go on")
	require.NoError(t, second.Close())
	require.Eventually(t, func() bool { return answers(dial(s.URL())) }, 10*time.Second, 5*time.Millisecond)
	assert.Equal(t, 1, strings.Count(log.String(), "connections closed"), "once a minute: %s", log.String())
}
