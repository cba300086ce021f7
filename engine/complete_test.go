package engine_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// TestEveryOperationIsOfferedWhole holds each operation of the model
// against all tables that an offered one stands in.
func TestEveryOperationIsOfferedWhole(t *testing.T) {
	b := newBench(t)
	states, err := lifecycle.NewTable()
	require.NoError(t, err)
	audited, withState := audit.Operations(), states.Operations()
	for _, op := range wire.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			b := bench{b.Keyreeve, t, t.Context(), b.seen}
			call, called := calls[op.Name]
			require.True(t, called, "each operation has a call in this test")
			assert.True(t, b.Engine.Offers(op.Name))
			assert.Contains(t, audited, op.Name, "row of the audit events")
			assert.True(t, onNoKey[op.Name] || slices.Contains(withState, op.Name), "row of the key state table")
			assert.True(t, slices.ContainsFunc(policy.Actions, func(a policy.Action) bool { return a.Operation == op.Name }), "row of the actions")
			f := b.newFixture("")
			b.arrange(f, ready(op.Name))
			assert.Equal(t, best(op.Name), said(call(b.ctx, b.as(alice), f)), "allow case")
			f = b.newFixture("")
			code, message := failure(t, call(b.ctx, b.as(nobody), f))
			assert.Equal(t, "AccessDeniedException", code, "deny case")
			assert.Contains(t, message, "User: "+nobodyARN+" is not authorized to perform: kms:"+op.Name, "deny case")
			b.hasRecords(op.Name)
		})
	}
	assert.Len(t, calls, 54)
}

// hasRecords makes sure that the records of an operation, allowed and
// refused, are there.
func (b bench) hasRecords(operation string) {
	b.t.Helper()
	var allowed, refused int
	for _, e := range b.records(operation) {
		switch e.ErrorCode {
		case "AccessDenied":
			refused++
		default:
			allowed++
		}
	}
	assert.Positive(b.t, allowed, "audit event of the allow case")
	assert.Positive(b.t, refused, "audit event of the deny case")
}

// TestAnswersAgreeWithTheKeyStateTable asks each operation in each state that
// a symmetric key can be in.
func TestAnswersAgreeWithTheKeyStateTable(t *testing.T) {
	b := newBench(t)
	states, err := lifecycle.NewTable()
	require.NoError(t, err)
	for _, operation := range slices.Sorted(maps.Keys(calls)) {
		if onNoKey[operation] {
			continue
		}
		for _, state := range []types.KeyState{types.KeyStateEnabled, types.KeyStateDisabled, types.KeyStatePendingDeletion} {
			f := b.newFixture("")
			b.arrangeKey(f.keyOf(operation), state)
			want := "ok"
			if refused := states.Permit(operation, f.keyOf(operation), lifecycle.State(b.describe(f.keyOf(operation)).KeyState)); refused != nil {
				want = string(refused.Code) + ": " + refused.Message
			}
			code, _ := failure(t, calls[operation](b.ctx, b.as(nobody), f))
			assert.Equal(t, "AccessDeniedException", code, "%s on a key that is %s, which only those hear who may ask (A-72)", operation, state)
			assert.Equal(t, want, said(calls[operation](b.ctx, b.as(alice), f)), "%s on a key that is %s", operation, state)
		}
	}
}

// TestDryRunEndsInAnErrorAndChangesNothing asks each operation that takes
// DryRun (Guide, "Testing your permissions").
func TestDryRunEndsInAnErrorAndChangesNothing(t *testing.T) {
	b := newBench(t)
	yes := true
	var dry []string
	for _, operation := range slices.Sorted(maps.Keys(calls)) {
		if !takes(t, operation, "DryRun") {
			continue
		}
		dry = append(dry, operation)
		f := b.newFixture("")
		f.dryRun = &yes
		before := b.contents(f)
		assert.Equal(t, "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
			said(calls[operation](b.ctx, b.as(alice), f)), "%s that would succeed", operation)
		code, _ := failure(t, calls[operation](b.ctx, b.as(nobody), f))
		assert.Equal(t, "AccessDeniedException", code, "%s that is refused", operation)
		assert.Equal(t, before, b.contents(f), "%s changes nothing", operation)
		records := b.records(operation)
		require.GreaterOrEqual(t, len(records), 2)
		assert.Equal(t, "DryRunOperationException", records[len(records)-2].ErrorCode, "%s is recorded (CT-009)", operation)

		b.arrangeKey(f.keyOf(operation), types.KeyStateDisabled)
		if operation != "RetireGrant" && operation != "RevokeGrant" {
			assert.Equal(t, "DisabledException: "+f.keyOf(operation)+" is disabled.", said(calls[operation](b.ctx, b.as(alice), f)),
				"%s on a disabled key", operation)
		}
	}
	assert.Equal(t, []string{"CreateGrant", "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt", "RetireGrant", "RevokeGrant", "Sign", "Verify",
		"VerifyMac"}, dry, "those of the guide that are offered")
}

// takes tells whether the input of an operation has a member.
func takes(t *testing.T, operation, member string) bool {
	t.Helper()
	method, known := reflect.TypeOf(&kms.Client{}).MethodByName(operation)
	require.True(t, known, "the SDK has %s", operation)
	_, has := method.Type.In(2).Elem().FieldByName(member)
	return has
}
