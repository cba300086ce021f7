package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/report"
)

func TestTableFoldsItsColumns(t *testing.T) {
	rows := [][]string{
		{"key/payroll", "role/payroll may decrypt what bears the department it works for"},
		{"key/日本", "nobody"},
	}
	for name, row := range map[string]struct {
		width int
		want  string
	}{
		"without a width, lines are as long as they are": {0, `
KEY          WHO
key/payroll  role/payroll may decrypt what bears the department it works for
key/日本     nobody
`},
		"lines keep to the width": {50, `
KEY          WHO
key/payroll  role/payroll may decrypt what bears
             the department it works for
key/日本     nobody
`},
		"where the last column has no room, rows are lists": {20, `
KEY  key/payroll
WHO  role/payroll
     may decrypt
     what bears the
     department it
     works for

KEY  key/日本
WHO  nobody
`},
		"words that are too long stay whole": {10, `
KEY
  key/payroll
WHO
  role/payroll
  may
  decrypt
  what
  bears
  the
  department
  it works
  for

KEY
  key/日本
WHO
  nobody
`},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, report.Style{Width: row.width}.Table(&b, []string{"KEY", "WHO"}, rows))
			assert.Equal(t, row.want[1:], b.String())
		})
	}
}

func TestPaintIsForColouredTerminalsOnly(t *testing.T) {
	assert.Equal(t, "denied", report.Style{}.Paint(report.Bad, "denied"))
	assert.Equal(t, "\x1b[1;31mdenied\x1b[0m", report.Style{Colour: true}.Paint(report.Bad, "denied"))
	assert.Equal(t, "denied", report.Style{Colour: true}.Paint(report.Plain, "denied"))
}

func TestWrapKeepsIndentAndLineBreaks(t *testing.T) {
	got := report.Style{Width: 30}.Wrap("the first line is longer than thirty columns\n\nsecond", "  ")
	assert.Equal(t, "  the first line is longer\n  than thirty columns\n\n  second", got)
}

func TestTableFoldsOtherColumnsWhereTheLastIsNarrowEnough(t *testing.T) {
	var b strings.Builder
	rows := [][]string{{"IAM policies", "does not allow", "nothing"}, {"key policy", "delegates", "Allow AccountKeepsControl"}}
	require.NoError(t, report.Style{Width: 40}.Table(&b, []string{"LAYER", "RESULT", "STATEMENT"}, rows))
	assert.Equal(t, `LAYER     RESULT     STATEMENT
IAM       does not   nothing
policies  allow
key       delegates  Allow
policy               AccountKeepsControl
`, b.String())
}
