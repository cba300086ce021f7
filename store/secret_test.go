package store

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
)

// TestFilesHoldNoSecret gives the store secrets the way its callers do, and
// then searches every byte of its files and of its log for them.
func TestFilesHoldNoSecret(t *testing.T) {
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "root.key")
	root, err := seal.CreateRootKey(path, rand.Reader)
	require.NoError(t, err)
	c := testConfig(t)
	c.Root = root
	c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := open(t, quiet(c))

	material, token := make([]byte, 32), rand.Text()
	_, err = rand.Read(material)
	require.NoError(t, err)
	sealed, err := root.Seal("test/material", []byte("k"), material)
	require.NoError(t, err)
	update(t, s, func(tx *Tx) error {
		k := testKey("visible-key-id")
		k.Materials = []Material{{ID: "m", Created: testTime, Ref: MaterialRef{Provider: "software", ID: "m", Sealed: sealed}}}
		require.NoError(t, tx.PutKey(k))
		g := testGrant(k.Addr, "g")
		g.Tokens = []TokenDigest{DigestToken(token)}
		return tx.PutGrant(g)
	})
	secrets := map[string][]byte{"material": material, "grant token": []byte(token), "root key": rootSecret(t, path)}
	control := map[string][]byte{"key id": []byte("visible-key-id")}
	search := func(when string) {
		files := storedBytes(t, c.Dir)
		files["log"] = log.Bytes()
		assert.Empty(t, found(files, secrets), when)
		assert.NotEmpty(t, found(files, control), "%s: the search must find what is there", when)
	}
	search("while open")
	require.NoError(t, s.repack(t.Context()))
	search("packed")
	require.NoError(t, s.Close())
	search("closed")
}

// rootSecret is the secret in a root key file: its longest run of hexadecimal digits.
func rootSecret(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	secret := []byte{}
	for _, run := range regexp.MustCompile(`([0-9a-f]{2})+`).FindAll(content, -1) {
		if raw, err := hex.DecodeString(string(run)); err == nil && len(raw) > len(secret) {
			secret = raw
		}
	}
	require.GreaterOrEqual(t, len(secret), seal.SecretSize)
	return secret
}

func storedBytes(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	}))
	return files
}

// found lists where one of the secrets stands, raw or as text.
func found(files map[string][]byte, secrets map[string][]byte) (places []string) {
	for name, secret := range secrets {
		text, _ := json.Marshal(string(secret)) // a string has an encoding
		forms := map[string][]byte{
			"raw":    secret,
			"hex":    []byte(hex.EncodeToString(secret)),
			"base64": []byte(base64.RawStdEncoding.EncodeToString(secret)),
			"url":    []byte(base64.RawURLEncoding.EncodeToString(secret)),
			"JSON":   text,
		}
		for form, needle := range forms {
			for path, content := range files {
				if bytes.Contains(content, needle) {
					places = append(places, name+" as "+form+" in "+path)
				}
			}
		}
	}
	return places
}
