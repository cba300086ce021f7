package lint_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// TestFixesRemoveTheirFinding makes each fix of each bad example by itself.
func TestFixesRemoveTheirFinding(t *testing.T) {
	var fixed []string
	for _, r := range lint.Rules {
		for _, e := range r.Bad() {
			for _, f := range e.Check() {
				for _, fix := range f.Fixes {
					fixed = append(fixed, f.Rule)
					after := e
					after.Text = string(fix.Apply([]byte(e.Text)))
					assert.NotContains(t, ids(after.Check()), f.Rule, "%s: %s\n%s", r.ID, fix.Title, after.Text)
				}
			}
		}
	}
	slices.Sort(fixed)
	assert.GreaterOrEqual(t, len(slices.Compact(fixed)), 34, "rules with a fix")
}

func ids(found []lint.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.Rule)
	}
	return all
}

func TestFixesKeepTheCommasOfListsAndObjects(t *testing.T) {
	for name, row := range map[string]struct{ before, after string }{
		"the first element": {`["kms:Decrypt", "kms:*"]`, `["kms:*"]`},
		"the last element":  {`["kms:*", "kms:Decrypt"]`, `["kms:*"]`},
		"one between":       {`["kms:*",  "kms:Decrypt",  "s3:*"]`, `["kms:*",  "s3:*"]`},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(actions string) string {
				return `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Resource": "*", "Action": ` + actions + `}}`
			}
			found, _ := lint.CheckText(policy.Identity, []byte(text(row.before)), lint.Options{})
			require.Equal(t, []string{"REDUNDANT_ACTION"}, ids(found))
			assert.Equal(t, text(row.after), string(found[0].Fixes[0].Apply([]byte(text(row.before)))))
		})
	}
}

func TestWhatIsMerelyLikelyIsSaidAndNotPutInPlace(t *testing.T) {
	for resource, row := range map[string]struct {
		suggestion string
		fixes      int
	}{
		"arn:aws:kms:eu-centrall-1:111122223333:key/a": {"arn:aws:kms:eu-central-1:111122223333:key/a", 1},
		"arn:aws:kms:eu-central-3:111122223333:key/a":  {"arn:aws:kms:eu-central-1:111122223333:key/a", 0},
		"arn:aws:kms:atlantis-9:111122223333:key/a":    {"", 0},
	} {
		found, _ := lint.CheckText(policy.Identity, []byte(in(inUser, `"Action": "kms:Decrypt", "Resource": "`+resource+`"`)), lint.Options{})
		require.Len(t, found, 1, resource)
		assert.Equal(t, row.suggestion, found[0].Suggestion)
		assert.Len(t, found[0].Fixes, row.fixes)
	}
}

func TestAQualifierThatAnotherKeyNeedsStays(t *testing.T) {
	text := in(inUser, `"Action": "kms:Decrypt", `+anyKeys+`, "Condition": {"ForAllValues:StringEquals": {"kms:CallerAccount": "111122223333", "kms:ResourceAliases": "alias/a"}}`)
	found, _ := lint.CheckText(policy.Identity, []byte(text), lint.Options{})
	require.Equal(t, []string{"FORALLVALUES_WITH_SINGLE_VALUED_KEY", "KR_FORALLVALUES_NO_NULL_CHECK"}, ids(found))
	assert.Empty(t, found[0].Fixes)
}

func TestAMissingVersionIsAddedInTheLayoutOfThePolicy(t *testing.T) {
	before := "{\n    \"Id\": \"x\",\n    \"Statement\": {\"Effect\": \"Deny\", \"Action\": \"kms:*\", \"Resource\": \"*\"}\n}"
	found, _ := lint.CheckText(policy.Identity, []byte(before), lint.Options{})
	require.Equal(t, []string{"MISSING_VERSION"}, ids(found))
	assert.Equal(t, "{\n    \"Version\": \"2012-10-17\",\n    \"Id\": \"x\",\n    \"Statement\": {\"Effect\": \"Deny\", \"Action\": \"kms:*\", \"Resource\": \"*\"}\n}",
		string(found[0].Fixes[0].Apply([]byte(before))))
}
