//go:build !race

package instance_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The race detector allocates too, so that it cannot count.
func TestEncryptAllocatesLittleBesideHTTP(t *testing.T) {
	url, key := serving(t)
	request := signedEncrypt(t, url, key)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.1"}
		_, _ = w.Write(make([]byte, 400))
	}))
	t.Cleanup(plain.Close)
	whole, own := allocations(t, url, request), allocations(t, plain.URL, request)
	t.Logf("%.0f for Encrypt, %.0f of net/http's own", whole, own)
	assert.Less(t, whole-own, 105.0, "with the audit event and the line of the decision log")
}

// allocations are those of one request in the whole process.
func allocations(t *testing.T, url string, request []byte) float64 {
	t.Helper()
	const n = 2000
	connections := dial(t, url, 1)
	sendAll(t, connections, request, 100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sendAll(t, connections, request, n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / n
}
