package check_test

import (
	"encoding/json"
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
	"github.com/keyreeve/keyreeve/rego/policy"
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
	// Guide, Grants: leave to create grants is to be given as carefully as leave
	// to change the key policy, and these give it to everybody they name.
	"04-replica.key.json":            {"KR_ESCALATION_CREATEGRANT"},
	"13-key-usage-use.iam.json":      {"KR_ESCALATION_CREATEGRANT"},
	"13-retiring-principal.key.json": {"KR_ESCALATION_CREATEGRANT"},
	"29-desktops.iam.json":           {"KR_ESCALATION_CREATEGRANT"},
}

// managed adds the statement that the guide takes for granted where it prints a
// part of a key policy: that somebody can change the policy.
func managed(t *testing.T, text []byte) []byte {
	t.Helper()
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document))
	statements, many := document["Statement"].([]any)
	if !many {
		statements = []any{document["Statement"]}
	}
	document["Statement"] = append(statements, map[string]any{"Sid": "TakenForGranted", "Effect": "Allow",
		"Principal": map[string]any{"AWS": "arn:aws:iam::204060801003:root"}, "Action": "kms:PutKeyPolicy", "Resource": "*"})
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return text
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
			kind, text, err := guide.Read(p.File)
			require.NoError(t, err)
			if kind == policy.Key && !strings.Contains(string(text), `"kms:*"`) && !strings.Contains(string(text), "kms:Put") {
				text = managed(t, text)
			}
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

// What linters have been reported to miss is found.
func TestWhatOthersMissIsFound(t *testing.T) {
	for name, row := range map[string]struct{ statement, rule string }{
		"checkov 5627: a star in a list": {
			`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "kms:Decrypt", "Resource": "*"}`, "KR_PUBLIC_KEY"},
		"a star in the second of two statements": {
			`{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringNotEquals": {"kms:CallerAccount": "999988887777"}}}`, "KR_PUBLIC_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := check.Text(t.Context(), "a.key.json", []byte(document(delegate, row.statement)), check.Options{Now: now})
			require.NoError(t, err)
			for _, f := range r.Findings {
				if f.Rule == row.rule {
					require.NotEmpty(t, f.Witness)
					assert.True(t, f.Witness[0].Allowed)
					assert.Contains(t, f.Witness[0].Case, "allow ")
					return
				}
			}
			assert.Fail(t, "not found", "%v", grave(r))
		})
	}
}
