package compile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// plainMatch is the meaning of a pattern, by trying everything.
func plainMatch(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return plainMatch(pattern[1:], text) || text != "" && plainMatch(pattern, text[1:])
	default:
		return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && plainMatch(pattern[1:], text[1:])
	}
}

// plainARN compares part by part.
func plainARN(pattern, text string) bool {
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(text, ":", 6)
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !plainMatch(want[i], got[i]) {
			return false
		}
	}
	return true
}

// A pattern test asks one document about many patterns at once: the statement
// of index i has patterns[i].
func askPatterns(t *rapid.T, operator string, patterns [][]string, value string) []int {
	statements := make([]any, len(patterns))
	for i, p := range patterns {
		statements[i] = map[string]any{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
			"Condition": map[string]any{operator: map[string]any{"aws:username": p}}}
	}
	text, err := json.Marshal(map[string]any{"Version": policy.Version2008, "Statement": statements})
	require.NoError(t, err)
	doc, err := policy.Parse(policy.Identity, text)
	require.NoError(t, err)
	p := prepare(t, compileDocument(t, doc))
	v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": "*", "principal": callers["alice"], "context": map[string]any{"aws:username": []string{value}}})
	var matching []int
	for _, a := range v.Allow {
		matching = append(matching, int(a[0].(float64)))
	}
	return matching
}

func TestPatternsMatchAsAPlainMatcherDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		short := rapid.StringOfN(rapid.SampledFrom([]rune("ab**?")), 1, 7, -1)
		patterns := rapid.SliceOfN(rapid.SliceOfN(short, 1, 14), 20, 20).Draw(t, "patterns")
		value := rapid.StringOfN(rapid.SampledFrom([]rune("ab")), 0, 8, -1).Draw(t, "value")
		for _, operator := range []string{"StringLike", "StringNotLike"} {
			var want []int
			for i, ps := range patterns {
				matching := false
				for _, p := range ps {
					matching = matching || plainMatch(p, value)
				}
				if matching == (operator == "StringLike") {
					want = append(want, i)
				}
			}
			require.Equal(t, want, askPatterns(t, operator, patterns, value), "%s %q, given %q", operator, patterns, value)
		}
	})
}

func TestARNsMatchPartByPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"", "a", "b", "*", "?", "a*", "*b", "a*b", "*a*"})
		arn := rapid.Map(rapid.SliceOfN(part, 5, 6), func(parts []string) string { return "arn:" + strings.Join(parts, ":") })
		patterns := rapid.SliceOfN(rapid.SliceOfN(arn, 1, 8), 20, 20).Draw(t, "patterns")
		plain := rapid.SampledFrom([]string{"", "a", "b", "ab", "aab"})
		value := "arn:" + strings.Join(rapid.SliceOfN(plain, 4, 6).Draw(t, "value"), ":")
		for _, operator := range []string{"ArnLike", "ArnNotEquals"} {
			var want []int
			for i, ps := range patterns {
				matching := false
				for _, p := range ps {
					matching = matching || plainARN(p, value)
				}
				if matching == (operator == "ArnLike") {
					want = append(want, i)
				}
			}
			require.Equal(t, want, askPatterns(t, operator, patterns, value), "%s %q, given %q", operator, patterns, value)
		}
	})
}
