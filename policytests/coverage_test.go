package policytests_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
)

// covered runs cases and tells of each statement and grant how often it was
// decisive.
func covered(t *testing.T, cases string) map[string]int {
	t.Helper()
	report, err := run(t, cases, policytests.Options{Coverage: true})
	require.NoError(t, err)
	all := map[string]int{}
	for _, s := range report.Coverage.Statements {
		_, file, _ := bytes.Cut([]byte(s.File), []byte("town.txtar: "))
		all[fmt.Sprintf("%s %s", file, s.Path)] = s.Decisive
	}
	for _, g := range report.Coverage.Grants {
		all["grant "+g.Name] = g.Decisive
	}
	return all
}

func TestCoverageCountsWhatDecisionsCameFrom(t *testing.T) {
	for says, c := range map[string]struct {
		cases string
		want  map[string]int
	}{
		"allows by two layers": {
			"allow user/bob kms:Decrypt key/closed kms:EncryptionContext:dept=finance\n", map[string]int{"use.json $.Statement[0]": 1, "closed.json $.Statement[0]": 1},
		},
		"a refusal for want of an allow comes from nothing": {
			"deny user/bob kms:Decrypt key/closed\n", map[string]int{"use.json $.Statement[0]": 0, "closed.json $.Statement[0]": 0},
		},
		"a case that fails counts, too": {
			"deny user/bob kms:Decrypt key/payroll\nallow user/bob kms:Decrypt key/payroll\n", map[string]int{"use.json $.Statement[0]": 2, "closed.json $.Statement[0]": 0},
		},
		"one file counts once, however often it is attached": {
			"allow [user/bob, role/payroll, user/pat] kms:ListKeys\n", map[string]int{"use.json $.Statement[0]": 3, "closed.json $.Statement[0]": 0},
		},
		"trust policies count when a case asks about a role": {
			"allow user/bob kms:ListKeys\ndeny user/bob sts:AssumeRole role/payroll\n",
			map[string]int{"use.json $.Statement[0]": 1, "closed.json $.Statement[0]": 0, "trust.json $.Statement[0]": 0},
		},
		"what else lines ask counts": {
			"allow user/bob kms:ListKeys\nelse deny user/*\n\nallow user/pat kms:ListKeys\n", map[string]int{"use.json $.Statement[0]": 4, "closed.json $.Statement[0]": 0},
		},
		"what lines give counts": {
			"-- narrow.json --\n" + `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}` + `
-- more.cases --
given grant g on key/closed to user/eve@acme for Decrypt
given policy narrow.json on user/eve@acme
allow user/eve@acme kms:Decrypt key/closed because g
allow user/eve@acme kms:Decrypt key/payroll because narrow.json
allow role/payroll kms:Decrypt key/payroll with policy narrow.json
`,
			map[string]int{"use.json $.Statement[0]": 1, "closed.json $.Statement[0]": 0, "narrow.json $.Statement[0]": 2, "grant g": 1},
		},
	} {
		t.Run(says, func(t *testing.T) { assert.Equal(t, c.want, covered(t, c.cases)) })
	}
}

func TestCoverageTellsWhereAStatementWasFirstDecisive(t *testing.T) {
	report, err := run(t, "deny user/bob kms:Decrypt key/closed\nallow user/pat kms:ListKeys\nallow user/bob kms:ListKeys\n", policytests.Options{Coverage: true, Workers: 4})
	require.NoError(t, err)
	require.Len(t, report.Coverage.Statements, 2)
	use := report.Coverage.Statements[1]
	assert.Contains(t, use.First, "town.txtar:37")
	assert.Equal(t, []string{"user/bob@acme", "role/payroll@acme", "user/pat@partner"}, use.UsedBy)
	assert.Equal(t, "Use", use.Sid)
	assert.Equal(t, "identity", use.Kind)
	assert.Contains(t, use.Text, "\"Sid\": \"Use\"")
	assert.Equal(t, 1, use.Line)

	decisive, all := report.Coverage.Count()
	assert.Equal(t, []int{1, 2}, []int{decisive, all})
	percent, any := report.Coverage.Percent()
	assert.True(t, any)
	assert.InDelta(t, 50, percent, 0.001)
}

func TestNothingIsNoCoverage(t *testing.T) {
	_, any := policytests.Coverage{}.Percent()
	assert.False(t, any)
	c := policytests.Coverage{Statements: make([]policytests.CoveredStatement, 4000)}
	for i := range c.Statements[1:] {
		c.Statements[i].Decisive = 1
	}
	assert.Contains(t, c.Summary(), "(99.9 %)", "only all is 100 %")
}

func TestCoverageIsWrittenSafely(t *testing.T) {
	c := policytests.Coverage{
		Statements: []policytests.CoveredStatement{{File: "<b>.json", Line: 3, Path: "$.Statement[0]", Kind: "key", Sid: "</pre><script>", Effect: "Deny", UsedBy: []string{"key/a"}, Text: "</pre>"}},
		Grants:     []policytests.CoveredGrant{{World: "w", Key: "key/a", Name: "g", Decisive: 2, First: "x:1"}},
	}
	var page, text, data bytes.Buffer
	require.NoError(t, c.WriteHTML(&page))
	assert.NotContains(t, page.String(), "<script>")
	assert.NotContains(t, page.String(), "<b>")
	require.NoError(t, c.WriteText(&text))
	assert.Equal(t, "<b>.json\n    never    3  Deny  </pre><script>  $.Statement[0]\n\nw: grants on key/a\n       2×  g\n\n"+
		"coverage: 1 of 2 statements and grants were the reason of a decision (50.0 %)\n", text.String())
	require.NoError(t, c.WriteJSON(&data))
	var read map[string]any
	require.NoError(t, json.Unmarshal(data.Bytes(), &read))
	assert.InDelta(t, 50, read["percent"], 0.001)
	assert.InDelta(t, 1, read["version"], 0)
}
