package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/throttle"
)

func TestRequestQuotasAreThoseOfAWSUnlessSaid(t *testing.T) {
	own := filepath.Join(t.TempDir(), "quotas.tsv")
	require.NoError(t, os.WriteFile(own, []byte("CreateKey 1 1 *\n"), 0o600))
	for _, c := range []struct {
		name  string
		flags serveFlags
		want  throttle.Table
	}{
		{"serve", serveFlags{data: "d"}, throttle.AWS()},
		{"serve --dev", serveFlags{dev: true}, nil},
		{"serve --request-quotas none", serveFlags{data: "d", requestQuotas: "none"}, nil},
		{"serve --dev --request-quotas aws", serveFlags{dev: true, requestQuotas: "aws"}, throttle.AWS()},
		{"a file", serveFlags{dev: true, requestQuotas: own}, throttle.Table{"CreateKey": {{Requests: 1, Seconds: 1, Regions: []string{"*"}}}}},
	} {
		c.flags.listen, c.flags.decisionCache, c.flags.maxConnections = "127.0.0.1:0", "on", 1
		require.NoError(t, c.flags.check(), c.name)
		got, err := requestQuotas(c.flags.requestQuotas)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
}

func TestThrottlingIsTold(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev", "--request-quotas", "aws")
	_, body := p.get("/healthz")
	assert.Contains(t, body, `"requestQuotas":"every call"`)
}
