package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// manyOf is a value with five more of its shape, which match nothing here.
func manyOf(value string) []string {
	all := []string{value}
	for i := range 5 {
		all = append(all, strings.NewReplacer("aws:", "aws:", "arn:", "arn:", "a", fmt.Sprint("-", i), "username", "userid").Replace(value))
	}
	return all
}

// Patterns that are compiled together match as each does alone.
func TestManyPatternsOfAShapeMatchAsOneDoes(t *testing.T) {
	context := map[string]any{"aws:username": []string{"A.n"}}
	for _, c := range []struct{ says, operator, pattern, does, doesNot, function string }{
		{"in the middle", "StringLike", "*a*", "xax", "xbx", "contains"},
		{"at the ends", "StringLike", "xa*y", "xay", "xa", "begins"},
		{"an end that is the beginning too", "StringLike", "xa*xa", "xaxa", "xa", "begins"},
		{"in the middle and at an end", "StringLike", "*a*y", "1a2y", "1y", "begins"},
		{"the middle is not the end", "StringLike", "*ay*ay", "ay-ay", "ay", "begins"},
		{"the end is not the beginning", "StringLike", "ab*bc", "ab-bc", "abc", "begins"},
		{"the middle is not a part of the end", "StringLike", "*abc*cd", "abccd", "abcd", "begins"},
		{"any character", "StringLike", "a?", "ab", "a", "matches"},
		{"dots are dots", "StringLike", "a.?", "a.b", "abb", "matches"},
		{"ten wildcards", "StringLike", "a*b*c*d*e*f*g*h*i*j*k", "abcdefghijk", "abcdefghij", "matches_long"},
		{"a variable", "StringLike", "a${aws:username}", "aA.n", "aAxn", "template"},
		{"a variable twice", "StringEquals", "${aws:username}a${aws:username}", "A.naA.n", "A.naA,n", "template"},
		{"two variables", "StringLike", "${aws:username}?a*${aws:NoSuchKey, 'x'}", "A.n-a--x", "A.n-a--", "template"},
		{"a variable in either case", "StringEqualsIgnoreCase", "A${aws:username}", "Aa.N", "aaxn", "template"},
		{"a default", "StringLike", "a${aws:NoSuchKey, '${'}", "a${", "a", "template"},
		{"literal text like a mark", "StringLike", "a${$}{0}${aws:username}", "a${0}A.n", "aA.nA.n", "template"},
		{"a variable without value", "StringLike", "a${aws:NoSuchKey}", "", "a", "template"},
		{"a part of an ARN", "ArnLike", "arn:a*:kms:::b", "arn:a-:kms:::b", "arn:a:x:kms:::b", "matches"},
		{"a variable that brings colons", "ArnLike", "${aws:NoSuchKey, 'arn:b:c:d:e:f'}*a", "arn:b:c:d:e:f:a", "arn:b:c:d:e:f", "template"},
	} {
		for _, not := range []bool{false, true} {
			operator, list := c.operator, `["`+strings.Join(manyOf(c.pattern), `","`)+`"]`
			if not {
				operator = operator[:len(operator)-len(strings.TrimPrefix(strings.TrimPrefix(operator, "String"), "Arn"))] + "Not" +
					strings.TrimPrefix(strings.TrimPrefix(operator, "String"), "Arn")
			}
			doc, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
				"Condition": {"`+operator+`": {"aws:Referer": `+list+`}}}}`))
			require.NoError(t, err, c.says)
			m, err := compile.Compile(doc, compile.Options{})
			require.NoError(t, err, c.says)
			assert.Contains(t, m.Text(), "_statement_0_"+c.function+"(", c.says)
			checkText(t, m)
			p := prepare(t, m)
			for value, want := range map[string]bool{c.does: true, c.doesNot: false} {
				if value == "" {
					continue
				}
				context["aws:referer"] = []string{value}
				v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["alice"], "context": context})
				assert.Equal(t, want != not, len(v.Allow) == 1, "%s: %s %q", c.says, operator, value)
			}
		}
	}
}

// What is no ARN is like none, whatever the pattern (an IPv6 address has colons, too).
func TestOnlyARNsAreLikeARNs(t *testing.T) {
	for _, pattern := range []string{"*:*:*:*:*:*", "?rn:aws:*:*:*:*", "a*:aws:*:*:*:*", "${aws:username}:aws:s3:::b"} {
		for _, operator := range []string{"ArnLike", "ArnNotLike"} {
			doc, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
				"Condition": {"`+operator+`": {"aws:Referer": "`+pattern+`"}}}}`))
			if err != nil {
				continue // is refused, which is as good
			}
			p := prepare(t, compileDocument(t, doc))
			for value, like := range map[string]bool{"2001:aws:0:0::1": false, "axn:aws:s3:::b": false, "arn:aws:s3:::b": true} {
				context := map[string]any{"aws:referer": []string{value}, "aws:username": []string{"arn"}}
				v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["alice"], "context": context})
				assert.Equal(t, like == (operator == "ArnLike"), len(v.Allow) == 1, "%s %s, given %s", operator, pattern, value)
			}
		}
	}
}

// Who is asked about with a variable that has several values gains nothing.
func TestManyVariablesWithSeveralValuesDeny(t *testing.T) {
	var values []string
	for i := range 6 {
		values = append(values, fmt.Sprintf(`"${aws:PrincipalTag/%d}"`, i))
	}
	doc, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "kms:*", "Resource": "*",
		"Condition": {"StringLike": {"aws:Referer": [`+strings.Join(values, ",")+`]}}}}`))
	require.NoError(t, err)
	p := prepare(t, compileDocument(t, doc))
	for tag, denied := range map[string]int{"x": 0, "r": 1} {
		for n, want := range map[int]int{1: denied, 2: 1} {
			context := map[string]any{"aws:referer": []string{"r"}, "aws:principaltag/5": []string{tag, "y"}[:n]}
			v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["alice"], "context": context})
			assert.Len(t, v.Deny, want, "%d values, %q", n, tag)
		}
	}
}

func TestEachOfManyConditionsMustHold(t *testing.T) {
	const n = 100
	var conditions []string
	for i := range n {
		conditions = append(conditions, fmt.Sprintf(`"aws:PrincipalTag/%d": "v%d"`, i, i))
	}
	doc, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
		"Condition": {"StringEquals": {`+strings.Join(conditions, ",")+`}}}}`))
	require.NoError(t, err)
	m := compileDocument(t, doc)
	checkText(t, m)
	p := prepare(t, m)
	allowed := func(but int) int {
		context := map[string]any{}
		for i := range n {
			if i != but {
				context[fmt.Sprintf("aws:principaltag/%d", i)] = []string{fmt.Sprint("v", i)}
			}
		}
		return len(p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["alice"], "context": context}).Allow)
	}
	assert.Equal(t, 1, allowed(-1))
	for i := range n {
		assert.Zero(t, allowed(i), "without condition %d", i)
	}
}
