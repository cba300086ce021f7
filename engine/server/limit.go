package server

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultMaxConnections is how many connections of clients are open at a time
// if the configuration does not say.
const DefaultMaxConnections = 4096

// tellEvery is how often the operator is told of connections that were closed.
const tellEvery = time.Minute

// A limit bounds the connections of all listeners of the API together. It is
// safe for concurrent use.
type limit struct {
	most int64
	log  *slog.Logger
	now  func() time.Time

	open atomic.Int64

	mu     sync.Mutex
	told   time.Time
	closed int // since then
}

// limited is a listener whose connections count.
type limited struct {
	net.Listener
	limit *limit
}

// Accept waits for the next connection that there is room for. Those that
// there is none for are closed: a client tries again, elsewhere if a load
// balancer is in between, and what is under way has memory and file handles.
func (l limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.limit.open.Add(1) <= l.limit.most {
			return &counted{Conn: c, limit: l.limit}, nil
		}
		l.limit.open.Add(-1)
		_ = c.Close() // nothing was read from it or written to it
		l.limit.tell()
	}
}

// tell says in the log how many were closed, not for each of them.
func (l *limit) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed++
	if now := l.now(); now.Sub(l.told) >= tellEvery {
		l.log.Warn("connections closed: as many are open as may be", "open", l.most, "closed", l.closed)
		l.told, l.closed = now, 0
	}
}

// A counted connection makes room when it is closed.
type counted struct {
	net.Conn
	limit *limit
	once  sync.Once
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(func() { c.limit.open.Add(-1) })
	return c.Conn.Close()
}
