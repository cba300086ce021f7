package seal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCodeIsOfItsParts(t *testing.T) {
	code := func(root *RootKey, purpose string, parts ...string) [CodeSize]byte {
		t.Helper()
		b := make([][]byte, len(parts))
		for i, p := range parts {
			b[i] = []byte(p)
		}
		c, err := root.Code(purpose, b...)
		require.NoError(t, err)
		return c
	}
	root := newRoot(t, 0)
	want := code(root, "marker", "key 1", "b")
	assert.Equal(t, want, code(newRoot(t, 0), "marker", "key 1", "b"), "the same again, after a restart too")
	seen := map[[CodeSize]byte]string{want: "itself"}
	for how, got := range map[string][CodeSize]byte{
		"another root key":                     code(newRoot(t, 1), "marker", "key 1", "b"),
		"another purpose":                      code(root, "markers", "key 1", "b"),
		"another part":                         code(root, "marker", "key 2", "b"),
		"parts divided differently":            code(root, "marker", "key ", "1b"),
		"parts as one":                         code(root, "marker", "key 1b"),
		"an empty part more":                   code(root, "marker", "key 1", "b", ""),
		"no part":                              code(root, "marker"),
		"what purposes and parts share, moved": code(root, "markerkey 1", "b"),
	} {
		assert.Empty(t, seen[got], how)
		seen[got] = how
	}
	_, err := root.Code("", nil)
	assert.Error(t, err, "without a purpose")
}
