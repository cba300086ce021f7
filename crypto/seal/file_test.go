package seal

import (
	"bytes"
	crand "crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRootKeyIsFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	created, err := CreateRootKey(path, crand.Reader)
	require.NoError(t, err)
	sealed, err := created.Seal("test", nil, []byte("plaintext"))
	require.NoError(t, err)

	loaded, err := LoadRootKey(path)
	require.NoError(t, err)
	assert.Equal(t, created.ID(), loaded.ID())
	opened, err := loaded.Open("test", nil, sealed)
	require.NoError(t, err)
	assert.Equal(t, "plaintext", string(opened.Expose()))

	_, err = loaded.Seal("test", nil, []byte("plaintext"))
	require.NoError(t, err, "a loaded key has randomness of its own")
}

func TestRootKeyFileIsTheOwnersOnly(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		path := filepath.Join(t.TempDir(), "root.key")
		before := syscall.Umask(umask)
		_, err := CreateRootKey(path, crand.Reader)
		syscall.Umask(before)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode(), "under umask %04o", umask)
	}
}

func TestRootKeyFileIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err := CreateRootKey(path, crand.Reader)
	require.ErrorIs(t, err, fs.ErrExist)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(content))

	dangling := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "nowhere"), dangling))
	_, err = CreateRootKey(dangling, crand.Reader)
	require.ErrorIs(t, err, fs.ErrExist, "a link is not followed")
}

func TestRootKeyIsNotMadeWithoutRandomness(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	_, err := CreateRootKey(path, bytes.NewReader(make([]byte, 31)))
	require.Error(t, err)
	_, err = CreateRootKey(path, nil)
	require.Error(t, err)
	assert.NoFileExists(t, path)
}

func TestRootKeyFileThatOthersCanUseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	_, err := CreateRootKey(path, crand.Reader)
	require.NoError(t, err)
	for _, mode := range []fs.FileMode{0o601, 0o602, 0o604, 0o610, 0o640, 0o644, 0o660, 0o666, 0o700, 0o777} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = LoadRootKey(path)
		assert.ErrorContains(t, err, "run `chmod 600 "+path+"`", "mode %04o", mode)
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = LoadRootKey(path)
		assert.NoError(t, err, "mode %04o", mode)
	}
}

func TestRootKeyFileThatIsNotWholeIsRefused(t *testing.T) {
	dir := t.TempDir()
	whole := encodeRootKey(counting(0, SecretSize))
	for how, all := range damaged(whole) {
		for _, content := range all {
			_, err := decodeRootKey(content)
			require.Error(t, err, how)
			require.NotContains(t, err.Error(), "0001020304", how)
		}
	}
	tests := map[string]struct{ content, want string }{
		"empty":          {"", "does not have 102 bytes: restore it from a backup"},
		"another format": {"keyreeve-root-key-2:" + string(whole[20:]), `does not begin with "keyreeve-root-key-1:"`},
		"not hex":        {"keyreeve-root-key-1:zz" + string(whole[22:]), "has a key that is not hexadecimal"},
		"mistyped":       {"keyreeve-root-key-1:10" + string(whole[22:]), "has a wrong checksum"},
		"upper case":     {string(bytes.ToUpper(whole[:21])) + string(whole[21:]), "does not begin with"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, []byte(tt.content), 0o600))
			_, err := LoadRootKey(path)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestRootKeyFileMustBeAFile(t *testing.T) {
	_, err := LoadRootKey(t.TempDir())
	require.ErrorContains(t, err, "not a regular file")
	_, err = LoadRootKey(filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func FuzzDecodeRootKey(f *testing.F) {
	f.Add(encodeRootKey(counting(0, SecretSize)))
	f.Add([]byte(rootFilePrefix))
	f.Fuzz(func(t *testing.T, text []byte) {
		secret, err := decodeRootKey(text)
		if err == nil {
			require.Equal(t, string(text), string(encodeRootKey(secret)))
		}
	})
}
