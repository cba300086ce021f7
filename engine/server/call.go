package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// call passes a request to the handler and sends its answer.
func (s *Server) call(c echo.Context) error {
	id := s.config.NewID()
	w := c.Response()
	w.Header()[wire.RequestIDHeader] = []string{id}
	if !s.calls.enter() {
		return send(w, wire.EncodeError(&wire.Error{Code: wire.ServiceUnavailable}, id))
	}
	defer s.calls.leave()
	in, refusal := s.request(id, w, c.Request())
	if refusal != nil {
		return send(w, wire.EncodeError(refusal, id))
	}
	return send(w, s.handle(c, in))
}

// unrouted answers what echo has no route for, such as an unheard-of method.
func (s *Server) unrouted(c echo.Context) {
	if !c.Response().Committed {
		_ = s.call(c) // it has no error to return
	}
}

// handle calls the handler. A panic becomes an internal error, and one line in
// the log that holds nothing of the request.
func (s *Server) handle(c echo.Context, in wire.Request) (out wire.Response) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		s.config.Log.Error("panic while answering", "request_id", in.ID, "panic", describe(r), "stack", stack())
		out = wire.EncodeError(wire.Internal(nil), in.ID)
	}()
	out = s.config.Handler(c.Request().Context(), in)
	if out.Status < http.StatusOK {
		s.config.Log.Error("answer without status", "request_id", in.ID)
		return wire.EncodeError(wire.Internal(nil), in.ID)
	}
	return out
}

// request reads the whole request.
func (s *Server) request(id string, w http.ResponseWriter, r *http.Request) (wire.Request, *wire.Error) {
	received := s.config.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return wire.Request{}, &wire.Error{Code: wire.RequestEntityTooLarge}
	}
	if err != nil {
		return wire.Request{}, &wire.Error{Code: wire.Serialization, Cause: err}
	}
	in := wire.Request{
		ID:       id,
		Method:   r.Method,
		Path:     r.URL.EscapedPath(),
		RawQuery: r.URL.RawQuery,
		Host:     r.Host,
		Header:   r.Header,
		Body:     body,
		Network:  network(r),
		TLS:      details(r),
		Received: received,
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		in.RemoteIP, in.RemotePort = peer.Addr().Unmap(), peer.Port()
	}
	return in, nil
}

// send writes an answer. An error here means that the client has gone.
func send(w http.ResponseWriter, out wire.Response) error {
	h := w.Header()
	for k, v := range out.Header {
		h[k] = v
	}
	w.WriteHeader(out.Status)
	_, _ = w.Write(out.Body) // nobody is left to tell
	return nil
}

// describe names a panic without its value, which may hold what the request
// held; the runtime's own errors hold only types and numbers.
func describe(r any) string {
	if err, ok := r.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("value of type %T", r)
}

// stack returns the functions above the panic, innermost first, without their
// arguments.
func stack() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(4, pc)])
	var out []string
	for {
		f, more := frames.Next()
		out = append(out, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return strings.Join(out, " < ")
		}
	}
}
