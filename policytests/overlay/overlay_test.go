package overlay_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/overlay"
)

func TestWhatIsOpenGoesBeforeWhatIsSaved(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "world.yaml")
	require.NoError(t, os.WriteFile(name, []byte(`accounts: {"111122223333": {users: {saved: {}}}}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.txt"), []byte("other"), 0o600))
	open := overlay.Texts(func(file string) ([]byte, bool) {
		return []byte(`accounts: {"111122223333": {users: {open: {}}}}`), file == name
	})

	w, err := open.World(dir)
	require.NoError(t, err)
	assert.Contains(t, w.Principals(), "arn:aws:iam::111122223333:user/open")
	text, err := fs.ReadFile(open.Dir(dir), "other.txt")
	require.NoError(t, err)
	assert.Equal(t, "other", string(text))
	info, err := fs.Stat(open.Dir(dir), "world.yaml")
	require.NoError(t, err)
	assert.False(t, info.IsDir())
	_, err = open.Dir(dir).Open("../world.yaml")
	assert.Error(t, err)

	w, err = overlay.Texts(nil).World(dir)
	require.NoError(t, err)
	assert.Contains(t, w.Principals(), "arn:aws:iam::111122223333:user/saved")
}

func TestAnArchiveThatIsOpen(t *testing.T) {
	open := overlay.Texts(func(string) ([]byte, bool) {
		return []byte("-- world.yaml --\naccounts: {\"111122223333\": {}}\n"), true
	})
	w, err := open.World("a.txtar")
	require.NoError(t, err)
	assert.Len(t, w.Accounts(), 1)
	_, err = overlay.Texts(nil).Files(filepath.Join(t.TempDir(), "none.txtar"))
	assert.Error(t, err)
}
