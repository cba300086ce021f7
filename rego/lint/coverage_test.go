package lint_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
)

// lines are the fields of the lines of a file of testdata, comments left out.
func lines(t *testing.T, name string) [][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var all [][]string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, strings.Split(line, "\t"))
		}
	}
	return all
}

// TestEveryRequiredCheckIsARule holds the table to the list of checks that
// keyreeve promises: id, severity, how it is found.
func TestEveryRequiredCheckIsARule(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range lines(t, "required.tsv") {
		id, severities, how := row[0], row[1], row[2]
		listed[id] = true
		r, ok := lint.RuleNamed(id)
		if !assert.True(t, ok, "%s is no rule", id) || r.ID != id {
			continue
		}
		assert.Contains(t, strings.Split(severities, "/"), r.Severity.String(), id)
		assert.Equal(t, how == "meaning", r.ByMeaning, "%s is found by %s", id, how)
	}
	for _, r := range lint.Rules {
		assert.True(t, listed[r.ID], "%s is not in required.tsv", r.ID)
	}
}

// TestEveryCodeOfAccessAnalyzerIsARuleOrHasAReason holds the table to the
// issue codes of IAM Access Analyzer.
func TestEveryCodeOfAccessAnalyzerIsARuleOrHasAReason(t *testing.T) {
	severities := map[string]string{"ERROR": "error", "SECURITY_WARNING": "security", "WARNING": "warning", "SUGGESTION": "suggestion"}
	codes := lines(t, "access-analyzer.tsv")
	require.Len(t, codes, 158)
	for _, row := range codes {
		severity, code, reason := row[0], row[1], row[2]
		r, ok := lint.RuleNamed(code)
		if reason != "" {
			assert.False(t, ok, "%s is a rule, and there is a reason that it is none", code)
			continue
		}
		if assert.True(t, ok, "%s is no rule, and there is no reason for it", code) && r.ID == code {
			assert.Equal(t, severities[severity], r.Severity.String(), code)
		}
	}
}

// TestEveryFaultOfParseIsARule reads the codes from the source of rego/policy.
func TestEveryFaultOfParseIsARule(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../policy/errors.go", nil, 0)
	require.NoError(t, err)
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		codes++
		r, ok := lint.RuleNamed(code)
		assert.True(t, ok && r.ID == code && !r.ByMeaning, "%s is no rule of form", code)
		return true
	})
	assert.Greater(t, codes, 50)
}

func TestRulesAreWellFormed(t *testing.T) {
	assert.True(t, slices.IsSortedFunc(lint.Rules, func(a, b lint.Rule) int { return strings.Compare(a.ID, b.ID) }))
	for _, r := range lint.Rules {
		_, err := r.Severity.MarshalText()
		require.NoError(t, err, r.ID)
		assert.True(t, strings.HasSuffix(r.Title, "."), r.ID)
		assert.True(t, len(r.Kinds) > 0 || r.Grants, r.ID)
		found, ok := lint.RuleNamed(strings.ToLower(r.ID))
		assert.True(t, ok)
		assert.Equal(t, r.ID, found.ID)
	}
	entries, err := os.ReadDir("pages")
	require.NoError(t, err)
	assert.Len(t, entries, len(lint.Rules), "one page for each rule")
}

func TestARuleIsFoundByTheIdThatAnotherToolHas(t *testing.T) {
	for other, id := range map[string]string{"CKV_AWS_33": "KR_PUBLIC_KEY", "kms.5": "KR_PUBLIC_KEY", "VARIABLE_UNSUPPORTED_IN_VERSION": "KR_OLD_VERSION_WITH_VARIABLES"} {
		r, ok := lint.RuleNamed(other)
		assert.True(t, ok)
		assert.Equal(t, id, r.ID)
	}
	_, ok := lint.RuleNamed("NO_SUCH_RULE")
	assert.False(t, ok)
}
