package query_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

func TestFieldsOfRecordsDoNothingToWhoReadsThem(t *testing.T) {
	const hostile = "a\x1b[2J\r\n::error ::owned\u202e\u009b"
	then := query.Replay{Verdict: "denied", Differs: []string{hostile}, Unknown: []string{hostile}}
	then.ID, then.Then.Reason, then.Then.Sentence = hostile, hostile, hostile
	then.Now.Request, then.Now.Words, then.Now.Sentence, then.Now.Notes = hostile, hostile, hostile, []string{hostile}
	table := query.Table{Notes: []string{hostile}, Rows: []query.Access{
		{Principal: hostile, Action: "kms:Decrypt", Verdict: query.Unknown, Why: hostile}, {Principal: hostile, Action: hostile, Verdict: query.Never, Why: hostile},
		{Principal: hostile, Action: hostile, Verdict: query.Unknown, Why: hostile}}}
	remedy := query.Remedy{Explanation: then.Now, Why: hostile, Proposals: []query.Proposal{{Request: hostile, Edits: []query.Edit{{Words: hostile, File: hostile, Note: hostile}}}}}
	for _, write := range []func(io.Writer, report.Style) error{then.WriteText, table.WriteText, remedy.WriteText} {
		var b bytes.Buffer
		require.NoError(t, write(&b, report.Style{}))
		for _, line := range strings.Split(b.String(), "\n") {
			assert.Equal(t, safetext.Text(line), line)
			assert.False(t, strings.HasPrefix(strings.TrimSpace(line), "::"), line)
		}
	}
}
