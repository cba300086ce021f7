package check_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// compared are the rules about two versions or about a list of one's own: diff
// and the assertions of test tell of them.
var compared = []string{"KR_NEW_ACCESS", "KR_EQUIVALENT", "KR_ACCESS_NOT_GRANTED"}

// TestExamplesOfPagesAreFoundByMeaning: the bad example of each page of a rule
// by meaning has it, the good one does not, and no error or finding of security
// either.
func TestExamplesOfPagesAreFoundByMeaning(t *testing.T) {
	for _, r := range lint.Rules {
		if !r.ByMeaning || slices.Contains(compared, r.ID) {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			assert.Contains(t, ofPage(t, r.Bad()), r.ID)
			good := ofPage(t, r.Good())
			assert.NotContains(t, good, r.ID)
			for id, f := range good {
				assert.Greater(t, f.Severity, lint.Security, "%s: %s", id, f.Message)
			}
		})
	}
}

// TestGoodExamplesOfPagesHaveNothingGrave: who copies one has a policy without
// an error or a finding of security, by form and by meaning.
func TestGoodExamplesOfPagesHaveNothingGrave(t *testing.T) {
	for _, r := range lint.Rules {
		for _, e := range r.Good() {
			if r.ByMeaning || e.Kind == 0 {
				continue
			}
			file := "page." + suffixes[e.Kind] + ".json"
			where := extract.Options{Account: cmp.Or(e.Options.Account, account), Region: "eu-central-1"}
			found, err := check.Text(t.Context(), file, []byte(e.Text), check.Options{Now: now, Extract: where})
			require.NoError(t, err)
			assert.Len(t, found.Policies, 1, r.ID)
			assert.Empty(t, grave(found), r.ID)
		}
	}
}

// ofPage lints the documents of an example: a policy by itself, or the world
// that they make up.
func ofPage(t *testing.T, documents []lint.Example) map[string]lint.Finding {
	t.Helper()
	require.NotEmpty(t, documents)
	if caller := documents[0].Settings["caller"]; caller != "" {
		w, err := world.Load(worldOfPage(t, documents), nil)
		require.NoError(t, err)
		found, err := analysis.CheckKey(t.Context(), w, w.Keys()[0], analysis.Options{By: caller})
		require.NoError(t, err)
		return byRule(found)
	}
	var path string
	if e := documents[0]; len(documents) == 1 && e.Kind != policy.SCP {
		path = "page." + suffixes[e.Kind] + ".json"
		directory(t, map[string]string{path: e.Text})
	} else {
		path = worldOfPage(t, documents)
	}
	r, err := check.Paths(t.Context(), []string{path}, check.Options{Now: now, Extract: extract.Options{Account: account, Region: "eu-central-1"}})
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	var found []lint.Finding
	for _, f := range r.Findings {
		found = append(found, f.Finding)
	}
	return byRule(found)
}

func byRule(found []lint.Finding) map[string]lint.Finding {
	all := map[string]lint.Finding{}
	for _, f := range found {
		if !f.Unknown {
			all[f.Rule] = f
		}
	}
	return all
}

const account = "111122223333"

var suffixes = map[policy.Kind]string{policy.Key: "key", policy.Identity: "iam", policy.Boundary: "boundary", policy.Session: "session",
	policy.SCP: "scp", policy.RCP: "rcp", policy.Endpoint: "vpce", policy.Trust: "trust"}

// worldOfPage puts the documents of an example where lint.Example says: one
// key, the role Payroll, an endpoint, the organization's root.
func worldOfPage(t *testing.T, documents []lint.Example) string {
	t.Helper()
	trust := json.RawMessage(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}}`)
	role := func() map[string]any { return map[string]any{"trust": trust} }
	payroll := role()
	key := map[string]any{"id": "1234abcd-12ab-34cd-56ef-1234567890ab", "aliases": []string{"alias/payroll"}}
	w := map[string]any{"regions": []string{"eu-central-1"}}
	for _, e := range documents {
		text := json.RawMessage(e.Text)
		switch e.Kind {
		case policy.Key:
			key["policy"] = text
		case policy.Identity:
			payroll["policies"] = map[string]any{"page": text}
		case policy.Endpoint:
			w["endpoints"] = map[string]any{"vpce-0abc1234abcd5678e": map[string]any{"account": account, "region": "eu-central-1", "vpc": "vpc-0abc1234abcd5678e", "policy": text}}
		case policy.SCP:
			w["organization"] = map[string]any{"id": "o-a1b2c3d4e5", "management-account": "777788889999", "root": map[string]any{"id": "r-ab12",
				"scps": map[string]any{"page": text}, "accounts": map[string]any{account: map[string]any{}, "777788889999": map[string]any{}}}}
		default:
			key["grants"] = map[string]any{"page": grantOfPage(t, e.Text)}
		}
	}
	accounts := map[string]any{account: map[string]any{"roles": map[string]any{"Payroll": payroll, "KeyAdmin": role()}, "keys": map[string]any{"payroll": key}}}
	if w["organization"] != nil {
		accounts["777788889999"] = map[string]any{}
	}
	w["accounts"] = accounts
	text, err := json.Marshal(w)
	require.NoError(t, err)
	directory(t, map[string]string{"world.json": string(text)})
	return "."
}

func grantOfPage(t *testing.T, text string) map[string]any {
	t.Helper()
	var g struct {
		GranteePrincipal, RetiringPrincipal string
		Operations                          []string
		Constraints                         struct{ EncryptionContextSubset map[string]string }
	}
	require.NoError(t, json.Unmarshal([]byte(text), &g))
	return map[string]any{"grantee": g.GranteePrincipal, "retiree": g.RetiringPrincipal, "operations": g.Operations, "subset": g.Constraints.EncryptionContextSubset}
}
