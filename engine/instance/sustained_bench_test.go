package instance_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// BenchmarkSustained makes calls of many kinds, 16 at a time, for as long as it
// is told to, and reports what the heap holds after the first tenth of the
// time and at the end, in bytes.
//
//	go test ./engine/instance -run '^$' -bench Sustained -benchtime 10m -timeout 15m -v
func BenchmarkSustained(b *testing.B) {
	url, _ := serving(b)
	client := clientOf(url)
	var calls []call
	for _, m := range operationsMeasured() {
		created, err := client.CreateKey(b.Context(), &m.key)
		require.NoError(b, err, m.name)
		run, err := m.prepare(b.Context(), client, *created.KeyMetadata.Arn)
		require.NoError(b, err, m.name)
		calls = append(calls, run)
	}
	ctx, stop := context.WithCancel(b.Context())
	var workers sync.WaitGroup
	var made atomic.Int64
	for first := range 16 {
		workers.Go(func() {
			for i := first; ctx.Err() == nil; i++ {
				if err := calls[i%len(calls)](b.Context()); !assert.NoError(b, err) {
					return
				}
				made.Add(1)
			}
		})
	}
	var heaps []uint64
	for b.Loop() {
		time.Sleep(time.Second)
		if took := b.Elapsed(); took >= time.Duration(len(heaps))*time.Minute {
			heaps = append(heaps, heap())
			b.Logf("%v: %d calls, %d MB in the heap", took.Round(time.Second), made.Load(), heaps[len(heaps)-1]>>20)
		}
	}
	stop()
	workers.Wait()
	b.ReportMetric(float64(made.Load())/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(float64(heaps[len(heaps)/10]), "B-early")
	b.ReportMetric(float64(heap()), "B-late")
}

// heap is how many bytes are in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
