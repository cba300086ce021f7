// Package feed gives out the events of a store: to other processes at a socket
// in the data directory, and to those who have the store open.
package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/keyreeve/keyreeve/store"
	"github.com/keyreeve/keyreeve/store/eventlog"
)

// A Record is one event, or says that some are lost.
type Record struct {
	Seq   store.Seq       `json:"seq"`
	Time  time.Time       `json:"time,omitzero"`
	Event json.RawMessage `json:"event,omitempty"` // as the audit package made it
	// Lost says of what cannot be read, if that is so, up to Seq.
	Lost string `json:"lost,omitempty"`
}

// A page is so many events at most, and ends with the one that makes it larger
// than pageBytes: what a reader may take is in memory on both sides.
const (
	page      = 250
	pageBytes = 1 << 20
)

// A Source finds events as store.Store does.
type Source interface {
	Events(after store.Seq, limit int) ([]store.Event, error)
}

// Read calls f with the events of a source behind a place, until there are no
// more or f fails.
func Read(s Source, after store.Seq, f func(Record) error) error {
	for {
		records, err := next(s, after)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			if err := f(r); err != nil {
				return err
			}
		}
		after = records[len(records)-1].Seq
	}
}

// next finds a page of records; none at the end.
func next(s Source, after store.Seq) ([]Record, error) {
	events, err := s.Events(after, page)
	var gap *eventlog.CorruptError
	if err != nil && !errors.As(err, &gap) {
		return nil, err
	}
	records := make([]Record, 0, len(events)+1)
	size := 0
	for _, e := range events {
		records = append(records, Record{Seq: e.Seq, Time: e.Time, Event: e.Data})
		if size += len(e.Data); size > pageBytes {
			return records, nil
		}
	}
	if gap != nil && gap.Resume > after { // else the damage was told, and nothing is behind it yet
		records = append(records, Record{Seq: gap.Resume, Lost: gap.Error()})
	}
	return records, nil
}

// socket is the name of the socket in a data directory.
const socket = "events.sock"

// A Server gives out the events of a store at the socket of a data directory,
// which only its owner can connect to. Close ends it.
type Server struct {
	listener net.Listener
	release  func() error
	server   http.Server
}

// Listen makes the socket. The caller has the store open, and so no other
// process listens there.
func Listen(dir string, s *store.Store, log *slog.Logger) (*Server, error) {
	path, release, err := reach(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that was killed
		return nil, errors.Join(err, release())
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close(), release())
	}
	return &Server{listener: l, release: release, server: http.Server{
		Handler: handler(s), ReadHeaderTimeout: patience, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() }) // Serve tells
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("giving out events: %w", err)
	}
	return nil
}

// Close removes the socket.
func (s *Server) Close() error {
	err := s.server.Close()
	if closed := s.listener.Close(); !errors.Is(closed, net.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return errors.Join(err, s.release())
}

// patience is how long one side waits for the other: a reader takes a whole page
// before it looks at one.
const patience = 30 * time.Second

// handler answers GET /events?after=SEQ with a page of records, one a line.
func handler(s *store.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)) // without it, the reader's own ends it
		after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
		if err != nil {
			http.Error(w, "after is a number", http.StatusBadRequest)
			return
		}
		records, err := next(s, store.Seq(after))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		lines := json.NewEncoder(w)
		for _, record := range records {
			if lines.Encode(record) != nil {
				return // the reader has gone
			}
		}
	})
	return mux
}

// maxPath is how long the path of a socket can be: 104 bytes on some systems.
const maxPath = 100

// reach is a path by which the socket of a data directory can be named. A long
// one leads through the directory, which stays open until release.
func reach(dir string) (path string, release func() error, err error) {
	path = filepath.Join(dir, socket)
	if len(path) < maxPath {
		return path, func() error { return nil }, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socket), d.Close, nil
}
