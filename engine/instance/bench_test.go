package instance_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/store"
)

const (
	manyKeys = 100_000
	perWrite = 200
)

const smallWorld = `-- world.yaml --
version: 1
regions: [us-east-1]
accounts:
  "111122223333":
    root:
      access-keys: {AKIAROOT: root-secret}
`

// BenchmarkOpen is the start of an instance that holds 100,000 keys, to the
// moment at which it can answer.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	world := filepath.Join(dir, "world.txtar")
	require.NoError(b, os.WriteFile(world, []byte(smallWorld), 0o600))
	fill(b, dir)
	for b.Loop() {
		i, err := instance.Open(instance.Config{Dir: dir, World: world})
		require.NoError(b, err)
		require.NoError(b, i.Ready())
		require.NoError(b, i.Close())
	}
}

// fill writes keys with the policy and material of ordinary ones.
func fill(b *testing.B, dir string) {
	b.Helper()
	root, err := seal.CreateRootKey(filepath.Join(dir, "root.key"), rand.Reader)
	require.NoError(b, err)
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "store"), Root: root})
	require.NoError(b, err)
	for n := 0; n < manyKeys; n += perWrite {
		require.NoError(b, s.Update(func(tx *store.Tx) error { return someKeys(tx, n) }))
	}
	require.NoError(b, s.Close())
}

func someKeys(tx *store.Tx, n int) error {
	for i := range perWrite {
		err := tx.PutKey(store.Key{
			Addr: store.KeyAddr{Account: "111122223333", Region: "us-east-1", ID: uuid.NewString()},
			Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS", State: "Enabled", Manager: "CUSTOMER",
			Created: time.Now(), Policy: store.Policy{Text: fmt.Sprintf("{%q: %d}", "Id", n+i)},
			Materials: []store.Material{{ID: fmt.Sprintf("%064x", n+i), Ref: store.MaterialRef{Provider: "software", Sealed: make([]byte, 100)}}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
