package world

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzLoad holds that any archive is a world or a list of problems, in which
// no secret stands, and that a world that loads once loads again.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.txtar")
	require.NoError(f, err)
	refused, err := filepath.Glob("testdata/refused/*.txtar")
	require.NoError(f, err)
	for _, name := range append(seeds, refused...) {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		src, err := readArchive(text)
		if err != nil {
			return
		}
		w, err := newLoader(src).load(nil)
		if err != nil {
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.NotEmpty(t, problems)
			return
		}
		again, err := newLoader(src).load(nil)
		require.NoError(t, err)
		require.Equal(t, w.Principals(), again.Principals())
		for _, p := range w.byARN {
			id, ok := w.UniqueID(p.PrincipalARN())
			require.True(t, ok)
			require.Equal(t, p.PrincipalID(), id)
		}
	})
}
