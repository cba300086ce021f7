package compile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestMatchingCountsRegularExpressions(t *testing.T) {
	for _, c := range []struct {
		says, resource, condition string
		want                      []compile.Matching
	}{
		{"what has no regular expression has none", "*", `{"StringLike": {"aws:Referer": ["a*", "*b", "*c*", "${aws:username}*"]}}`, nil},
		{"literals, one for any character, two for any text", "*", `{"StringLike": {"aws:Referer": ["ab?c*"]}}`,
			[]compile.Matching{{Key: "aws:referer", Length: 2 + 3 + 1 + 2, Variables: map[string]int{}}}},
		{"all values together, and variables with their defaults", "*",
			`{"StringNotLike": {"aws:Referer": ["?${aws:UserAgent}", "?${aws:UserAgent}${aws:username, 'xyz'}"]}}`,
			[]compile.Matching{{Key: "aws:referer", Length: 3 + 3 + 3, Variables: map[string]int{"aws:useragent": 2, "aws:username": 1}}}},
		{"ARNs", "*", `{"ArnLike": {"aws:SourceArn": "arn:*:s3:::b"}}`,
			[]compile.Matching{{Key: "aws:sourcearn", Length: 2 + 4 + 2 + 7, Variables: map[string]int{}}}},
		{"the resource", "arn:aws:kms:*:*:key/?", `{"Null": {"aws:Referer": "true"}}`,
			[]compile.Matching{{Length: 2 + 12 + 2 + 1 + 2 + 5 + 1, Variables: map[string]int{}}}},
	} {
		doc, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "kms:*",
			"Resource": "`+c.resource+`", "Condition": `+c.condition+`}}`))
		require.NoError(t, err, c.says)
		m, err := compile.Compile(doc, compile.Options{})
		require.NoError(t, err, c.says)
		assert.Equal(t, c.want, m.Matching, c.says)
		assert.Equal(t, c.want != nil, strings.Contains(m.Text(), "regex.match"), c.says)
	}
	m := compile.Matching{Key: "k", Length: 10, Variables: map[string]int{"v": 2}}
	assert.Equal(t, int64((10+2*7)*100), m.Work(func(key string) int { return map[string]int{"k": 100, "v": 7}[key] }))
}
