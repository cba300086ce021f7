package caseline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

func TestCompletionKnowsWhatCanStandAtTheEnd(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "line ",
		"al":                           "line al",
		"allow ":                       "principal ",
		"allow ro":                     "principal ro",
		"allow [user/a, ro":            "principal ro",
		"allow [user/a, user/b] ":      "action ",
		"allow role/x kms:D":           "action kms:D",
		"allow role/x kms:Decrypt ":    "resource ",
		"deny role/x kms:Decrypt ke":   "resource ke",
		"deny r/x kms:D key/a ":        "clause ",
		"deny r/x kms:D key/a kms:Vi":  "clause kms:Vi",
		"deny r/x kms:D key/a via ":    "endpoint or service ",
		"deny r/x kms:D k via service": "endpoint or service service",
		"deny r/x k k via service s":   "service s",
		"deny r/x kms:D key/a with ":   "what the session comes with ",
		"deny r/x kms:D key/a in ":     "Region ",
		"deny r/x kms:D key/a at ":     "time ",
		"deny r/x kms:D k because ":    "reason ",
		"deny r/x kms:D k because scp": "reason scp",
		"deny r/x k:D k because scp i": "reason i",
		"deny r/x kms:D k nonsense x ": " ",
		`deny r/x kms:D k "`:           `clause "`,
		"given ":                       "given ",
		"given gr":                     "given gr",
		"given grant x ":               "on ",
		"given grant x on ":            "key ",
		"given grant x on key/a ":      "to ",
		"account ":                     "account ",
		"accept ":                      "kind of document ",
		"accept key-policy ":           "file ",
		"only role/x ":                 "may ",
		"only role/x may ":             "action ",
		"no ":                          "public or cross-account ",
		"no public ":                   "access ",
		"else ":                        "deny ",
		"else deny ":                   " ",
	} {
		c := caseline.Standing{}.Complete(text, false)
		assert.Equal(t, want, c.Slot+" "+c.Part, text)
	}
	c := caseline.Standing{}.Complete("role/x kms:Decrypt key/a kms:", true)
	assert.Equal(t, "clause", c.Slot)
	assert.Contains(t, c.Words, "session")
	assert.Equal(t, "kms:Decrypt", c.Case.Request.Actions[0].Text)
	assert.Equal(t, []string{"endpoint", "service"}, caseline.Standing{}.Complete("allow r/x k:D k via ", false).Words)
	assert.Contains(t, caseline.Standing{}.Complete("", false).Words, "table")
}

func TestWrittenLineSaysTheSame(t *testing.T) {
	for _, text := range []string{
		`allow [role/x, "user/a b"] kms:Decrypt`,
		`deny role/x kms:Decrypt key/a k:a="b c" "k:d=e"=f k:g=[h, "i,j"] k:l= !k:m session s with policy [p.json, q.json] with tag a=b ` +
			`with source-identity ann with mfa 30 via endpoint vpce-1 via service [a, b] grant [g, h] at 2026-01-02T00:00:00Z in eu-west-1 because scp "a b"`,
		`text role/x kms:Decrypt key/a with mfa none says "no \"way\""`,
	} {
		assert.Equal(t, text, parse(t, text).String())
	}
}

// FuzzWrittenLine: a line that can be read, and is written, is read as the
// same.
func FuzzWrittenLine(f *testing.F) {
	f.Add(`allow [role/x, "user/a b"] kms:Decrypt key/a k:a="b c" !k:b session s with tag a=b with mfa 3 via service [a, b] at 2026-01-02 because "x"`)
	f.Add("deny a b c \"d=e\"=[f,\"\"] grant g in h")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := caseline.ParseCase(text)
		if err != nil || c.Kind.Documents() || c.Kind.Assertion() {
			return
		}
		written := c.String()
		again, err := caseline.ParseCase(written)
		require.NoError(t, err, written)
		assert.Equal(t, written, again.String())
	})
}

// FuzzFile: any text is read without a panic, and its faults have places.
func FuzzFile(f *testing.F) {
	f.Add("table a=b\n key/a kms:A\n r/x allow:x !c\ngiven grant x on k to y for z\nelse deny\n")
	f.Add("given session x\nonly a may b c\nno public access k except l\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := caseline.Parse("x", text, 0)
		if err != nil {
			var faults caseline.Errors
			require.ErrorAs(t, err, &faults)
			for _, e := range faults {
				assert.Positive(t, e.Pos.Line, e.Message)
			}
		}
		caseline.Standing{}.Complete(text, false)
		caseline.Standing{}.Complete(text, true)
	})
}
