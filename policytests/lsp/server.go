// Package lsp is a language server for policies, worlds and cases.
package lsp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/check"
)

// Config is what a server works with. In, Out and Now are required.
type Config struct {
	In      io.Reader
	Out     io.Writer
	Version string // of keyreeve, for the client to show
	Now     func() time.Time
	// Pause is how long a document must rest before it is looked at; zero: 200 ms.
	Pause time.Duration
}

// ErrNoShutdown says that the client went away, or told the server to exit,
// without a shutdown before.
var ErrNoShutdown = errors.New("the client ended without a shutdown request")

// atOnce is how many requests are served at a time. The others wait, and can
// still be cancelled.
const atOnce = 4

// maxRequests bounds those that wait and are served.
const maxRequests = 256

// A server is one connection to an editor.
type server struct {
	cfg    Config
	engine func() (*decision.Engine, error) // made when it is first needed
	slots  chan struct{}
	tasks  sync.WaitGroup
	work   *desk

	writing sync.Mutex // held while a message is written

	mu       sync.Mutex
	docs     documents
	epoch    int // raised when files may have changed on disk
	cancels  map[string]context.CancelFunc
	started  bool // initialize was answered
	stopping bool // shutdown was answered
	files    bool // the client can make files
	found    map[string]diagnosed
	configs  map[string]*check.Config // the last good one of a directory
	reports  map[string]reported
	worlds   map[string]loaded // by path
}

// Serve speaks the language server protocol until the client tells it to exit,
// goes away, or ctx ends. It is ErrNoShutdown unless a shutdown came before.
// Out is written by one message at a time. A read of In that has begun when
// ctx ends is left behind.
func Serve(ctx context.Context, cfg Config) error {
	if cfg.In == nil || cfg.Out == nil || cfg.Now == nil {
		return errors.New("lsp.Config needs In, Out and Now")
	}
	if cfg.Pause == 0 {
		cfg.Pause = 200 * time.Millisecond
	}
	s := &server{
		cfg: cfg, slots: make(chan struct{}, atOnce), work: newDesk(), docs: documents{},
		engine:  sync.OnceValues(func() (*decision.Engine, error) { return decision.New(decision.Config{Cache: true}) }),
		cancels: map[string]context.CancelFunc{}, found: map[string]diagnosed{}, configs: map[string]*check.Config{}, reports: map[string]reported{}, worlds: map[string]loaded{},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer s.tasks.Wait()
	defer cancel()
	s.tasks.Go(func() { s.diagnoseAll(ctx) })
	return s.loop(ctx)
}

// A frame is what was read, or why nothing more will be.
type frame struct {
	body []byte
	err  error
}

func (s *server) loop(ctx context.Context) error {
	frames := make(chan frame)
	go func() { // ends with the stream, or with ctx after a read
		in := bufio.NewReader(s.cfg.In)
		for {
			body, err := readFrame(in)
			select {
			case frames <- frame{body, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-frames:
			switch {
			case errors.Is(f.err, io.EOF) && s.isStopping():
				return nil
			case errors.Is(f.err, io.EOF):
				return ErrNoShutdown
			case f.err != nil:
				return f.err
			}
			if exit := s.receive(ctx, f.body); exit {
				if s.isStopping() {
					return nil
				}
				return ErrNoShutdown
			}
		}
	}
}

func (s *server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// receive takes one message in. Notifications are carried out at once, in
// their order; a request sees the documents as they are now, and is answered
// when it is ready.
func (s *server) receive(ctx context.Context, body []byte) (exit bool) {
	m, err := decode(body)
	switch {
	case err != nil:
		s.send(answer(m.ID, nil, err))
	case m.Method == "":
		return false // a response to one of our requests, which need none
	case m.Method == "exit":
		return true
	case len(m.ID) == 0:
		if err := s.notified(m); err != nil {
			s.log(err.Error())
		}
	case m.Method == "initialize" || m.Method == "shutdown":
		result, err := s.lifecycle(m)
		s.send(answer(m.ID, result, err))
	default:
		s.begin(ctx, m)
	}
	return false
}

// begin serves a request beside others.
func (s *server) begin(ctx context.Context, m message) {
	serve, known := requests[m.Method]
	s.mu.Lock()
	var refused *rpcError
	switch {
	case !s.started:
		refused = &rpcError{codeNotInitialized, "the first request is initialize"}
	case s.stopping:
		refused = &rpcError{codeInvalidRequest, "after shutdown there is only exit"}
	case !known:
		refused = &rpcError{codeNoMethod, "there is no method " + m.Method}
	case len(s.cancels) >= maxRequests || s.cancels[string(m.ID)] != nil:
		refused = &rpcError{codeInvalidRequest, "too many requests are waiting, or two have one id"}
	}
	if refused != nil {
		s.mu.Unlock()
		s.send(answer(m.ID, nil, refused))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	s.cancels[string(m.ID)] = cancel
	v := s.viewLocked()
	s.mu.Unlock()
	s.tasks.Go(func() {
		defer cancel()
		result, err := s.serve(ctx, v, m, serve)
		s.mu.Lock()
		delete(s.cancels, string(m.ID))
		s.mu.Unlock()
		s.send(answer(m.ID, result, err))
	})
}

// serve waits for a slot and serves a request. One that makes it panic is
// answered as an internal error: an editor would restart the server, and send
// the same again.
func (s *server) serve(ctx context.Context, v *view, m message, do request) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log(fmt.Sprintf("%s failed: %v\n%s", m.Method, p, debug.Stack()))
			result, err = nil, &rpcError{codeInternal, m.Method + " failed; please report this with the log of the server"}
		}
	}()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
	}
	if ctx.Err() == nil {
		result, err = do(ctx, v, m)
	}
	if ctx.Err() != nil {
		return nil, &rpcError{codeCancelled, "cancelled"}
	}
	return result, err
}

// send writes a message. A client that is gone shows when reading.
func (s *server) send(m message) {
	body, err := json.Marshal(m)
	if err != nil {
		return // messages are made of what json.Marshal made
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = writeFrame(s.cfg.Out, body)
}

func (s *server) notify(method string, params any) {
	body, err := json.Marshal(params)
	if err != nil {
		return // the structures of the protocol are all fit for JSON
	}
	s.send(message{Version: "2.0", Method: method, Params: body})
}

// log is for the output panel of the editor.
func (s *server) log(text string) {
	s.notify("window/logMessage", map[string]any{"type": asWarning, "message": text})
}
