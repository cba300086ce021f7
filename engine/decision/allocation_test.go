//go:build !race

package decision

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The race detector allocates too, so that it cannot count.
func TestAllocationsStayFew(t *testing.T) {
	q := referenceQuestion(t)
	for _, c := range []struct {
		says   string
		config Config
		most   float64
	}{
		{"evaluated", Config{}, 750},
		{"remembered", Config{Cache: true}, 6},
	} {
		e, err := New(c.config)
		require.NoError(t, err)
		got := testing.AllocsPerRun(100, func() {
			if _, err := e.Decide(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		})
		assert.LessOrEqual(t, got, c.most, c.says)
	}
}
