package query_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// rows are a table as "principal: verdict; ways".
func rows(t query.Table) map[string]string {
	all := map[string]string{}
	for _, r := range t.Rows {
		text := string(r.Verdict)
		for _, w := range r.Ways {
			for _, term := range w.When {
				text += "; " + term.Text
			}
		}
		all[r.Principal+" "+r.Action] = text
	}
	return all
}

func TestWhoCanTellsTheConditions(t *testing.T) {
	b := open(t, "world.txtar")
	for key, want := range map[string]map[string]string{
		"key/shared": {
			"root@acme": "always", "user/ann": "always", "user/bob": "never", "user/dan": "never", "user/eve": "never", "role/admin": "always",
			"role/batch": "when; the encryption context contains dept=finance", "role/payroll": "when; kms:EncryptionContext:dept is finance",
			"federated/visitor": "never", "root@partner": "always", "user/carol": "always", "user/dave": "never", "root@777788889999": "never",
			"service/s3.amazonaws.com": "never", "any other account": "never",
		},
		"key/inside": {
			"root@acme": "when; the request comes through vpce-0123456789abcdef0", "user/ann": "when; the request comes through vpce-0123456789abcdef0",
			"user/bob": "never", "user/dan": "never", "user/eve": "never", "role/admin": "when; the request comes through vpce-0123456789abcdef0",
			"role/batch": "never", "role/payroll": "when; the request comes through vpce-0123456789abcdef0; kms:EncryptionContext:dept is finance",
			"federated/visitor": "never", "root@partner": "never", "user/carol": "never", "user/dave": "never", "root@777788889999": "never",
			"service/s3.amazonaws.com": "never", "any other account": "never",
		},
	} {
		got, err := query.WhoCan(t.Context(), b, []string{"kms:Decrypt"}, key, query.Filter{})
		require.NoError(t, err)
		expected := map[string]string{}
		for who, text := range want {
			expected[who+" kms:Decrypt"] = text
		}
		assert.Equal(t, expected, rows(got), key)
	}
}

func TestWhatCanGoesThroughAllKeysAndActions(t *testing.T) {
	b := open(t, "world.txtar")
	got, err := query.WhatCan(t.Context(), b, "user/carol", "", query.Filter{})
	require.NoError(t, err)
	can := map[string]query.Verdict{}
	for _, r := range got.Rows {
		if r.Verdict != query.Never {
			can[r.Action+" "+r.Resource] = r.Verdict
		}
	}
	assert.Equal(t, map[string]query.Verdict{
		"kms:CreateKey *": query.Always, "kms:Decrypt key/shared": query.Always, "kms:Encrypt key/shared": query.Always,
	}, can)
	assert.Greater(t, len(got.Rows), 250)
	for _, name := range []string{"user/carol@partner", "user/carol@444455556666", "arn:aws:iam::444455556666:user/carol"} {
		same, err := query.WhatCan(t.Context(), b, name, "", query.Filter{})
		require.NoError(t, err)
		assert.Equal(t, got, same, name)
	}
}

func TestFiltersNarrowTables(t *testing.T) {
	b := open(t, "world.txtar")
	got, err := query.WhoCan(t.Context(), b, []string{"kms:Gener*", "Decrypt"}, "alias/main", query.Filter{Principal: "role/*"})
	require.NoError(t, err)
	for _, r := range got.Rows {
		assert.True(t, strings.HasPrefix(r.Principal, "role/"), r.Principal)
	}
	got, err = query.WhatCan(t.Context(), b, "role/admin", "key/main", query.Filter{Action: "kms:*Grant*"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"role/admin kms:CreateGrant": "always", "role/admin kms:ListGrants": "always", "role/admin kms:RevokeGrant": "always", "role/admin kms:RetireGrant": "never",
	}, rows(got))
}

func TestAKeyThatEverybodyMayUseShowsIt(t *testing.T) {
	got, err := query.WhoCan(t.Context(), open(t, "open.txtar"), []string{"kms:Decrypt"}, "key/public", query.Filter{})
	require.NoError(t, err)
	assert.Equal(t, "when; kms:EncryptionContext:dept is finance", rows(got)["any other account kms:Decrypt"])
	var out bytes.Buffer
	require.NoError(t, got.WriteText(&out, report.Style{}))
	assert.Contains(t, out.String(), "kms:EncryptionContext:dept is finance and its IAM policies allow it")
}

func TestSessionsOfRolesMayBringTags(t *testing.T) {
	b := open(t, "tags.txtar")
	got, err := query.WhoCan(t.Context(), b, []string{"kms:Decrypt"}, "key/red", query.Filter{Principal: "*/*"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"user/red kms:Decrypt": "always", "user/blue kms:Decrypt": "never", "role/red kms:Decrypt": "always",
		"role/plain kms:Decrypt": "when; the session has the tag team=red", "role/pattern kms:Decrypt": "when; the session has the tag team=gx",
	}, rows(got))
	for _, r := range got.Rows {
		confirmWays(t, b, r)
	}
	got, err = query.WhoCan(t.Context(), b, []string{"kms:Decrypt"}, "key/plain", query.Filter{Principal: "role/plain"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"role/plain kms:Decrypt": "never"}, rows(got))
	assert.Len(t, got.Notes, 1)
}

func TestQuestionsAboutNothingAreRefused(t *testing.T) {
	b := open(t, "world.txtar")
	for want, ask := range map[string]func() (query.Table, error){
		"there is no action kms:Decript; did you mean kms:Decrypt?": func() (query.Table, error) {
			return query.WhoCan(t.Context(), b, []string{"kms:Decript"}, "key/main", query.Filter{})
		},
		"kms:CreateKey is about no key: leave key/main out": func() (query.Table, error) {
			return query.WhoCan(t.Context(), b, []string{"kms:CreateKey"}, "key/main", query.Filter{})
		},
		"kms:Decrypt is about a key: add key/NAME": func() (query.Table, error) {
			return query.WhoCan(t.Context(), b, []string{"kms:Decrypt"}, "", query.Filter{})
		},
		"there is no key key/none in this world; name it key/NAME, alias/NAME or by ARN": func() (query.Table, error) {
			return query.WhatCan(t.Context(), b, "user/ann", "key/none", query.Filter{})
		},
		"there is no principal user/zoe in this world; name it root@ACCOUNT, user/NAME, role/NAME, federated/NAME, web/NAME, " +
			`service/NAME or by ARN, or ask about "any other account"`: func() (query.Table, error) {
			return query.WhatCan(t.Context(), b, "user/zoe", "", query.Filter{})
		},
	} {
		_, err := ask()
		var e caseline.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want, e.Message)
	}
}

func TestTablesAreTheSameEachTime(t *testing.T) {
	var first []byte
	for range 3 {
		got, err := query.WhoCan(t.Context(), open(t, "world.txtar"), []string{"kms:*"}, "key/shared", query.Filter{})
		require.NoError(t, err)
		text, err := json.Marshal(got)
		require.NoError(t, err)
		if first == nil {
			first = text
		}
		assert.JSONEq(t, string(first), string(text))
	}
}

// variations are what requests may bring, one of each list.
var variations = [][]string{
	{"", "kms:EncryptionContext:dept=finance", "kms:EncryptionContext:dept=it", "kms:EncryptionContext:dept=finance kms:EncryptionContext:x=y"},
	{"", "via endpoint vpce-0123456789abcdef0", "via service s3.amazonaws.com", "aws:SourceIp=10.1.2.3", "aws:SourceAccount=111122223333"},
	{"", "with mfa 30", "with mfa none", "with tag team=security"},
}

// each calls visit with every combination of variations, or every n-th.
func each(n int, visit func(clauses string)) {
	i := 0
	for _, a := range variations[0] {
		for _, b := range variations[1] {
			for _, c := range variations[2] {
				if i++; i%n == 0 {
					visit(a + " " + b + " " + c)
				}
			}
		}
	}
}

// TestTablesAgreeWithRequests asks every principal's every use of every key in
// many ways, and holds the answers against the tables.
func TestTablesAgreeWithRequests(t *testing.T) {
	worlds, err := filepath.Glob("../worlds/*.txtar")
	require.NoError(t, err)
	worlds = append(worlds, "testdata/world.txtar", "testdata/open.txtar")
	actions := []string{"kms:Decrypt", "kms:DescribeKey", "kms:DisableKey"}
	requests, allowed := 0, 0
	for _, name := range worlds {
		b, err := query.Open(name, query.Config{Engine: engine})
		require.NoError(t, err)
		n := 7 // in larger worlds only some of the combinations
		if strings.HasPrefix(name, "testdata") {
			n = 1
		}
		for _, k := range b.World().Keys() {
			table, err := query.WhoCan(t.Context(), b, actions, k.ARN, query.Filter{})
			require.NoError(t, err, "%s %s", name, k.Name)
			for _, row := range table.Rows {
				confirmWays(t, b, row)
				if row.Anyone {
					continue
				}
				each(n, func(clauses string) {
					d, ok := decide(t, b, row.Principal+" "+row.Action+" "+row.Resource+" "+clauses)
					if !ok {
						return
					}
					requests++
					if d {
						allowed++
						assert.NotEqual(t, query.Never, row.Verdict, "%s: %s %s %s %s is allowed", name, row.Principal, row.Action, row.Resource, clauses)
					} else if !strings.Contains(clauses, "endpoint") && !strings.Contains(clauses, "tag") {
						assert.NotEqual(t, query.Always, row.Verdict, "%s: %s %s %s %s is denied", name, row.Principal, row.Action, row.Resource, clauses)
					}
				})
			}
		}
	}
	assert.Greater(t, requests, 5000)
	assert.Greater(t, allowed, 500)
}

// decide asks a request; false if it is none that can be.
func decide(t *testing.T, b *query.Base, line string) (allowed, ok bool) {
	t.Helper()
	all, err := query.Parse(line)
	if err != nil || len(all) != 1 {
		return false, false
	}
	q, err := b.Question(all[0])
	if err != nil {
		return false, false
	}
	d, err := b.Decide(t.Context(), q)
	require.NoError(t, err)
	return d.Allowed, true
}

// confirmWays asks the case line of each way.
func confirmWays(t *testing.T, b *query.Base, row query.Access) {
	t.Helper()
	for _, w := range row.Ways {
		line, found := strings.CutPrefix(w.Case, "allow ")
		require.True(t, found, w.Case)
		if row.Anyone || w.Note != "" {
			continue // of an account, or a session, that the world does not have
		}
		x, err := query.Explain(t.Context(), b, one(t, line))
		require.NoError(t, err, w.Case)
		assert.True(t, x.Allowed, w.Case)
	}
}

func TestRetiringIsToldForEachGrant(t *testing.T) {
	got, err := query.WhoCan(t.Context(), open(t, "world.txtar"), []string{"kms:RetireGrant"}, "key/shared", query.Filter{})
	require.NoError(t, err)
	can := map[string]string{}
	for who, text := range rows(got) {
		if text != "never" {
			can[who] = text
		}
	}
	assert.Equal(t, map[string]string{
		"root@acme kms:RetireGrant":  "when; the grant is nightly; the grant is partners",
		"role/admin kms:RetireGrant": "when; the grant is nightly; the grant is partners",
	}, can)
}
