package check_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/check"
)

func TestAFindingThatGotWorseIsNewAgain(t *testing.T) {
	const before = `{"Version": "2012-10-17", "Statement": [
		{"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
		{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "kms:DescribeKey", "Resource": "*"}]}`
	lint := func(text string, known *check.Baseline) *check.Result {
		o := check.Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Baseline: known}
		r, err := check.Text(t.Context(), "x.key.json", []byte(text), o)
		require.NoError(t, err)
		return r
	}
	public := func(r *check.Result) check.Finding {
		for _, f := range r.Findings {
			if f.Rule == "KR_PUBLIC_KEY" {
				return f
			}
		}
		require.Fail(t, "the key is not public")
		return check.Finding{}
	}
	known := lint(before, nil).NewBaseline()
	assert.True(t, public(lint(before, known)).Known)
	assert.True(t, public(lint(strings.ReplaceAll(before, "\t\t", "  "), known)).Known, "laid out otherwise")
	assert.True(t, public(lint(strings.Replace(before, `"Action": "kms:*", "Resource": "*"`, `"Resource": "*", "Action": "kms:*"`, 1), known)).Known, "in other order")
	assert.False(t, public(lint(strings.Replace(before, "kms:DescribeKey", "kms:*", 1), known)).Known, "more actions")
}
