package engine_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// liveWorld has a user who may re-encrypt from keys in one case and to keys in
// another, and never both.
const liveWorld = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      alice:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAALICE: alice-secret}
      nobody:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:ReEncryptFrom", Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/may": from}}},
          {Effect: Allow, Action: "kms:ReEncryptTo", Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/may": to}}},
          {Effect: Allow, Action: "kms:ReEncrypt*", Resource: "*", Condition: {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/may"}}},
          {Effect: Allow, Action: "kms:Sign", Resource: "*"}]}}
        access-keys: {AKIANOBODY: nobody-secret}
`

// A live case is a change of something that two checks of one call read: under
// the one state the first is refused, under the other the second, or neither.
type live struct {
	name   string
	config enginetest.Config
	// set up with the two keys of the calls; what it returns brings about a
	// state, 0 or 1, and returns when that is acknowledged. It is in state 0
	// when it was set up.
	prepare func(b bench, keys [2]string) func(state int)
	want    [2]string
}

const refusedFrom, refusedTo = "refused ReEncryptFrom", "refused ReEncryptTo"

var lives = []live{
	{
		name: "a key policy", want: [2]string{refusedTo, refusedFrom},
		prepare: func(b bench, keys [2]string) func(int) {
			put := func(state int) {
				action := []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"}[state]
				policy := strings.Replace(aliceOnly, "]}", `,{"Effect":"Allow","Principal":{"AWS":"`+nobodyARN+`"},"Action":"`+action+`","Resource":"*"}]}`, 1)
				require.NoError(b.t, second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &keys[0], Policy: &policy})))
			}
			put(0)
			return put
		},
	},
	{
		name: "a grant", want: [2]string{refusedFrom, "ok"},
		prepare: func(b bench, keys [2]string) func(int) {
			var id *string
			return func(state int) {
				if state == 0 {
					require.NoError(b.t, second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &keys[0], GrantId: id})))
					return
				}
				id = b.give(alice, kms.CreateGrantInput{
					KeyId: &keys[0], GranteePrincipal: aws.String(nobodyARN), Operations: operations("ReEncryptFrom", "ReEncryptTo"),
				}).GrantId
			}
		},
	},
	{
		name: "a tag", want: [2]string{refusedTo, refusedFrom},
		prepare: func(b bench, keys [2]string) func(int) {
			set := func(state int) {
				value := []string{"from", "to"}[state]
				require.NoError(b.t, second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &keys[0], Tags: tags("may", value)})))
			}
			set(0)
			return set
		},
	},
	{
		name: "an alias", want: [2]string{refusedTo, refusedFrom},
		prepare: func(b bench, keys [2]string) func(int) {
			require.NoError(b.t, b.createAlias("alias/may", keys[0])())
			return func(state int) {
				require.NoError(b.t, second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/may"), TargetKeyId: &keys[state]})))
			}
		},
	},
	{
		name: "the world", want: [2]string{refusedTo, refusedFrom},
		config: enginetest.Config{World: strings.Replace(liveWorld, "kms:Sign", "kms:ReEncryptFrom", 1), Watch: true},
		prepare: func(b bench, _ [2]string) func(int) {
			return func(state int) {
				before := b.World().Digest()
				edits := [2]string{`kms:ReEncryptFrom", Resource: "*"}`, `kms:ReEncryptTo", Resource: "*"}`}
				b.EditWorld(edits[1-state], edits[state])
				require.Eventually(b.t, func() bool { return b.World().Digest() != before }, eventually, tick, "the world is taken up")
			}
		},
	},
}

// TestChangesUnderLoadAreSeenWholeAndAtOnce: every answer is that of one state
// which held while the call was under way; one that held for all of it is the
// only one.
func TestChangesUnderLoadAreSeenWholeAndAtOnce(t *testing.T) {
	for _, c := range lives {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.config.World == "" {
				c.config.World = liveWorld
			}
			b := start(t, c.config)
			keys := [2]string{b.newKey(""), ""}
			keys[1] = keys[0]
			if c.name == "an alias" {
				keys[1] = b.newKey("")
			}
			b.underLoad(c, c.prepare(b, keys), b.reEncrypts(keys))
		})
	}
}

// reEncrypts makes a call whose two checks read the two keys, and says how it
// was answered.
func (b bench) reEncrypts(keys [2]string) func() string {
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &keys[0], Plaintext: []byte("p")})
	require.NoError(b.t, err)
	return func() string {
		_, err := b.as(nobody).ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: sealed.CiphertextBlob, DestinationKeyId: &keys[1]})
		text := said(err)
		for _, action := range []string{"ReEncryptFrom", "ReEncryptTo"} {
			if strings.Contains(text, "not authorized to perform: kms:"+action+" ") {
				return "refused " + action
			}
		}
		return text
	}
}

// underLoad changes the state to and fro while the call is made by many.
func (b bench) underLoad(c live, set func(state int), call func() string) {
	var asked, acknowledged, calls atomic.Int64 // of changes; the state is the number modulo 2
	var wrong atomic.Bool                       // ends it all
	stop := make(chan struct{})
	var running errgroup.Group
	for range 3 {
		running.Go(func() error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				first := acknowledged.Load()
				got := call()
				last := asked.Load()
				if got != c.want[first%2] && (last == first || got != c.want[1-first%2]) {
					wrong.Store(true)
					return fmt.Errorf("%s: %q between the changes %d and %d", c.name, got, first, last)
				}
				calls.Add(1)
			}
		})
	}
	for change := range int64(10) {
		before := calls.Load()
		goOn := func() bool { return wrong.Load() || calls.Load() > before+3 }
		if !assert.Eventually(b.t, goOn, eventually, tick, "calls go on") || wrong.Load() {
			break
		}
		asked.Add(1)
		set(int(change+1) % 2)
		acknowledged.Add(1)
		assert.Equal(b.t, c.want[(change+1)%2], call(), "%s: after change %d", c.name, change)
	}
	close(stop)
	require.NoError(b.t, running.Wait())
}
