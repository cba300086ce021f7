package decisionlog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Handler writes records as lines of JSON, with levels as OPA spells them. It
// differs from slog's own in that attributes which are JSON already are copied.
// Groups are ignored. Safe for concurrent use.
type Handler struct {
	out   *output
	attrs []slog.Attr
}

type output struct {
	mu sync.Mutex
	w  io.Writer
}

// NewHandler makes a Handler that writes each record with one call of w.Write.
func NewHandler(w io.Writer) *Handler { return &Handler{out: &output{w: w}} }

// Enabled is true for what is no debugging.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// WithAttrs adds attributes to each line.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{out: h.out, attrs: append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup ignores the group.
func (h *Handler) WithGroup(string) slog.Handler { return h }

var lines = sync.Pool{New: func() any { return new([]byte) }}

// Handle writes a line.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	line := lines.Get().(*[]byte)
	defer lines.Put(line)
	b := append((*line)[:0], `{"time":"`...)
	b = append(r.Time.AppendFormat(b, time.RFC3339Nano), `","level":"`...)
	b = append(append(b, strings.ToLower(r.Level.String())...), `","msg":`...)
	b = appendText(b, r.Message)
	for _, a := range h.attrs {
		b = appendAttr(b, a)
	}
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, a)
		return true
	})
	b = append(b, '}', '\n')
	*line = b
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	if _, err := h.out.w.Write(b); err != nil {
		return fmt.Errorf("writing a line of the decision log: %w", err)
	}
	return nil
}

func appendAttr(b []byte, a slog.Attr) []byte {
	b = append(appendText(append(b, ','), a.Key), ':')
	v := a.Value.Resolve()
	if v.Kind() == slog.KindString {
		return appendText(b, v.String())
	}
	switch v := v.Any().(type) {
	case json.RawMessage:
		return append(b, v...)
	case []string:
		return appendTexts(b, v)
	default:
		return append(b, written(v)...)
	}
}
