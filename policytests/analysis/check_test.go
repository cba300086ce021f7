package analysis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestGuide(t *testing.T) {
	files, _ := filepath.Glob("../guide/*.json")
	kinds := map[string]policy.Kind{"key": policy.Key, "iam": policy.Identity, "scp": policy.SCP, "rcp": policy.RCP, "vpce": policy.Endpoint, "endpoint": policy.Endpoint}
	var worst time.Duration
	var sum time.Duration
	n := 0
	for _, f := range files {
		parts := strings.Split(filepath.Base(f), ".")
		k, ok := kinds[parts[len(parts)-2]]
		if !ok {
			continue
		}
		text, _ := os.ReadFile(f)
		d, err := policy.Parse(k, text)
		if err != nil {
			continue
		}
		start := time.Now()
		fs, err := CheckDocument(t.Context(), d, lint.Options{})
		took := time.Since(start)
		sum += took
		n++
		if took > worst {
			worst = took
		}
		require.NoError(t, err, f)
		for _, x := range fs {
			t.Logf("%s %s:%d %s %v %s [%d] unknown=%v", filepath.Base(f), x.Rule, x.Span.Start.Line, x.Severity, x.Span.Path, x.Message, len(x.Witness), x.Unknown)
			for _, w := range x.Witness {
				t.Logf("      %s  # %s", w.Case, w.Note)
			}
		}
		if took > 15*time.Millisecond {
			t.Logf("%s SLOW %v", f, took)
		}
	}
	t.Log(n, sum/time.Duration(n), worst)
}
