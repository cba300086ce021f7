package policytests_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
)

func TestWhatWouldHaveBeenNearTellsHowValuesMustMatch(t *testing.T) {
	for operator, row := range map[string]struct {
		actual []string
		want   string
	}{
		"StringEquals":                 {[]string{"alias/a"}, "wanted alias/b, was alias/a"},
		"ForAllValues:StringEquals":    {[]string{"alias/a", "alias/b"}, "wanted alias/b, was alias/a alias/b, and not every value is among those wanted"},
		"ForAnyValue:StringLike":       {[]string{"alias/a", "alias/c"}, "wanted alias/b, was alias/a alias/c"},
		"StringNotEqualsIfExists":      {[]string{"alias/b"}, "wanted none of alias/b, was alias/b"},
		"ForAnyValue:StringNotEquals":  {[]string{"alias/b"}, "wanted none of alias/b, was alias/b"},
		"ForAllValues:stringnotequals": {[]string{"alias/a", "alias/b"}, "wanted none of alias/b, was alias/a alias/b"},
		"ForAllValues:ArnLikeIfExists": {nil, "wanted alias/b, was absent"},
		"ForAllValues:ArnLike":         {[]string{"alias/c"}, "wanted alias/b, was alias/c"},
	} {
		t.Run(operator, func(t *testing.T) {
			near := policytests.Near(decision.NearestMiss{Operator: operator, Key: "kms:ResourceAliases", Wanted: []string{"alias/b"}, Actual: row.actual})
			assert.Contains(t, near, operator+" kms:ResourceAliases: "+row.want)
		})
	}
}
