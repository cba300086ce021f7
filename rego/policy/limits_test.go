package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestSizeIsLimitedByKind(t *testing.T) {
	for kind, most := range map[policy.Kind]int{policy.Key: 32768, policy.Identity: 10240, policy.Boundary: 6144, policy.Session: 2048,
		policy.SCP: 10240, policy.RCP: 5120, policy.Endpoint: 20480, policy.Trust: 4096} {
		t.Run(kind.String(), func(t *testing.T) {
			text := fill(kind)
			text = strings.Replace(text, `{"Version`, `{"Id":"`+strings.Repeat("x", most-len(text)-len(`"Id":"",`))+`","Version`, 1)
			require.Equal(t, most, policy.Measure(kind, []byte(text)).Count)
			parse(t, kind, text)
			all := faultsOf(t, kind, strings.Replace(text, "x", "xx", 1))
			assert.True(t, policy.LimitExceeded(all), all.Error())
			assert.False(t, policy.LimitExceeded(faultsOf(t, kind, "{}")))
		})
	}
}

func TestWhiteSpaceCountsWhereAWSCountsIt(t *testing.T) {
	for kind, counts := range map[policy.Kind]bool{policy.Key: true, policy.Identity: false, policy.Trust: false, policy.SCP: true} {
		before, after := policy.Measure(kind, []byte("{}")), policy.Measure(kind, []byte("{ }\n"))
		assert.Equal(t, counts, before.Count != after.Count, kind.String())
	}
	_, err := policy.Parse(policy.Identity, []byte(fill(policy.Identity)+strings.Repeat(" ", 131072)))
	assert.True(t, policy.LimitExceeded(err), "white space is not free without end")
	assert.Equal(t, policy.Size{Count: 3, Unit: "characters", Quota: 20480, Max: 20480}, policy.Measure(policy.Endpoint, []byte("aé中")))
	assert.Equal(t, 2048, policy.Measure(policy.Trust, nil).Quota)
}

// Hostile documents of the largest size are read or refused in well under the
// bound, which leaves room for a slow machine.
func TestHostileDocumentsCostLittle(t *testing.T) {
	const size = 32000
	value := func(v string) string {
		return fill(policy.Key, condition(`"StringLike":{"kms:x":`+v+`}`))
	}
	tests := map[string]string{
		"nesting":            strings.Repeat(`{"a":`, size/5),
		"many actions":       fill(policy.Key, `"Action":[`+strings.Repeat(`"*:*a",`, size/8)+`"a:b"]`),
		"one pattern":        fill(policy.Key, `"Action":"kms:`+strings.Repeat("*a", size/2-200)+`"`),
		"many values":        value(`[` + strings.Repeat(`"",`, size/3-100) + `""]`),
		"long key":           fill(policy.Key, condition(`"StringLike":{"kms:`+strings.Repeat("x", size/2)+`":[`+strings.Repeat(`"",`, size/6-100)+`""]}`)),
		"many variables":     value(`"` + strings.Repeat("${aws:username}", size/16) + `"`),
		"open variables":     value(`"` + strings.Repeat("${", size/2-100) + `"`),
		"many statements":    `{"Statement":[` + strings.Repeat(`{},`, size/3) + `{}]}`,
		"many names":         `{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`,
		"many escapes":       value(`"` + strings.Repeat(`\u0041`, size/6-100) + `"`),
		"one line of values": strings.Repeat(`[`, 10) + strings.Repeat(`1,`, size/2),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			doc, err := policy.Parse(policy.Key, []byte(text))
			if err == nil {
				for _, a := range doc.Statements[0].Actions {
					policy.ExpandAction(a.Text)
				}
			}
			assert.Less(t, time.Since(began), time.Second)
			if err != nil {
				assert.Less(t, len(err.Error()), 50000)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"default": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`,
		"32KB":    fill(policy.Key, condition(`"StringLike":{"kms:x":[`+strings.Repeat(`"arn:aws:*:${aws:username}",`, 1100)+`""]}`)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := policy.Parse(policy.Key, []byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
