package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
)

func TestEveryPageHasWhatWhyBadGoodAndHowToSuppress(t *testing.T) {
	for _, r := range lint.Rules {
		page := r.Page()
		at := 0
		for _, heading := range []string{"# " + r.ID + "\n", "## What\n", "## Why\n", "## Bad\n", "## Good\n", "## How to suppress\n"} {
			i := strings.Index(page[at:], heading)
			require.GreaterOrEqual(t, i, 0, "%s has no %q in its place", r.ID, heading)
			at += i
		}
		assert.NotEmpty(t, r.Bad(), r.ID)
		assert.NotEmpty(t, r.Good(), r.ID)
	}
}

// TestBadExamplesProvokeTheirRuleAlone also holds good examples to having no
// finding at all. Rules by meaning are tested where they are found; their
// examples have no error of form.
func TestBadExamplesProvokeTheirRuleAlone(t *testing.T) {
	for _, r := range lint.Rules {
		t.Run(r.ID, func(t *testing.T) {
			for _, e := range r.Good() {
				assert.Empty(t, told(e.Check()), "good")
			}
			if r.ByMeaning {
				for _, e := range r.Bad() {
					assert.NotContains(t, told(e.Check()), "error", "bad")
				}
				return
			}
			for _, e := range r.Bad() {
				found := e.Check()
				require.NotEmpty(t, found, "bad")
				for _, f := range found {
					assert.Equal(t, r.ID, f.Rule, "bad: %s", f.Message)
					assert.True(t, e.Kind == 0 && r.Grants || r.On(e.Kind), "the example is of a kind that the rule looks at")
				}
			}
		})
	}
}

// told are the findings in words, one each.
func told(found []lint.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.Severity.String()+" "+f.Rule+" "+f.Message)
	}
	return slices.Compact(all)
}
