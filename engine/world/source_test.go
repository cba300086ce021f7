package world

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unpack writes an archive to a directory.
func unpack(t *testing.T, name string) string {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	require.NoError(t, err)
	dir := t.TempDir()
	for _, f := range archive.Files {
		to := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
		require.NoError(t, os.WriteFile(to, f.Data, 0o600))
	}
	return dir
}

func TestDirectoryAndArchiveAreTheSameWorld(t *testing.T) {
	dir := unpack(t, "testdata/two-accounts.txtar")
	w, err := Load(dir, nil)
	require.NoError(t, err)
	assert.Equal(t, load(t).Digest(), w.Digest())
	embedded, err := LoadFS(os.DirFS(dir), nil)
	require.NoError(t, err)
	assert.Equal(t, w.Digest(), embedded.Digest())
}

func TestDigestTellsVersionsApart(t *testing.T) {
	digest := func(files fstest.MapFS) string {
		src, err := readFS(files)
		require.NoError(t, err)
		return src.digest()
	}
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	one := digest(fstest.MapFS{"a.yaml": file("x")})
	assert.Equal(t, one, digest(fstest.MapFS{"a.yaml": file("x"), "README.md": file("y"), ".git/a.yaml": file("z"), ".a.yaml": file("z"),
		"b.cases.yaml": file("z"), "b.cases.json": file("z"), "b.cases.yml": file("z")}))
	for name, files := range map[string]fstest.MapFS{
		"other content":     {"a.yaml": file("y")},
		"other name":        {"b.yaml": file("x")},
		"one more":          {"a.yaml": file("x"), "p.json": file("{}")},
		"a different split": {"a.yamlx": file("x"), "a.yaml": file("")},
		"nothing":           {},
	} {
		assert.NotEqual(t, one, digest(files), name)
	}
}

func TestLinksMayNotLeaveTheWorld(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "use.json")
	require.NoError(t, os.WriteFile(outside, []byte("{}"), 0o600))
	dir := write(t, t.TempDir(), withBob)
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "use.json")))
	_, err := Load(dir, nil)
	require.Error(t, err)
}

// A Kubernetes volume shows each file as a link into a hidden directory.
func TestLinksInsideTheWorldAreFollowed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "..v1"), 0o700))
	write(t, filepath.Join(dir, "..v1"), withBob)
	require.NoError(t, os.Symlink("..v1", filepath.Join(dir, "..data")))
	require.NoError(t, os.Symlink("..data/world.yaml", filepath.Join(dir, "world.yaml")))
	w, err := Load(dir, nil)
	require.NoError(t, err)
	assert.Len(t, w.Principals(), 1)
}

func TestSizesAreBounded(t *testing.T) {
	large := bytes.Repeat([]byte("#"), maxFile+1)
	_, err := LoadFS(fstest.MapFS{"a.yaml": {Data: large}}, nil)
	require.ErrorContains(t, err, "a.yaml: larger than")
	s := &source{files: map[string][]byte{}, size: maxTotal}
	require.ErrorContains(t, s.add("b.yaml", []byte("x")), "b.yaml: with this file")
}

func TestWhatIsNoWorld(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "world.txt")
	require.NoError(t, os.WriteFile(text, nil, 0o600))
	for name, path := range map[string]string{
		"a path that does not exist":   filepath.Join(dir, "absent"),
		"a file that is no archive":    text,
		"a directory without accounts": dir,
	} {
		_, err := Load(path, nil)
		require.Error(t, err, name)
	}
}

func TestWhatIsNoFileIsRefusedWithoutOpeningIt(t *testing.T) {
	dir := write(t, t.TempDir(), withBob)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600))
	_, err := Load(dir, nil)
	require.ErrorContains(t, err, "pipe.yaml: not a regular file")
}

func TestArchiveNamesMayNotLeaveTheWorld(t *testing.T) {
	for _, text := range []string{
		"-- ../world.yaml --\n", "-- /etc/world.yaml --\n", "-- a.yaml --\n-- ./a.yaml --\n",
	} {
		_, err := readArchive([]byte(text))
		require.Error(t, err, text)
	}
}

func TestWorldMayBeJSON(t *testing.T) {
	for name, text := range map[string]string{
		"indented with tabs": "{\n\t\"accounts\": {\n\t\t\"111122223333\": {\n\t\t\t\"users\": {\n\t\t\t\t\"bob\": {\n\t\t\t\t\t\"tags\": {\n\t\t\t\t\t\t\"a\": \"b\"\n\t\t\t\t\t}\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}\n",
		"on one line":        `{"accounts":{"111122223333":{"users":{"bob":{"tags":{"a":"b"}}}}}}`,
		"with escapes":       `{"accounts":{"111122223333":{"users":{"bob":{"path":"\/staff\/","tags":{"a":"\u0062"}}}}}}`,
	} {
		w, err := LoadFS(fstest.MapFS{"world.json": {Data: []byte(text)}}, nil)
		require.NoError(t, err, name)
		account, _ := w.Account("111122223333")
		assert.Equal(t, map[string]string{"a": "b"}, account.Users[0].Tags, name)
	}
}

func TestPlacesInJSON(t *testing.T) {
	text := "{\n  \"accounts\": {\n    \"111122223333\": {\"name\": [1],\n      \"é\" : 1, \"name\": null}\n  }\n}\n"
	_, err := LoadFS(fstest.MapFS{"world.json": {Data: []byte(text)}}, nil)
	require.EqualError(t, err, "world.json:3:30: accounts.111122223333.name: a list where a text belongs\n"+
		"world.json:4:7: accounts.111122223333.é: unknown field; known here: access-keys, federated-users, groups, keys, managed-policies, name, regions, roles, root, users, web-identities\n"+
		"world.json:4:16: accounts.111122223333.name: stands twice in the same mapping")
	_, err = LoadFS(fstest.MapFS{"world.json": {Data: []byte(strings.Repeat("[", 100) + strings.Repeat("]", 100))}}, nil)
	require.ErrorContains(t, err, "world.json:1:1: nested too deeply")
}

func TestLongLinesAndListsTakeNoLongTime(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"accounts": {"111122223333": {"keys": {"k": {"aliases": [`)
	for i := range 60_000 {
		fmt.Fprintf(&b, `"alias/%d",`, i)
	}
	b.WriteString(`"alias/last"]}}}}}`)
	_, err := LoadFS(fstest.MapFS{"world.json": {Data: []byte(b.String())}}, nil)
	require.EqualError(t, err, "world.json:1:46: accounts.111122223333.keys.k: more than 50 aliases")
}
