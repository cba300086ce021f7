package engine_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// TestSetsStayWholeUnderLoad (MR-142, MR-145, MR-031): while a set rotates,
// grows and moves, whatever one key encrypts the others open, at once.
func TestSetsStayWholeUnderLoad(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, Quotas: engine.Quotas{Rotations: 1000}})
	key := b.newMultiRegion()
	b.replicate(key, europe)
	stop := make(chan struct{})
	var readers errgroup.Group
	for _, way := range [][2]string{{region, europe}, {europe, region}} {
		readers.Go(func() error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				sealed, err := b.in(way[0]).Encrypt(b.ctx, &kms.EncryptInput{KeyId: aws.String(id(key)), Plaintext: []byte("p")})
				if err != nil {
					return fmt.Errorf("encrypting in %s: %w", way[0], err)
				}
				if _, err := b.in(way[1]).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); err != nil {
					return fmt.Errorf("decrypting in %s: %w", way[1], err)
				}
			}
		})
	}
	var writers errgroup.Group
	writers.Go(func() error { return b.replicateAgain(key) })
	writers.Go(func() error {
		for range 10 {
			if err := b.rotateWherever(key); err != nil {
				return err
			}
		}
		return nil
	})
	writers.Go(func() error {
		for i := range 10 {
			to := []string{europe, region}[i%2]
			from := []string{region, europe}[i%2]
			if err := b.movePrimary(elsewhere(key, from), to); err != nil {
				return err
			}
		}
		return nil
	})
	assert.NoError(t, writers.Wait())
	close(stop)
	require.NoError(t, readers.Wait())
	here, there := b.metadata(key), b.metadata(elsewhere(key, europe))
	assert.Equal(t, here.CurrentKeyMaterialId, there.CurrentKeyMaterialId)
	assert.Equal(t, here.MultiRegionConfiguration.PrimaryKey, there.MultiRegionConfiguration.PrimaryKey)
	assert.Equal(t, here.MultiRegionConfiguration.ReplicaKeys, there.MultiRegionConfiguration.ReplicaKeys)
	require.NoError(t, b.Store.Check())
}

// rotateWherever rotates the primary of a set, which may move meanwhile.
func (b bench) rotateWherever(key string) error {
	for i := 0; ; i++ {
		at := elsewhere(key, []string{region, europe}[i%2])
		err := second(b.in(regionOf(at)).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &at}))
		if said(err) != "UnsupportedOperationException: "+at+" is not a multi-region primary key." {
			return err
		}
	}
}

// replicateAgain makes a replica in Canada, from wherever the primary is.
func (b bench) replicateAgain(key string) error {
	for i := 0; ; i++ {
		at := elsewhere(key, []string{region, europe}[i%2])
		err := second(b.in(regionOf(at)).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &at, ReplicaRegion: aws.String(canada)}))
		if said(err) != "UnsupportedOperationException: "+at+" is not a multi-region primary key." {
			return err
		}
	}
}
