package world

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite what the archives of testdata want")

// TestRefusedWorlds loads each archive of testdata/refused; its file "want"
// holds all problems, one a line.
func TestRefusedWorlds(t *testing.T) {
	archives, err := filepath.Glob("testdata/refused/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			want := &archive.Files[len(archive.Files)-1]
			require.Equal(t, "want", want.Name)
			_, err = Load(name, nil)
			require.Error(t, err)
			var problems Problems
			require.ErrorAs(t, err, &problems)
			if *update {
				want.Data = []byte(problems.Error() + "\n")
				require.NoError(t, os.WriteFile(name, txtar.Format(archive), 0o644))
			}
			assert.Equal(t, string(want.Data), problems.Error()+"\n")
			assert.NotContains(t, problems.Error(), "secret-", "a problem tells a secret")
			assert.NotContains(t, problems.Error(), "hunter2", "a problem tells a secret")
		})
	}
}
