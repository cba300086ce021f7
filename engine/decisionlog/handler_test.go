package decisionlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decisionlog"
)

// A line is what slog's own handler writes, but for the case of the level.
func TestLinesAreThoseOfSlog(t *testing.T) {
	var ours, theirs bytes.Buffer
	for _, l := range []*slog.Logger{
		slog.New(decisionlog.NewHandler(&ours)).With("service", "s"),
		slog.New(slog.NewJSONHandler(&theirs, nil)).With("service", "s"),
	} {
		l.Info("a \"message\"\n", "text", "é\x00\\<&>\u2028", "broken", "\xff", "raw", json.RawMessage(`{"a":[1,null]}`),
			"list", []string{"a", "\t"}, "number", 7, "map", map[string]string{"a": "b"})
		l.Debug("not written")
	}
	assert.Equal(t, 1, strings.Count(ours.String(), "\n"))
	var got, want map[string]any
	require.NoError(t, json.Unmarshal(ours.Bytes(), &got))
	require.NoError(t, json.Unmarshal(theirs.Bytes(), &want))
	assert.NotEmpty(t, got["time"])
	delete(got, "time")
	delete(want, "time")
	want["level"] = "info"
	assert.Equal(t, want, got)
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestALineThatCannotBeWrittenIsAnError(t *testing.T) {
	assert.Error(t, decisionlog.NewHandler(full{}).Handle(t.Context(), slog.Record{}))
}
