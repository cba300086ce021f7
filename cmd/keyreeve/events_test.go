package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
)

// eventLines runs keyreeve events.
func eventLines(t *testing.T, data string, flags ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "keyreeve", append([]string{"events", "--data", data}, flags...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestEventsAreListedWhileServingAndAfter: changes, which stand in the records,
// and other calls, which stand in the log, in their order.
func TestEventsAreListedWhileServingAndAfter(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	c := p.kms("alice")
	made, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	_, err = c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.Arn, Plaintext: []byte("p")})
	require.NoError(t, err)
	_, err = c.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: made.KeyMetadata.Arn})
	require.NoError(t, err)
	_, err = c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/none")})
	require.Error(t, err)
	ask := func() map[string][]string {
		return map[string][]string{
			"all": eventLines(t, p.Data, "--since", "1h"), "of two operations": eventLines(t, p.Data, "--operation", "Encrypt", "--operation", "DisableKey"),
			"refused": eventLines(t, p.Data, "--refused"), "of the future": eventLines(t, p.Data, "--since", "2999-01-01T00:00:00Z"), "whole": eventLines(t, p.Data, "--json"),
		}
	}
	serving := ask()
	var said []string
	for _, line := range serving["all"] {
		said = append(said, strings.Join(strings.Split(line, "  ")[1:3], " "))
	}
	assert.Equal(t, []string{"CreateKey ok", "Encrypt ok", "DisableKey ok", "DescribeKey NotFoundException"}, said)
	assert.True(t, strings.HasSuffix(serving["all"][1], "  arn:aws:iam::111122223333:user/admins/alice  "+*made.KeyMetadata.Arn), serving["all"][1])
	assert.Equal(t, serving["all"][1:3], serving["of two operations"])
	assert.Equal(t, serving["all"][3:], serving["refused"])
	assert.Empty(t, serving["of the future"])
	var e audit.Event
	require.NoError(t, json.Unmarshal([]byte(serving["whole"][0]), &e))
	assert.Equal(t, "CreateKey", e.EventName)

	require.Zero(t, p.terminate(), "%s", p.Err)
	assert.Equal(t, serving, ask(), "from the store")
}

// TestEventsAreReadAfterAKill: a socket that a dead process left is no hindrance.
func TestEventsAreReadAfterAKill(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--dev")
	_, err := p.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	p.kill()
	assert.Len(t, eventLines(t, p.Data), 1)
	again := serve(t, dir, "--dev")
	assert.Len(t, eventLines(t, again.Data), 1)
}
