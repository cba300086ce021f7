package decision

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// shapes are documents that weigh little and much for the length of their text.
func shapes(t testing.TB) map[string]Policy {
	t.Helper()
	list := func(n int, value string) string {
		var all []string
		for i := range n {
			all = append(all, `"`+strings.ReplaceAll(value, "#", fmt.Sprint(i))+`"`)
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	of := func(n int, condition string) Policy {
		var all []string
		for i := range n {
			all = append(all, `{"Effect":"Deny","Principal":"*","Action":"kms:ListKeys","Resource":"*","Condition":`+strings.ReplaceAll(condition, "@", fmt.Sprint(i))+`}`)
		}
		d, err := policy.Parse(policy.Key, []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(all, ",")+`]}`))
		require.NoError(t, err)
		return Policy{Name: "shape", Owner: home, Document: d}
	}
	key := "aws:PrincipalTag/t@"
	return map[string]Policy{
		"default":       *referenceQuestion(t).KeyPolicy,
		"32KB":          largeKeyPolicy(t),
		"patterns":      of(4, `{"StringLike":{"`+key+`":`+list(500, "*x?*#*")+`}}`),
		"substrings":    of(4, `{"StringLike":{"`+key+`":`+list(500, "*x#*")+`}}`),
		"variables":     of(4, `{"StringLike":{"`+key+`":`+list(200, "*${aws:username}*#?*")+`}}`),
		"ARNs":          of(4, `{"ArnLike":{"`+key+`":`+list(300, "arn:*:k?s:*:#:*")+`}}`),
		"numbers":       of(1, `{"NumericEquals":{"`+key+`":`+list(4000, "#")+`}}`),
		"other numbers": of(1, `{"NumericNotEquals":{"`+key+`":`+list(3000, "#.5")+`}}`),
		"dates":         of(1, `{"DateEquals":{"`+key+`":`+list(1000, "20#")+`}}`),
		"texts":         of(1, `{"StringEquals":{"`+key+`":`+list(4000, "#")+`}}`),
		"addresses":     of(1, `{"IpAddress":{"aws:SourceIp":`+list(250, "10.#.0.0/16")+`}}`),
		"few values":    of(180, `{"StringEquals":{"`+key+`":["a","b","c","d"]}}`),
		"not":           of(180, `{"StringNotLike":{"`+key+`":["a*c","b?"]}}`),
		"small":         of(200, `{"Bool":{"aws:SecureTransport":"false"}}`),
	}
}

// held is what n programs of a document occupy, each.
func held(t testing.TB, p *Policy, n int) (bytes, estimate int64) {
	t.Helper()
	ps := newPrograms(1 << 40)
	kept := make([]*program, 0, n)
	before := heap()
	for range n {
		prog, err := ps.compile(p)
		require.NoError(t, err)
		kept = append(kept, prog)
		estimate = prog.bytes
	}
	bytes = (heap() - before) / int64(n)
	runtime.KeepAlive(kept)
	return bytes, estimate
}

// What programs are said to weigh bounds the memory that they take.
func TestProgramsWeighWhatIsEstimated(t *testing.T) {
	for name, p := range shapes(t) {
		n := 2
		if len(p.Document.Text) < 1000 {
			n = 100
		}
		bytes, estimate := held(t, &p, n)
		assert.GreaterOrEqual(t, float64(estimate), 0.7*float64(bytes), "%s holds %d", name, bytes)
	}
}

// BenchmarkPrograms tells what a compiled document weighs, beside the estimate
// by which the cache counts it.
func BenchmarkPrograms(b *testing.B) {
	for name, p := range shapes(b) {
		b.Run(name, func(b *testing.B) {
			bytes, estimate := held(b, &p, b.N)
			b.ReportMetric(float64(bytes), "bytes/program")
			b.ReportMetric(float64(estimate), "estimate")
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
