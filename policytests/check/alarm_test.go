package check_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/guide"
	"github.com/keyreeve/keyreeve/rego/lint"
)

var now = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// grave are the findings that are errors or about security, as "RULE at path:
// message".
func grave(r *check.Result) []string {
	var all []string
	for _, f := range r.Findings {
		if f.Severity <= lint.Security && f.Ignored == "" {
			all = append(all, f.Rule+" at "+f.Span.Path+": "+f.Message)
		}
	}
	return all
}

func TestThreadsAboutFalseAlarmsStaySilent(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "threads.txtar"))
	require.NoError(t, err)
	require.Len(t, archive.Files, 16)
	for _, f := range archive.Files {
		for name, formOnly := range map[string]bool{"by form": true, "by meaning": false} {
			t.Run(strings.TrimSuffix(f.Name, path.Ext(f.Name))+" "+name, func(t *testing.T) {
				r, err := check.Text(t.Context(), f.Name, f.Data, check.Options{Now: now, FormOnly: formOnly})
				require.NoError(t, err)
				require.Empty(t, r.Problems)
				require.NotEmpty(t, r.Policies)
				assert.Empty(t, grave(r))
			})
		}
	}
}

// warned are the counterparts of prints that the guide itself warns about, or
// gets wrong.
var warned = map[string][]string{
	// Guide, "kms:KeyOrigin": the print is a key policy, and CreateKey asks none.
	"13-key-origin.key.json": {"UNSUPPORTED_ACTION_IN_POLICY"},
}

func TestPoliciesThatTheGuidePrintsAreSilent(t *testing.T) {
	prints, err := guide.Prints()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, p := range prints {
		if seen[p.File] {
			continue
		}
		seen[p.File] = true
		t.Run(p.File, func(t *testing.T) {
			_, text, err := guide.Read(p.File)
			require.NoError(t, err)
			r, err := check.Text(t.Context(), p.File, text, check.Options{Now: now})
			require.NoError(t, err)
			require.Len(t, r.Policies, 1)
			var rules []string
			for _, f := range grave(r) {
				rule, _, _ := strings.Cut(f, " ")
				rules = append(rules, rule)
			}
			assert.Equal(t, warned[p.File], rules, "%s", strings.Join(grave(r), "\n"))
		})
	}
	assert.Greater(t, len(seen), 100)
}
