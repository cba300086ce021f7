package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/policytests/safetext"
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

// TestEventsAreReadAsTheOwnerOnly: root, too, leaves the files of a directory
// that is not served alone.
func TestEventsAreReadAsTheOwnerOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: only root can give a directory to another user")
	}
	p := serve(t, t.TempDir(), "--dev")
	_, err := p.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	require.Zero(t, p.terminate(), "%s", p.Err)
	require.NoError(t, filepath.WalkDir(p.Data, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, 65533, 65533))
	}))
	out, err := exec.CommandContext(t.Context(), "keyreeve", "events", "--data", p.Data).CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	assert.Equal(t, exitCannot, exit.ExitCode())
	assert.Contains(t, string(out), p.Data+" belongs to another user, 65533: run this as that user, with sudo -u '#65533'\n")
}

// TestServerStartsWhileEventsArePrinted: of a directory that was not served,
// to a reader that takes nothing yet.
func TestServerStartsWhileEventsArePrinted(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--dev")
	for range 200 { // more than a pipe and the buffers before it hold
		_, err := p.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
		require.NoError(t, err)
	}
	require.Zero(t, p.terminate(), "%s", p.Err)
	want := eventLines(t, p.Data, "--json")
	require.Greater(t, len(strings.Join(want, "\n")), 80<<10)
	listing := exec.CommandContext(t.Context(), "keyreeve", "events", "--data", p.Data, "--json")
	out, err := listing.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, listing.Start())
	first := make([]byte, 1)
	_, err = io.ReadFull(out, first) // so it prints, and waits for us
	require.NoError(t, err)
	again := serve(t, dir, "--dev")
	_, err = again.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, listing.Wait())
	assert.Equal(t, strings.Join(want, "\n")+"\n", string(first)+string(rest))
	assert.Len(t, eventLines(t, again.Data), len(want)+1)
}

func TestJSONShowsNothingThatActsOnTheReader(t *testing.T) {
	for _, row := range []struct{ name, value, want string }{
		{"plain text stays", `{"a":"é 鍵 \u009b\n\\"}`, `{"a":"é 鍵 \u009b\n\\"}`},
		{"C1 and DEL", "{\"a\":\"\u009b31m\x7f\u0085\"}", `{"a":"\u009b31m\u007f\u0085"}`},
		{"marks of direction, in names too", "{\"\u202ea\":\"\u2066\u200f\u061c\"}", `{"\u202ea":"\u2066\u200f\u061c"}`},
		{"ends of lines and paragraphs", "\"\u2028\u2029\"", `"\u2028\u2029"`},
		{"a raw byte is no UTF-8", "\"\x9b\"", "\"\ufffd\""},
	} {
		got := seen(json.RawMessage(row.value))
		assert.Equal(t, row.want, string(got), row.name)
		assert.JSONEq(t, strings.ToValidUTF8(row.value, "\ufffd"), string(got), row.name)
	}
}

func FuzzJSONIsTheSameToPrograms(f *testing.F) {
	f.Add("a\u009b\u202e\\")
	f.Fuzz(func(t *testing.T, text string) {
		var value bytes.Buffer
		lines := json.NewEncoder(&value)
		lines.SetEscapeHTML(false)
		require.NoError(t, lines.Encode(text))
		got := seen(bytes.TrimSpace(value.Bytes()))
		assert.JSONEq(t, value.String(), string(got))
		assert.Equal(t, safetext.Text(string(got)), string(got), "nothing is left to quote")
	})
}
