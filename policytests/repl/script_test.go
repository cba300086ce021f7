package repl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/repl"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

func TestScriptsAreTakenApartWhereCommandsEnd(t *testing.T) {
	for text, want := range map[string][]string{
		"":                          nil,
		"a; b\nc":                   {"a", "b", "c"},
		"a \\\nb":                   {"a \nb"},
		"a\n  b\n\tc\nd":            {"a\n  b\n\tc", "d"},
		"# no\na # yes; no":         {"a # yes; no"},
		"a; # no\nb":                {"a", "b"},
		`a "x;y"; b`:                {`a "x;y"`, "b"},
		"policy x {\n\"a\": [1]\n}": {"policy x {\n\"a\": [1]\n}"},
		`policy x {"a; b"}; c`:      {`policy x {"a; b"}`, "c"},
		"can [a,\nb] c; d":          {"can [a,\nb] c", "d"},
		"a\r\nb\r\n":                {"a", "b"},
		"k=[a,\nb]":                 {"k=[a,\nb]"},
		";;":                        nil,
		`\`:                         nil,
		"\\\n\\\na":                 {"a"},
	} {
		assert.Equal(t, want, repl.Split(text), text)
	}
}

func TestOpenBracketsGoOn(t *testing.T) {
	for text, want := range map[string]bool{
		"":                   false,
		"policy x {":         true,
		"policy x {}":        false,
		`policy x {"}"`:      true,
		"can [a, b":          true,
		"can a[b":            false,
		"can a \\":           true,
		"a # {":              false,
		"policy x {\n# [\n}": true, // a comment is none in JSON
		`a "{`:               false,
		"policy x }":         false,
	} {
		assert.Equal(t, want, repl.Pending(text), text)
	}
}

// FuzzSplit: whatever the script, each command of it is one by itself, and
// nothing but blanks, semicolons and comments is lost.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a; b\nc", "policy x {\n\"a\": [1]\n}; c", "can [a,\nb]", "# no\na \\\nb", `a "x;y`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range repl.Split(text) {
			require.NotEmpty(t, strings.TrimSpace(c))
			repl.Pending(c)
		}
	})
}

// FuzzEval: whatever is said, the session answers, and never changes when it
// refuses.
func FuzzEval(f *testing.F) {
	s := fuzzed(f)
	for _, seed := range []string{
		"can role/payroll kms:Decrypt key/payroll", "as role/payroll session x with tag a=b", "grant user/bob [Decrypt] on key/payroll subset a=b",
		`policy key/payroll {"Version": "2012-10-17"}`, "off scp", "set a=b", "undo", "show rego key/payroll", "help can", `can [a, "b] c`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.HasPrefix(strings.TrimSpace(line), "save") || strings.Contains(line, "<") {
			return // what would touch files
		}
		a, err := s.Eval(t.Context(), line)
		if err != nil {
			assert.Empty(t, a.Text)
		}
		s.Complete(line)
	})
}

func fuzzed(f *testing.F) *repl.Session {
	f.Helper()
	d, err := draft.Read("testdata/world.txtar")
	require.NoError(f, err)
	return begin(f, repl.Config{Draft: d})
}
