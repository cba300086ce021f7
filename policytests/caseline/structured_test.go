package caseline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

func TestStructuredFileSaysWhatLinesSay(t *testing.T) {
	f, err := caseline.ParseStructured("x.cases.yaml", []byte(`# Payroll
- title: "A-13 b: the payroll key"
  account: acme
  given: [session nightly, grant g on key/a to user/b for Decrypt]
  cases:
    - allow role/payroll kms:Decrypt key/payroll
    - "deny role/admin kms:Decrypt key/payroll because no-allow"
  clauses: kms:EncryptionContext:dept=finance
  table:
    key/payroll:
      role/payroll: {kms:Encrypt: allow, kms:Decrypt: -}
      "[user/a, user/b]":
        kms:Encrypt: deny:no-allow
  else: deny
- at: 2026-01-02
  given: kms:EncryptionContext:a=b
  cases: |
    # A title
    table
      key/x   kms:Encrypt
      user/a  allow

    deny user/a kms:Encrypt key/x
`))
	require.NoError(t, err)
	var got []string
	for _, c := range f.Cases {
		if c.Kind != caseline.Else {
			got = append(got, c.String())
		}
	}
	assert.Equal(t, []string{
		"allow role/payroll kms:Decrypt key/payroll session nightly",
		"deny role/admin kms:Decrypt key/payroll session nightly because no-allow",
		"allow role/payroll kms:Encrypt key/payroll kms:EncryptionContext:dept=finance session nightly",
		"deny [user/a, user/b] kms:Encrypt key/payroll kms:EncryptionContext:dept=finance session nightly because no-allow",
		"allow user/a kms:Encrypt key/x kms:EncryptionContext:a=b at 2026-01-02T00:00:00Z",
		"deny user/a kms:Encrypt key/x kms:EncryptionContext:a=b at 2026-01-02T00:00:00Z",
	}, got)
	first := f.Cases[0]
	assert.Equal(t, caseline.Pos{Line: 6, Column: 7}, first.Pos)
	assert.Equal(t, caseline.Pos{Line: 7, Column: 8}, f.Cases[1].Pos)
	assert.Equal(t, caseline.Pos{Line: 11, Column: 35}, f.Cases[2].Pos)
	assert.Equal(t, caseline.Pos{Line: 21, Column: 11}, f.Cases[5].Pos)
	assert.Equal(t, []string{"A-13"}, first.Tags)
	assert.Equal(t, "A-13 b: the payroll key", first.Title)
	assert.Equal(t, "A title", f.Cases[5].Title)
	assert.Equal(t, "acme", first.Request.Account.Text)
	assert.Empty(t, f.Cases[5].Request.Account.Text, "what a group is given holds for it alone")
	assert.Len(t, first.Given, 1)
	assert.Equal(t, first.Group, f.Cases[4].Group)
	assert.False(t, f.Cases[4].Whole)

	f, err = caseline.ParseStructured("x.cases.json", []byte(`{"cases": ["allow user/a kms:ListKeys"]}`))
	require.NoError(t, err)
	assert.Len(t, f.Cases, 1)
}

func TestFaultsOfStructuredFiles(t *testing.T) {
	for text, want := range map[string]string{
		"[":                                      "1:1: ",
		"text":                                   "1:1: here stands a group: a mapping with title, account, region, at, given, cases, clauses, table or else",
		"case: []":                               `1:1: unknown field "case"; known here are title, account, region, at, given, cases, clauses, table, else`,
		"cases: [alow user/a kms:A]":             "1:9: a line begins with allow, deny",
		"cases:\n  - allow user/a":               "2:17: action is missing",
		"cases:\n  - 'allow user/a k:D'\n  - {}": "3:5: here stands a line, or a list of lines",
		"given: hope":                            `1:8: unknown clause "hope"`,
		"title: a\ntitle: b":                     "2:1: title is given twice",
		"clauses: a=b":                           "1:10: clauses are those of a table",
		"table: [a]":                             "1:8: a table is a mapping of resources to principals to actions to allow, deny or -",
		"table: {key/a: {user/a: {kms:A: yes}}}": "1:33: a cell is allow, deny or -, with :REASON if need be",
		"table: {key/a: {'': {kms:A: deny}}}":    "1:17: here stands one name, or a list in brackets",
		"clauses: nope\ntable: {key/a: {user/a: {kms:A: deny}}}": `2:33: unknown clause "nope"`,
		"account: []": "1:10: here stands a text",
		"cases: ['']": "1:9: here stands a text",
	} {
		_, err := caseline.ParseStructured("x", []byte(text))
		if assert.Error(t, err, text) {
			assert.Contains(t, err.Error(), "x:"+want, text)
		}
	}
}

func FuzzStructured(f *testing.F) {
	f.Add([]byte("- title: x\n  given: [session y]\n  cases: |\n    allow a b c\n  table: {key/a: {user/b: {kms:A: deny:x}}}\n  else: deny\n"))
	f.Add([]byte(`{"cases": "allow a b", "clauses": "a=b"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 10_000 {
			return
		}
		_, err := caseline.ParseStructured("x", text)
		if err != nil {
			var faults caseline.Errors
			require.ErrorAs(t, err, &faults)
			for _, e := range faults {
				assert.Positive(t, e.Pos.Line, e.Message)
			}
		}
	})
}
