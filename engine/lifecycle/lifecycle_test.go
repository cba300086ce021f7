package lifecycle

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

var states = []State{Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, PendingImport, Unavailable, Creating, Updating}

// onNoKey are the operations of the model that act on no key that is there:
// KST-08.
var onNoKey = []string{
	"ConnectCustomKeyStore", "CreateCustomKeyStore", "CreateKey", "DeleteCustomKeyStore", "DescribeCustomKeyStores",
	"DisconnectCustomKeyStore", "GenerateRandom", "ListKeys", "ListRetirableGrants", "UpdateCustomKeyStore",
}

func newTable(t *testing.T) *Table {
	t.Helper()
	table, err := NewTable()
	require.NoError(t, err)
	return table
}

func TestEveryOperationHasARuleInEveryState(t *testing.T) {
	table := newTable(t)
	rows := table.Operations()
	for _, op := range wire.Operations() {
		assert.NotEqual(t, slices.Contains(onNoKey, op.Name), slices.Contains(rows, op.Name), "%s is in one of the lists", op.Name)
	}
	for _, row := range rows {
		for _, s := range states {
			if refused := table.Permit(row, arn, s); refused != nil {
				assert.Contains(t, []wire.Code{wire.Disabled, wire.KMSInvalidState}, refused.Code, "%s in %s", row, s)
			}
		}
	}
}

// said is the refusal of an operation in a state, or "ok".
func said(t *Table, operation string, s State) string {
	refused := t.Permit(operation, "KEY", s)
	if refused == nil {
		return "ok"
	}
	return string(refused.Code) + ": " + refused.Message
}

// TestWhatTheGuideTellsOfStates has the rows of the guide's table that
// surprise, and each of its footnotes once. Guide, "Key states of AWS KMS keys".
func TestWhatTheGuideTellsOfStates(t *testing.T) {
	table := newTable(t)
	for _, c := range []struct {
		name, operation string
		state           State
		want            string
	}{
		{"only enabled keys encrypt", "Encrypt", Enabled, "ok"},
		{"or such whose primary Region is moving", "Encrypt", Updating, "ok"},
		{"footnote 1", "Decrypt", Disabled, "DisabledException: KEY is disabled."},
		{"footnotes 2 and 3 (AMB-02)", "GenerateDataKey", PendingDeletion, "KMSInvalidStateException: KEY is pending deletion."},
		{"footnote 3 of a primary", "ReEncrypt", PendingReplicaDeletion, "KMSInvalidStateException: KEY is pending replica deletion."},
		{"footnote 4", "CancelKeyDeletion", Enabled, "KMSInvalidStateException: KEY is not pending deletion."},
		{"footnote 5", "DisableKey", PendingImport, "KMSInvalidStateException: KEY is pending import."},
		{"signing too (AMB-03)", "Sign", PendingImport, "KMSInvalidStateException: KEY is pending import."},
		{"footnote 10, of the key that the alias reaches", "UpdateAlias", PendingDeletion, "KMSInvalidStateException: KEY is pending deletion."},
		{"footnote 10, of the key that it leaves", "UpdateAlias/current", PendingDeletion, "ok"},
		{"footnote 11", "Encrypt", Unavailable, "KMSInvalidStateException: KEY is unavailable."},
		{"footnote 14", "Decrypt", Creating, "KMSInvalidStateException: KEY is creating."},
		{"footnote 15", "ScheduleKeyDeletion", Updating, "KMSInvalidStateException: KEY is updating."},
		{"an alias for a key that is being made (KST-12)", "CreateAlias", Creating, "ok"},
		{"its deletion", "ScheduleKeyDeletion", Creating, "ok"},
		{"a grant on an unavailable key", "CreateGrant", Unavailable, "ok"},
		{"but not on a disabled one", "CreateGrant", Disabled, "DisabledException: KEY is disabled."},
		{"a policy always", "PutKeyPolicy", PendingDeletion, "ok"},
		{"an alias can always go", "DeleteAlias", PendingReplicaDeletion, "ok"},
		{"and a grant", "RetireGrant", Creating, "ok"},
		{"two changes of the primary at once (AMB-04)", "UpdatePrimaryRegion", Updating, "KMSInvalidStateException: KEY is updating."},
	} {
		assert.Equal(t, c.want, said(table, c.operation, c.state), c.name)
	}
}

// TestWhatIsNotInTheTableIsRefused: as a fault of ours, never as a yes.
func TestWhatIsNotInTheTableIsRefused(t *testing.T) {
	table := newTable(t)
	for _, c := range []struct {
		operation string
		state     State
	}{{"Encrypt", ""}, {"Encrypt", "enabled"}, {"Cook", Enabled}, {"", ""}} {
		refused := table.Permit(c.operation, arn, c.state)
		require.NotNil(t, refused, "%s in %q", c.operation, c.state)
		assert.Equal(t, wire.KMSInternal, refused.Code)
	}
}

func TestUsageMustFit(t *testing.T) {
	for _, c := range []struct {
		operation, permission string
		usage                 spec.Usage
		want                  string
	}{
		{"Encrypt", "Encrypt", spec.EncryptDecrypt, ""},
		{"Encrypt", "Encrypt", spec.SignVerify, arn + " key usage is SIGN_VERIFY which is not valid for Encrypt."},
		{"ReEncrypt", "ReEncryptTo", spec.GenerateVerifyMAC, arn + " key usage is GENERATE_VERIFY_MAC which is not valid for ReEncrypt."},
		{"ReEncrypt", "ReEncryptFrom", spec.SignVerify, ""}, // the wrong key for the ciphertext: SYM-06
		{"Decrypt", "Decrypt", spec.SignVerify, ""},         // the same
		{"GenerateDataKeyWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", spec.KeyAgreement,
			arn + " key usage is KEY_AGREEMENT which is not valid for GenerateDataKeyWithoutPlaintext."},
		{"Sign", "Sign", spec.SignVerify, ""},
		{"VerifyMac", "VerifyMac", spec.SignVerify, arn + " key usage is SIGN_VERIFY which is not valid for VerifyMac."},
		{"DescribeKey", "DescribeKey", spec.SignVerify, ""},
	} {
		refused := Fits(c.operation, c.permission, arn, c.usage)
		if c.want == "" {
			assert.Nil(t, refused, "%s with %s", c.permission, c.usage)
			continue
		}
		require.NotNil(t, refused, "%s with %s", c.permission, c.usage)
		assert.Equal(t, wire.InvalidKeyUsage, refused.Code)
		assert.Equal(t, c.want, refused.Message)
	}
}
