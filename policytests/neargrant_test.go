package policytests_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
)

func TestFailuresTellOfGrantsThatNearlyFit(t *testing.T) {
	for name, c := range map[string]struct{ grant, near string }{
		"one for another encryption context": {"given grant nightly on key/closed to user/eve@acme for Decrypt subset dept=it",
			"near   The grant nightly fits only an encryption context that contains dept=it."},
		"one for exactly another": {"given grant nightly on key/closed to user/eve@acme for Decrypt equals dept=it",
			"near   The grant nightly fits only an encryption context that is exactly dept=it."},
		"one for another operation": {"given grant nightly on key/closed to user/eve@acme for Encrypt",
			"near   The grant nightly is for this caller, but not for Decrypt: its operations are Encrypt."},
		"one to the account":   {"given grant nightly on key/closed to root@acme for Encrypt", "near   The grant nightly is for the caller's account, but not for Decrypt"},
		"one to somebody else": {"given grant nightly on key/closed to user/bob for Encrypt", ""},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := run(t, c.grant+"\nallow user/eve@acme kms:Decrypt key/closed kms:EncryptionContext:dept=hr\n", policytests.Options{})
			require.NoError(t, err)
			require.Len(t, report.Results, 1)
			require.NotNil(t, report.Results[0].Failure)
			if text := report.Results[0].Failure.String(); c.near == "" {
				assert.NotContains(t, text, "The grant")
			} else {
				assert.Contains(t, text, c.near)
			}
		})
	}
}
