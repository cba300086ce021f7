package analysis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// TestACheckEndsInTime gives the search more combinations of patterns than it
// can go through.
func TestACheckEndsInTime(t *testing.T) {
	var list []string
	for i := range 12 {
		var values []string
		for j := range 4 {
			values = append(values, fmt.Sprintf("*%c*%c?%c*", 'a'+i, 'b'+j, 'c'+(i*j)%7))
		}
		list = append(list, says([]string{"Allow", "Deny"}[i%2], `"*"`, `"kms:*"`, fmt.Sprintf(`{"StringLike":{"kms:EncryptionContext:k%d":["%s"],"aws:PrincipalTag/a":["%s"]}}`,
			i%3, strings.Join(values, `","`), strings.Join(values, `","`))))
	}
	d := parse(t, policy.Key, full(strings.Join(list, ",")))
	start := time.Now()
	u, err := OfDocument(Loose{Document: d}, Config{})
	require.NoError(t, err)
	found, err := Check(t.Context(), u, Options{Limit: 200 * time.Millisecond})
	require.NoError(t, err)
	assert.Less(t, time.Since(start), 20*time.Second)
	unknown := 0
	for _, f := range found {
		if f.Unknown {
			unknown++
			assert.NotEmpty(t, f.Message)
		}
	}
	assert.NotZero(t, unknown, "what could not be looked at is unknown")
	t.Log(time.Since(start), ids(found))
}
