package caseline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// lines reads a text and writes its cases anew.
func lines(t *testing.T, text string) []string {
	t.Helper()
	f, err := caseline.Parse("x.cases", text, 0)
	require.NoError(t, err)
	all := []string{}
	for _, c := range f.Cases {
		all = append(all, c.String())
	}
	return all
}

func TestTableIsACaseForEachCell(t *testing.T) {
	assert.Equal(t, []string{
		"allow role/payroll kms:Encrypt key/payroll",
		"deny role/payroll kms:PutKeyPolicy key/payroll",
		"deny [user/a, user/b] kms:Encrypt key/payroll",
		"deny [user/a, user/b] kms:PutKeyPolicy key/payroll because no-allow",
	}, lines(t, `table
  key/payroll      | kms:Encrypt  kms:PutKeyPolicy
  role/payroll     | allow        deny
  [user/a, user/b] | deny         deny:no-allow
`))
}

func TestColumnsMayBeResourcesAndCellsMayBeLeftOut(t *testing.T) {
	assert.Equal(t, []string{
		"allow role/x kms:Decrypt key/a", "deny role/x kms:Decrypt alias/b",
		"deny role/y kms:Decrypt [key/c, key/d]",
	}, lines(t, `table
  kms:Decrypt | key/a | alias/b | [key/c, key/d] |
  role/x      | allow | deny    | -              |
  role/y      | -     | -       | deny           |
`))
}

func TestHeadingBeginsAnotherGrid(t *testing.T) {
	assert.Equal(t, []string{"allow root kms:Encrypt key/a", "deny root kms:Decrypt key/b", "allow root kms:ListKeys *"}, lines(t, `table
  key/a kms:Encrypt
  root  allow
  key/b kms:Decrypt
  root  deny
  *     kms:ListKeys
  root  allow
`))
}

func TestClausesOfATableAndOfItsRows(t *testing.T) {
	assert.Equal(t, []string{
		"allow role/x kms:Decrypt key/a kms:EncryptionContext:a=b at 2026-01-02T00:00:00Z because identity resource",
		"deny role/y kms:Decrypt key/a kms:EncryptionContext:a=b !aws:SourceIp because scp",
	}, lines(t, `table kms:EncryptionContext:a=b
  key/a  | kms:Decrypt
  role/x | allow:resource | at 2026-01-02 because identity
  role/y | deny             !aws:SourceIp because scp
`))
}

func TestCellsKnowTheirPlace(t *testing.T) {
	f, err := caseline.Parse("x.cases", "# Grid\ntable\n  key/a  kms:Decrypt kms:Encrypt # A-1\n  role/x allow deny\n", 10)
	require.NoError(t, err)
	require.Len(t, f.Cases, 2)
	assert.Equal(t, caseline.Pos{Line: 14, Column: 16}, f.Cases[1].Pos)
	assert.Equal(t, "deny role/x kms:Encrypt key/a", f.Cases[1].Text)
	assert.Equal(t, "Grid", f.Cases[1].Title)
	assert.Equal(t, []string{"A-1"}, f.Cases[1].Tags)
}

func TestFaultsOfTables(t *testing.T) {
	for text, want := range map[string]string{
		"table":                                        "1:6: rows are missing: first RESOURCE ACTION …, then PRINCIPAL allow …",
		"table because x\n key/a kms:A\n r/x x":        "1:7: an expectation stands in a row or a cell",
		"table\n role/x allow":                         "2:9: the first row says what the columns are: RESOURCE ACTION …, or ACTION RESOURCE …",
		"table\n key/a":                                "2:7: cells are missing",
		"table\n user/a kms:Encrypt":                   "2:2: the corner of a table is a resource or an action",
		"table\n key/a kms:Encrypt key/b":              "2:20: here stands an action, as the heading of a column",
		"table\n kms:Encrypt key/b kms:Decrypt":        "2:20: here stands a resource, as the heading of a column",
		"table\n key/a kms:A kms:B\n r/x allow":        "3:2: the row has 1 cells, and the table 2 columns",
		"table\n key/a kms:A\n r/x allow deny":         "3:2: the row has 2 cells, and the table 1 columns",
		"table\n key/a kms:A kms:B\n r/x allow nope":   "3:12: a cell is allow, deny or -, with :REASON if need be",
		"table\n key/a kms:A\n r/x yes":                "3:6: a cell is allow, deny or -, with :REASON if need be",
		"table\n key/a kms:A\n r/x allow at noon":      "3:15: a time is written 2026-11-23 or 2026-11-23T09:30:00Z",
		"table x\n key/a kms:A\n r/x allow":            `1:7: unknown clause "x"; known are KEY=VALUE, !KEY, session, with, via, at, in, grant, grant-token, because, says`,
		"table\n key/a [kms:A, key/b]\n r/x allow":     "2:8: here stands an action, as the heading of a column",
		"table\n key/a kms:A=[b]\n r/x allow":          "2:8: here stands an action, as the heading of a column",
		"table\n [] kms:A\n r/x allow":                 "2:2: the corner of a table is a resource or an action",
		"table\n key/a kms:A\n r/x allow\n  r/y maybe": "4:7: a cell is allow, deny or -, with :REASON if need be",
	} {
		_, err := caseline.Parse("x.cases", text, 0)
		assert.EqualError(t, err, "x.cases:"+want, text)
	}
}

func TestFaultyRowLeavesTheOthers(t *testing.T) {
	f, err := caseline.Parse("x.cases", "table\n key/a kms:A\n r/x maybe\n r/y allow\n r/z allow x\n", 0)
	var faults caseline.Errors
	require.ErrorAs(t, err, &faults)
	assert.Len(t, faults, 2)
	assert.Len(t, f.Cases, 1)
}
