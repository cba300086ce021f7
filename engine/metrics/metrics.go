// Package metrics holds what is counted and measured of a running keyreeve, as
// Prometheus collectors on a registry of their own.
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Outcomes and answers that are not the code of an error.
const (
	OK    = "ok"
	Allow = "allow"
	Deny  = "deny"
	Error = "error" // no answer was found: a fault
)

// Bounds of the histograms, in seconds. A cached decision takes a few
// microseconds, making an RSA key pair a second.
var (
	requestBuckets  = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	decisionBuckets = []float64{.000005, .00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .01, .1, 1}
)

// Metrics are counted in. A nil Metrics counts nothing. Safe for concurrent
// use.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	took      *prometheus.HistogramVec
	decisions *prometheus.HistogramVec
	throttled *prometheus.CounterVec
}

// New makes Metrics of a program of some version, with those of the Go runtime
// and the process.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyreeve_requests_total", Help: "Requests answered, by service, operation and outcome: ok, or the code of the error.",
		}, []string{"service", "operation", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keyreeve_request_duration_seconds", Help: "Time from a request that was read to its answer.", Buckets: requestBuckets,
		}, []string{"service", "operation"}),
		decisions: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keyreeve_decision_duration_seconds", Help: "Time of one decision by the policies, by its answer: allow, deny, or error.", Buckets: decisionBuckets,
		}, []string{"answer"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyreeve_throttled_requests_total", Help: "Requests beyond a request quota, by the caller's account, Region and quota.",
		}, []string{"account", "region", "quota"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyreeve_build_info", Help: "Always 1; the label tells the version."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.requests, m.took, m.decisions, m.throttled, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts a request. The labels must be of a bounded number: an
// operation that is not offered is not named by what the client sent.
func (m *Metrics) Request(service, operation, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(service, operation, outcome).Inc()
	m.took.WithLabelValues(service, operation).Observe(took.Seconds())
}

// Decision counts a decision: Allow, Deny or Error.
func (m *Metrics) Decision(answer string, took time.Duration) {
	if m == nil {
		return
	}
	m.decisions.WithLabelValues(answer).Observe(took.Seconds())
}

// Throttled counts a request beyond a quota. The account is one of the world.
func (m *Metrics) Throttled(account, region, quota string) {
	if m == nil {
		return
	}
	m.throttled.WithLabelValues(account, region, quota).Inc()
}

// A Reading is a number that is read when the metrics are.
type Reading struct {
	Name, Help string
	Labels     map[string]string // constant; nil: none
	Counts     bool              // it only grows
	Value      func() float64
}

// Read adds readings. It panics on a name and labels that are there already, or
// that Prometheus does not take.
func (m *Metrics) Read(all ...Reading) {
	for _, r := range all {
		opts := prometheus.Opts{Name: r.Name, Help: r.Help, ConstLabels: r.Labels}
		if r.Counts {
			m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts(opts), r.Value))
			continue
		}
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts), r.Value))
	}
}

// scrapes bounds how many readers are served at a time.
const scrapes = 4

// Handler answers with all metrics in the Prometheus text format.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: scrapes,
	})
}
