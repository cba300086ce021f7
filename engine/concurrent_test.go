package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/store"
)

// atOnce makes n calls at the same time and counts their answers.
func atOnce(t *testing.T, n int, call func(i int) error) map[string]int {
	t.Helper()
	begin := make(chan struct{})
	var running sync.WaitGroup
	said := make([]string, n)
	for i := range n {
		running.Go(func() {
			<-begin
			said[i] = answered(call(i))
		})
	}
	close(begin)
	running.Wait()
	counts := map[string]int{}
	for _, s := range said {
		counts[s]++
	}
	return counts
}

// answered is the code of an answer, or "ok".
func answered(err error) string {
	var api interface{ ErrorCode() string }
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "no answer: " + err.Error()
}

// TestNothingIsEncryptedAfterDisableKeyWasAnswered: what begins when the
// answer is there, sees it.
func TestNothingIsEncryptedAfterDisableKeyWasAnswered(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	var phase atomic.Int64 // odd from the answer of DisableKey until EnableKey is asked for
	stop := make(chan struct{})
	var late, encrypted atomic.Int64
	var running errgroup.Group
	for range 4 {
		running.Go(func() error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				begun := phase.Load()
				switch err := b.encrypts(alice, key, nil)(); {
				case err == nil && begun%2 == 1 && phase.Load() == begun:
					late.Add(1)
				case err == nil:
					encrypted.Add(1)
				case answered(err) != "DisabledException":
					return err
				}
			}
		})
	}
	for range 10 {
		before := encrypted.Load()
		require.Eventually(t, func() bool { return encrypted.Load() > before }, eventually, tick, "the key is in use")
		require.NoError(t, second(b.as(alice).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &key})))
		phase.Add(1)
		for range 3 {
			assert.Equal(t, "DisabledException", answered(b.encrypts(alice, key, nil)()))
		}
		phase.Add(1)
		require.NoError(t, second(b.as(alice).EnableKey(b.ctx, &kms.EnableKeyInput{KeyId: &key})))
	}
	close(stop)
	require.NoError(t, running.Wait())
	assert.Zero(t, late.Load(), "encrypted after DisableKey was answered")
}

// TestGrantIsGoneWhenRevokeGrantWasAnswered: A-56.
func TestGrantIsGoneWhenRevokeGrantWasAnswered(t *testing.T) {
	b := newBench(t)
	key := b.newKey(aliceOnly)
	for range 10 {
		granted := b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
		require.Equal(t, "ok", answered(b.encrypts(nobody, key, nil)()))
		require.NoError(t, second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: granted.GrantId})))
		counts := atOnce(t, 4, func(int) error { return b.encrypts(nobody, key, nil)() })
		require.Equal(t, map[string]int{"AccessDeniedException": 4}, counts)
	}
}

func TestOneOfManyCreatesTheAlias(t *testing.T) {
	b := newBench(t)
	keys := []string{b.newKey(""), b.newKey("")}
	for round := range 5 {
		name := fmt.Sprintf("alias/round/%d", round)
		counts := atOnce(t, 8, func(i int) error { return b.createAlias(name, keys[i%2])() })
		assert.Equal(t, map[string]int{"ok": 1, "AlreadyExistsException": 7}, counts)
	}
	assert.Len(t, b.aliases(nil), 5)
	require.NoError(t, b.Store.Check())
}

func TestManyMakeOneNamedGrant(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	for round := range 5 {
		ids := make([]string, 8)
		counts := atOnce(t, len(ids), func(i int) error {
			out, err := b.as(alice).CreateGrant(b.ctx, &kms.CreateGrantInput{
				KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Decrypt"), Name: aws.String(fmt.Sprintf("round-%d", round)),
			})
			if err == nil {
				ids[i] = *out.GrantId
			}
			return err
		})
		assert.Equal(t, map[string]int{"ok": 8}, counts)
		for _, id := range ids {
			assert.Equal(t, ids[0], id, "all are told the same grant (A-52)")
		}
	}
	out, err := b.as(alice).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})
	require.NoError(t, err)
	assert.Len(t, out.Grants, 5)
	require.NoError(t, b.Store.Check())
}

// TestQuotasHoldUnderConcurrency: a count that is read by many at once must
// not be read as free by all of them.
func TestQuotasHoldUnderConcurrency(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Quotas: engine.Quotas{Keys: 6, AliasesPerKey: 3, GrantsPerKey: 3}})
	key := b.newKey("")
	for _, c := range []struct {
		name string
		room int
		call func(i int) error
	}{
		{"keys", 5, func(int) error { return second(b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{})) }},
		{"aliases", 3, func(i int) error { return b.createAlias(fmt.Sprintf("alias/%d", i), key)() }},
		{"grants", 3, func(int) error {
			return b.tryGrant(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Decrypt")})()
		}},
	} {
		assert.Equal(t, map[string]int{"ok": c.room, "LimitExceededException": 10 - c.room}, atOnce(t, 10, c.call), c.name)
	}
	require.NoError(t, b.Store.View(func(tx *store.Tx) error {
		n, err := tx.CountKeys(acme, region)
		assert.Equal(t, 6, n)
		return err
	}))
	require.NoError(t, b.Store.Check())
}

// TestConcurrentChangesOfOneKeyAllCount: each runs again when another was
// first, and none is lost.
func TestConcurrentChangesOfOneKeyAllCount(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	counts := atOnce(t, 8, func(i int) error {
		return second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: tags(fmt.Sprintf("tag%d", i), "v")}))
	})
	assert.Equal(t, map[string]int{"ok": 8}, counts)
	assert.Len(t, b.tagsOf(key), 8)
	assert.Len(t, b.records("TagResource"), 8, "each leaves one record, however often it ran")
}

// TestKeyBeingDeletedIsSweptOnce: the sweeper, run by many, deletes a key and
// records it once.
func TestKeyBeingDeletedIsSweptOnce(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	b.arrange(f, "PendingDeletion")
	b.Clock.Advance(30 * day)
	assert.Equal(t, map[string]int{"ok": 4}, atOnce(t, 4, func(int) error { return b.Engine.Sweep(b.ctx) }))
	assert.Len(t, b.records("DeleteKey"), 1)
	require.NoError(t, b.Store.Check())
}
