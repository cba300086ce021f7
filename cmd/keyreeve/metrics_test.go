package main

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var metricsURL = regexp.MustCompile(`msg="serving metrics" url=(\S+)/metrics`)

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev", "--metrics", "127.0.0.1:0")
	_, err := p.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	status, _ := p.get("/metrics")
	assert.Equal(t, http.StatusNotFound, status, "not beside the API")
	apart := process{t: t, URL: metricsURL.FindStringSubmatch(p.Err.String())[1]}
	status, text := apart.get("/metrics")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, text, `keyreeve_requests_total{operation="ListKeys",outcome="ok",service="kms"} 1`)
	status, _ = apart.get("/")
	assert.Equal(t, http.StatusNotFound, status, "nothing else")

	assert.NotContains(t, serve(t, t.TempDir(), "--dev").Err.String(), "serving metrics", "off by default")
}
