package differential

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
)

var (
	pairs = flag.Int("pairs", number("N", 20_000), "pairs of a world and a request to compare; also N in the environment")
	small = flag.Bool("shrink", true, "shrink disagreements and write them down")
	first = flag.Int("first", number("FIRST", 0), "number of the first world; so a run can be done in parts; also FIRST in the environment")
	seed  = flag.Uint64("seed", uint64(number("SEED", 1)), "seed of the generator; also SEED in the environment")
)

// number reads a number from the environment.
func number(name string, absent int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return absent
}

// detailedWorlds is how many worlds of a run the census looks at in detail.
const detailedWorlds = 2000

// progressEvery is after how many pairs a run tells how far it is.
const progressEvery = 100_000

// maxFailures ends a run.
const maxFailures = 12

// newEngine has the caches that each world asks for.
func newEngine(t testing.TB, cache bool) *decision.Engine {
	t.Helper()
	e, err := decision.New(decision.Config{Cache: cache, Limit: decision.PatientLimit, ProgramBytes: 64 << 20, CacheBytes: 16 << 20, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	require.NoError(t, err)
	return e
}

// A run compares worlds on all processors.
type run struct {
	plain, cached opponent
	worlds        int
	next          atomic.Int64
	progress      func(pairs int)                  // called now and then
	tell          func(format string, args ...any) // called at the first of each class

	mu       sync.Mutex
	census   census
	failures map[string]*failure // the first of each class
}

// A failure is a case on which both disagree.
type failure struct {
	world, request int
	c              Case
	*disagreement
	again int // how many more are of its class
}

func TestOracleAndEngineAgree(t *testing.T) {
	n := *pairs
	if testing.Short() {
		n = min(n, 2_000)
	}
	r := &run{plain: opponent{newEngine(t, false), true}, cached: opponent{newEngine(t, true), false}, worlds: (n + perWorld - 1) / perWorld}
	r.tell = t.Logf
	started := time.Now()
	r.progress = func(pairs int) { t.Logf("%d pairs, %s", pairs, time.Since(started).Round(time.Second)) }
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(r.work)
	}
	workers.Wait()
	if !*small {
		require.Empty(t, r.failures)
		return
	}
	total := 0
	for _, class := range slices.Sorted(maps.Keys(r.failures)) {
		r.report(t, class, r.failures[class])
		total += 1 + r.failures[class].again
	}
	t.Logf("%d pairs of %d worlds, seed %d, in %s; %d disagreements", r.census.pairs, r.worlds, *seed, time.Since(started).Round(time.Millisecond), total)
	if n >= 20_000 {
		r.census.check(t)
	}
	t.Log(r.census.summary())
}

// work compares one world after another.
func (r *run) work() {
	for {
		n := int(r.next.Add(1)) - 1
		if n >= r.worlds || r.full() {
			return
		}
		r.world(*first+n, n < detailedWorlds)
	}
}

func (r *run) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) >= maxFailures || len(r.failures) > 0 && !*small
}

// world compares the requests of one world, and looks at it in detail if the
// census does. Every other one is asked of the
// engine with caches, each request twice.
func (r *run) world(n int, detailed bool) {
	w := newWorld(*seed, uint64(n))
	o := r.plain
	if n%2 == 1 {
		o = r.cached
	}
	c := newCensus()
	var cases []Case
	for i := range perWorld {
		q := w.next()
		v, d := o.compare(&q)
		if d != nil {
			r.fail(failure{world: n, request: i, c: q, disagreement: d})
			continue
		}
		c.count(&q, v, detailed)
		cases = append(cases, q)
	}
	if n%2 == 1 {
		for i := range cases {
			if _, d := o.compare(&cases[i]); d != nil {
				r.fail(failure{world: n, request: i, c: cases[i], disagreement: d})
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.census.pairs / progressEvery
	r.census.add(c)
	if r.census.pairs/progressEvery > before {
		r.progress(r.census.pairs)
	}
}

func (r *run) fail(f failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures == nil {
		r.failures = map[string]*failure{}
	}
	if first, seen := r.failures[f.class()]; seen {
		first.again++
		return
	}
	r.failures[f.class()] = &f
	r.tell("seed %d, world %d, request %d: %s", *seed, f.world, f.request, f.class())
}

// like tells whether o is of the same class.
func (f failure) like(o failure) bool { return f.class() == o.class() }

// class tells kinds of disagreements apart, so that a run shows each once.
func (f failure) class() string {
	return fmt.Sprintf("%s, %s: %v, %v", f.kind, f.c.Rule, f.oracle.Want, f.engine.Want)
}

// report shrinks a failure and writes it down.
func (r *run) report(t *testing.T, class string, f *failure) {
	t.Helper()
	o := r.plain
	shrunk := shrink(f.c, func(c *Case) bool {
		_, d := o.compare(c)
		return d != nil && f.like(failure{c: *c, disagreement: d})
	})
	_, d := o.compare(&shrunk)
	if d == nil {
		d = f.disagreement // only with the cache
	}
	shrunk.Note = fmt.Sprintf("seed %d, world %d, request %d", *seed, f.world, f.request)
	text, err := shrunk.text()
	require.NoError(t, err)
	name := filepath.Join("testdata", "failures", fmt.Sprintf("%d-%d-%d.json", *seed, f.world, f.request))
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, text, 0o644))
	line, err := json.Marshal(prunedCase(&shrunk))
	require.NoError(t, err)
	assert.Fail(t, d.String(), "%s, and %d more like it; %s\n%s", class, f.again, name, line)
}

// text is the case as JSON without what is empty.
func (c *Case) text() ([]byte, error) { return json.MarshalIndent(prunedCase(c), "", "  ") }

// prunedCase is a case as it is written down.
func prunedCase(c *Case) any {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	return prune(v)
}

// prune drops null, false and "" from objects. Empty lists and objects stay:
// they say something.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e == nil || e == false || e == "" {
				delete(v, k)
				continue
			}
			v[k] = prune(e)
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}
