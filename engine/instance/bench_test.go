package instance_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/engine/server"
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

// BenchmarkEncrypt is Encrypt of 32 bytes over HTTP with all on, as serve has
// it, signed and sent by the SDK in the same process, at two concurrencies.
// The share of authorization is in the CPU profile: Scope.authorize within
// http.conn.serve.
func BenchmarkEncrypt(b *testing.B) {
	url, key := serving(b)
	client := clientOf(url)
	in := &kms.EncryptInput{KeyId: &key, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"dept": "finance"}}
	for _, concurrency := range []int{1, 16} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			b.ReportAllocs()
			var calls atomic.Int64
			var workers sync.WaitGroup
			b.ResetTimer()
			for range concurrency {
				workers.Go(func() {
					for calls.Add(1) <= int64(b.N) {
						if _, err := client.Encrypt(b.Context(), in); err != nil {
							b.Error(err)
						}
					}
				})
			}
			workers.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// serving starts an instance on a socket, and makes a key in it.
func serving(b testing.TB) (url, key string) {
	b.Helper()
	dir := b.TempDir()
	world := filepath.Join(dir, "world.txtar")
	require.NoError(b, os.WriteFile(world, []byte(smallWorld), 0o600))
	i, err := instance.Open(instance.Config{
		Dir: filepath.Join(dir, "data"), World: world, Create: true, Decisions: decision.Config{Cache: true, VerifyEvery: 1000},
	})
	require.NoError(b, err)
	s, err := server.New(server.Config{Handler: i.Engine.Serve})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running errgroup.Group
	running.Go(func() error { return s.Run(ctx) })
	running.Go(func() error { return i.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		require.NoError(b, running.Wait())
		require.NoError(b, i.Close())
	})
	created, err := clientOf(s.URL()).CreateKey(ctx, &kms.CreateKeyInput{})
	require.NoError(b, err)
	return s.URL(), *created.KeyMetadata.Arn
}

func clientOf(url string) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAROOT", "root-secret", ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	})
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
