package metrics_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/engine/metrics"
)

// read is what the handler answers.
func read(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Contains(t, answer.Header().Get("Content-Type"), "text/plain")
	return answer.Body.String()
}

func TestWhatWasCountedIsRead(t *testing.T) {
	m := metrics.New("v1")
	m.Request("kms", "Encrypt", metrics.OK, 3*time.Millisecond)
	m.Request("kms", "Encrypt", metrics.OK, 30*time.Millisecond)
	m.Request("kms", "Encrypt", "AccessDeniedException", time.Millisecond)
	m.Decision(metrics.Allow, 7*time.Microsecond)
	m.Throttled("111122223333", "us-east-1", "CreateKey")
	held := 2.0
	m.Read(
		metrics.Reading{Name: "keyreeve_held", Help: "Held.", Value: func() float64 { return held }},
		metrics.Reading{Name: "keyreeve_seen_total", Help: "Seen.", Counts: true, Labels: map[string]string{"cache": "a"}, Value: func() float64 { return 5 }},
	)
	held = 3
	text := read(t, m)
	for _, line := range []string{
		`keyreeve_build_info{version="v1"} 1`,
		`keyreeve_requests_total{operation="Encrypt",outcome="ok",service="kms"} 2`,
		`keyreeve_requests_total{operation="Encrypt",outcome="AccessDeniedException",service="kms"} 1`,
		`keyreeve_request_duration_seconds_bucket{operation="Encrypt",service="kms",le="0.005"} 2`,
		`keyreeve_request_duration_seconds_count{operation="Encrypt",service="kms"} 3`,
		`keyreeve_decision_duration_seconds_bucket{answer="allow",le="1e-05"} 1`,
		`keyreeve_throttled_requests_total{account="111122223333",quota="CreateKey",region="us-east-1"} 1`,
		"# TYPE keyreeve_held gauge\nkeyreeve_held 3",
		"# TYPE keyreeve_seen_total counter\n" + `keyreeve_seen_total{cache="a"} 5`,
		"go_goroutines ",
	} {
		assert.Contains(t, text, line)
	}
}

func TestNothingIsCountedWithoutMetrics(t *testing.T) {
	var m *metrics.Metrics
	assert.NotPanics(t, func() {
		m.Request("kms", "Encrypt", metrics.OK, 0)
		m.Decision(metrics.Deny, 0)
		m.Throttled("111122223333", "us-east-1", "CreateKey")
	})
}

func BenchmarkRequest(b *testing.B) {
	m := metrics.New("v1")
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Request("kms", "Encrypt", metrics.OK, time.Millisecond)
		}
	})
}
