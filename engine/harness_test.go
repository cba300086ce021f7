package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/store"
)

// said is what the service answered, as "Code: message", or "ok".
func said(err error) string {
	if err == nil {
		return "ok"
	}
	var api smithy.APIError
	switch {
	case !errors.As(err, &api):
		return "no answer: " + err.Error()
	case api.ErrorMessage() == "":
		return api.ErrorCode()
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

// An ask is a row of a table of calls: a sentence, the call, and what must be
// answered.
type ask struct {
	name string
	call func() error
	want string
}

func answers(t *testing.T, asks []ask) {
	t.Helper()
	for _, a := range asks {
		assert.Equal(t, a.want, said(a.call()), a.name)
	}
}

// events are the audit events behind a place in the log, in their order, and
// the place behind them.
func (b bench) events(after store.Seq) ([]audit.Event, store.Seq) {
	b.t.Helper()
	stored, err := b.Store.Events(after, 100_000)
	require.NoError(b.t, err)
	events := make([]audit.Event, len(stored))
	for i, s := range stored {
		require.NoError(b.t, json.Unmarshal(s.Data, &events[i]))
		after = s.Seq
	}
	return events, after
}

// recorded are the events that a call leaves.
func (b bench) recorded(call func() error) ([]audit.Event, error) {
	b.t.Helper()
	_, *b.seen = b.events(*b.seen)
	err := call()
	var events []audit.Event
	events, *b.seen = b.events(*b.seen)
	return events, err
}

// contents is what the store holds of a fixture's keys and of the keys of acme.
func (b bench) contents(f fixture) string {
	b.t.Helper()
	var all []any
	err := b.Store.View(func(tx *store.Tx) error {
		keys, _, err := tx.KeysOf(acme, region, "", 1000)
		if err != nil {
			return err
		}
		aliases, _, err := tx.AliasesOf(acme, region, "", 1000)
		if err != nil {
			return err
		}
		grants, _, err := tx.GrantsOf(store.KeyAddr{Account: acme, Region: region, ID: id(f.key)}, "", 1000)
		all = append(all, keys, aliases, grants)
		return err
	})
	require.NoError(b.t, err)
	text, err := json.Marshal(all)
	require.NoError(b.t, err)
	return string(text)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// hidden is the answer to a ciphertext whose key the caller may not know of
//
const hidden = "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."

// listedKeys are the ARNs of acme's keys, in no order.
func (b bench) listedKeys() []string {
	b.t.Helper()
	out, err := b.as(alice).ListKeys(b.ctx, &kms.ListKeysInput{})
	require.NoError(b.t, err)
	arns := make([]string, len(out.Keys))
	for i, k := range out.Keys {
		arns[i] = *k.KeyArn
	}
	return arns
}

// addGrants puts n grants on a key, past the API.
func (b bench) addGrants(addr store.KeyAddr, n int) {
	b.t.Helper()
	for first := 0; first < n; first += 100 {
		require.NoError(b.t, b.Store.Update(func(tx *store.Tx) error {
			for i := first; i < min(n, first+100); i++ {
				err := tx.PutGrant(store.Grant{
					ID: fmt.Sprintf("%064x", i), Key: addr, Created: b.Clock.Now(), IssuingAccount: acme, Grantee: aliceARN,
					GranteeID: "user/AIDAEXAMPLE", GranteeAccount: acme, Operations: []string{"Decrypt"},
				})
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// assume takes on a role.
func (b bench) assume(who enginetest.Keys, role, session string, change ...func(*sts.AssumeRoleInput)) enginetest.Keys {
	b.t.Helper()
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session}
	for _, f := range change {
		f(in)
	}
	out, err := b.STS(who, region).AssumeRole(b.ctx, in)
	require.NoError(b.t, err)
	return keysOf(out.Credentials)
}

func keysOf(c *ststypes.Credentials) enginetest.Keys {
	return enginetest.Keys{ID: *c.AccessKeyId, Secret: *c.SecretAccessKey, Token: *c.SessionToken}
}

// withPolicy brings a session policy.
func withPolicy(text string) func(*sts.AssumeRoleInput) {
	return func(in *sts.AssumeRoleInput) { in.Policy = &text }
}

// How long and how often a test asks whether something has become so.
const (
	eventually = 20 * time.Second
	tick       = 5 * time.Millisecond
)
