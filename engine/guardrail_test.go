package engine_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/rego/guardrail"
)

func guardrailOf(t *testing.T, rule string) *guardrail.Set {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "g.rego"), []byte("package keyreeve.guardrail\n\n"+rule), 0o600))
	set, err := guardrail.LoadDir(dir)
	require.NoError(t, err)
	return set
}

// guarded starts a keyreeve whose guardrails can be replaced.
func guarded(t *testing.T, c enginetest.Config, rule string) (bench, *atomic.Pointer[guardrail.Set]) {
	t.Helper()
	t.Parallel()
	var set atomic.Pointer[guardrail.Set]
	set.Store(guardrailOf(t, rule))
	c.World, c.Guardrails = worldText, set.Load
	return start(t, c), &set
}

func TestAGuardrailRefusesAndIsToldOf(t *testing.T) {
	b, set := guarded(t, enginetest.Config{}, `deny contains "payroll data stays encrypted" if {
	input.action == "kms:Decrypt"
	input.context["kms:encryptioncontext:dept"] == ["payroll"]
}`)
	key := b.newKey("")
	context := map[string]string{"Dept": "payroll"}
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: context})
	require.NoError(t, err)
	decrypt := func() error {
		_, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context})
		return err
	}
	events, err := b.recorded(decrypt)
	code, message := failure(t, err)
	assert.Equal(t, "AccessDeniedException", code)
	assert.Contains(t, message, "is not authorized to perform: kms:Decrypt on resource: "+key+
		" with an explicit deny in a guardrail: payroll data stays encrypted")
	assert.NotEmpty(t, encodedMessage(t, err))
	require.Len(t, events, 1)
	assert.Equal(t, "AccessDenied", events[0].ErrorCode)
	line, err := events[0].JSON()
	require.NoError(t, err)
	assert.Contains(t, string(line), `"layer":"guardrail"`)

	set.Store(nil)
	require.NoError(t, decrypt(), "guardrails of now")
}

func TestAGuardrailThatFailsFailsTheCall(t *testing.T) {
	b, _ := guarded(t, enginetest.Config{Faulty: true}, `deny contains "x" if to_number(input.action) > 1`)
	_, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{})
	code, message := failure(t, err)
	assert.Equal(t, "KMSInternalException", code)
	assert.NotContains(t, message, "to_number")
	b.Stop()
	assert.Contains(t, b.Log.String(), "alarm: the guardrails have no answer")
}

// The lockout check is about the new policy alone.
func TestAGuardrailIsNoLockout(t *testing.T) {
	b, _ := guarded(t, enginetest.Config{}, `deny contains "no changes today" if input.action == "kms:PutKeyPolicy"`)
	key := b.newKey("")
	out, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &key})
	require.NoError(t, err)
	_, err = b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &key, Policy: out.Policy})
	_, message := failure(t, err)
	assert.Contains(t, message, "in a guardrail: no changes today")
}
