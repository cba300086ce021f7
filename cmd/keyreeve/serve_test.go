package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDevIsReadyAtOnceAndFindsEverythingAgain(t *testing.T) {
	dir := t.TempDir()
	first := serve(t, dir, "--dev")
	assert.Equal(t, filepath.Join(dir, "keyreeve-data"), first.Data)
	made, err := first.kms("alice").CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	sealed, err := first.kms("alice").Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.Arn, Plaintext: []byte("kept")})
	require.NoError(t, err)
	before := first.profile("bob")
	require.Zero(t, first.terminate(), "%s", first.Err)

	second := serve(t, dir, "--dev")
	assert.Equal(t, before, second.profile("bob"), "the same credentials")
	opened, err := second.kms("alice").Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(t, err)
	assert.Equal(t, "kept", string(opened.Plaintext))
	listed, err := second.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	assert.Len(t, listed.Keys, 2, "the key of the example world, once, and the one made above")
}

func TestDevPrintsWhatToPasteAndThenThatItListens(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	text := p.Out.String()
	assert.Regexp(t, `(?m)^listening on http://127\.0\.0\.1:[1-9][0-9]*\n\z`, text)
	assert.Equal(t, 1, strings.Count(text, "listening on"))
	assert.Equal(t, p.URL, p.Env["AWS_ENDPOINT_URL"])
	assert.Equal(t, p.URL, p.Env["AWS_ENDPOINT_URL_STS"], "for role profiles of the SDK for Go")
	assert.Equal(t, "us-east-1", p.Env["AWS_REGION"])
	assert.Equal(t, p.profile("alice"), keys{p.Env["AWS_ACCESS_KEY_ID"], p.Env["AWS_SECRET_ACCESS_KEY"]})
	bob := p.profile("bob")
	assert.Contains(t, text, "\n\n  export AWS_ACCESS_KEY_ID="+bob.id+"\n  export AWS_SECRET_ACCESS_KEY="+bob.secret+"\n\n", "a plain user, beside the administrator")
	assert.NotContains(t, text, "#", "zsh knows no comments at its prompt")
	assert.Contains(t, text, "keyPolicies", "what is enforced")
}

func TestDevKeepsItsSecretsFromOthers(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev", "--tls")
	for _, name := range []string{"root.key", "aws-config", "world/credentials.yaml", "tls/authority-key.pem", "tls/server-key.pem"} {
		info, err := os.Stat(filepath.Join(p.Data, name))
		if assert.NoError(t, err) {
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
		}
	}
	info, err := os.Stat(p.Data)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestProfilesOfRolesAssumeThem(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	text, err := os.ReadFile(p.Env["AWS_CONFIG_FILE"])
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^\[profile payroll\]\nrole_arn = arn:aws:iam::111122223333:role/payroll\nsource_profile = bob\nrole_session_name = bob-[0-9a-f]{6}$`, string(text))
	assert.Regexp(t, `(?m)^\[profile auditor\]\nrole_arn = arn:aws:iam::444455556666:role/auditor\nsource_profile = carol$`, string(text))
}

func TestHealthSaysWhatIsEnforced(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	status, body := p.get("/healthz")
	assert.Equal(t, http.StatusOK, status)
	var health struct {
		Status   string
		Enforced map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(body), &health))
	assert.Equal(t, "ok", health.Status)
	for _, layer := range []string{"signature", "keyPolicies", "identityPolicies", "permissionsBoundary", "sessionPolicies", "grants"} {
		assert.Equal(t, "every call", health.Enforced[layer], layer)
	}
	status, body = p.get("/readyz")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"status":"ready"}`, body)
}

func TestDelayIsToldWhereItIsOn(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev", "--consistency-delay", "5m")
	const told = "changes of grants, tags and aliases count after 5m0s"
	assert.Contains(t, p.Out.String(), "\n  consistencyDelay: "+told+"\n")
	_, body := p.get("/healthz")
	assert.Contains(t, body, `"consistencyDelay":"`+told+`"`)
}

func TestSecondProcessOnTheSameDataIsRefused(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--dev")
	second := launch(t, dir, "keyreeve", "serve", "--dev", "--listen", "127.0.0.1:0")
	assert.Equal(t, exitCannot, second.wait())
	assert.Equal(t, "keyreeve: the data directory keyreeve-data is in use by another keyreeve: stop that one, or name another directory with --data\n", second.Err.String())
	status, _ := p.get("/healthz")
	assert.Equal(t, http.StatusOK, status, "the first goes on")
}

func TestAddressInUseIsSaidPlainly(t *testing.T) {
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	address := taken.Addr().String()
	p := launch(t, t.TempDir(), "keyreeve", "serve", "--dev", "--listen", address)
	assert.Equal(t, exitCannot, p.wait())
	assert.Contains(t, p.Err.String(), "keyreeve: the address "+address+" is in use by another process: name another with --listen (port 0 takes a free one)\n")
}

// begin sends a signed CreateKey but for its last byte, so that the server is
// at work on it. finish sends the rest and returns the status of the answer.
func begin(t *testing.T, p *process) (finish func() int) {
	t.Helper()
	capture := &capture{}
	client := kms.New(p.kms("alice").Options(), once, func(o *kms.Options) { o.HTTPClient = capture })
	_, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{Description: aws.String("under way")})
	require.ErrorIs(t, err, errCaptured)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	last := len(capture.request) - 1
	_, err = conn.Write(capture.request[:last])
	require.NoError(t, err)
	return func() int {
		_, err := conn.Write(capture.request[last:])
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
}

// A capture takes requests down instead of sending them.
type capture struct{ request []byte }

var errCaptured = fmt.Errorf("captured")

// Do implements the HTTP client of the SDK.
func (c *capture) Do(r *http.Request) (*http.Response, error) {
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	c.request = []byte(b.String())
	return nil, errCaptured
}

func TestTerminationFinishesWhatIsUnderWay(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--dev")
	var made, lost atomic.Int64
	var ending atomic.Bool
	busy := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		client := p.kms("alice")
		load.Go(func() {
			for {
				_, err := client.CreateKey(context.Background(), &kms.CreateKeyInput{}, once)
				switch {
				case err == nil && made.Add(1) == 20:
					close(busy)
				case err != nil:
					lost.Add(1)
				}
				if err != nil && ending.Load() {
					return // the server takes no more
				}
			}
		})
	}
	finish := begin(t, p)
	<-busy

	ending.Store(true)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	load.Wait()
	assert.Equal(t, http.StatusOK, finish(), "what was under way is answered")
	assert.Zero(t, p.wait(), "%s", p.Err)
	assert.Contains(t, p.Err.String(), "finishing what is under way")

	again := serve(t, dir, "--dev")
	kept := 0
	pages := kms.NewListKeysPaginator(again.kms("alice"), &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		kept += len(page.Keys)
	}
	// One is of the example world, one was under way. What was lost may have been made.
	assert.GreaterOrEqual(t, kept, int(made.Load())+2)
	assert.LessOrEqual(t, kept, int(made.Load()+lost.Load())+2)
}

func TestWorldOfOtherSuitesRunsWithTheirCredentials(t *testing.T) {
	world, err := filepath.Abs(filepath.Join("..", "..", "examples", "test-test"))
	require.NoError(t, err)
	p := serve(t, t.TempDir(), "--dev", "--world", world)
	assert.Equal(t, "test test", p.Env["AWS_ACCESS_KEY_ID"]+" "+p.Env["AWS_SECRET_ACCESS_KEY"])
	out, err := p.client(keys{"test", "test"}).CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	assert.Equal(t, "000000000000", *out.KeyMetadata.AWSAccountId)
	assert.Equal(t, keys{"test", "test"}, p.profile("root"))
}

func TestWorldIsReadAgainWhenItChanges(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	bob := p.kms("bob")
	encrypt := func() error {
		_, err := bob.Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String("alias/payroll"), Plaintext: []byte("x")})
		return err
	}
	require.NoError(t, encrypt())
	file := filepath.Join(p.Data, "world", "policies", "key-use.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	narrower := strings.ReplaceAll(string(text), `"kms:Encrypt", `, "")
	require.NotEqual(t, string(text), narrower)

	require.NoError(t, os.WriteFile(file, []byte(narrower), 0o600))
	p.await(p.Err, "world reloaded")
	var refused smithy.APIError
	require.ErrorAs(t, encrypt(), &refused)
	assert.Contains(t, refused.ErrorMessage(), "is not authorized to perform: kms:Encrypt")

	require.NoError(t, os.WriteFile(file, []byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Alow"}]}`), 0o600))
	p.await(p.Err, "the new world is refused, the old one goes on serving")
	assert.Contains(t, p.Err.String(), "policies/key-use.json:1:")
	require.ErrorAs(t, encrypt(), &refused)
	status, _ := p.get("/readyz")
	assert.Equal(t, http.StatusOK, status)
}

func TestGuardrailsAreReadAgainWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "g.rego")
	write := func(rules string) {
		require.NoError(t, os.WriteFile(file, []byte("package keyreeve.guardrail\n\n"+rules+"\n"), 0o600))
	}
	write(`deny contains "no listing" if input.action == "kms:ListKeys"`)
	p := serve(t, t.TempDir(), "--dev", "--guardrails", dir)
	list := func() string {
		_, err := p.kms("alice").ListKeys(t.Context(), &kms.ListKeysInput{})
		var refused smithy.APIError
		if errors.As(err, &refused) {
			return refused.ErrorMessage()
		}
		require.NoError(t, err)
		return "ok"
	}
	assert.Contains(t, list(), "with an explicit deny in a guardrail: no listing")

	write(`deny contains "no listing today" if input.action == "kms:ListKeys"`)
	p.await(p.Err, "guardrails reloaded")
	assert.Contains(t, list(), "with an explicit deny in a guardrail: no listing today")

	write(`deny contains "late" if time.now_ns() > 0`)
	p.await(p.Err, "the new guardrails are refused, the old ones go on serving")
	assert.Contains(t, p.Err.String(), file+":3: time.now_ns depends on network, clock or chance")
	assert.Contains(t, list(), "no listing today")

	write(`deny contains "no signing" if input.action == "kms:Sign"`)
	require.Eventually(t, func() bool { return list() == "ok" }, patience, 50*time.Millisecond)
}

func TestServerOnAllAddressesIsReachedHereAndOthersAreWarnedOf(t *testing.T) {
	p := ready(t, t.TempDir(), "keyreeve", "serve", "--dev", "--listen", "0.0.0.0:0")
	assert.Regexp(t, `^http://127\.0\.0\.1:[1-9][0-9]*$`, p.URL)
	assert.Equal(t, p.URL, p.Env["AWS_ENDPOINT_URL"])
	assert.Contains(t, p.Out.String(), "Other machines can reach it")
	status, _ := p.get("/healthz")
	assert.Equal(t, http.StatusOK, status)
}

func TestFailedStartMakesNoDataDirectory(t *testing.T) {
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	dir := t.TempDir()
	p := launch(t, dir, "keyreeve", "serve", "--dev", "--listen", "127.0.0.1:0", "--listen-endpoint", "inside="+taken.Addr().String())
	assert.Equal(t, exitCannot, p.wait())
	assert.Contains(t, p.Err.String(), "is in use by another process")
	assert.NoDirExists(t, filepath.Join(dir, "keyreeve-data"))
}

func TestProbeSaysThatPlainHTTPIsNoTLS(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	address := strings.TrimPrefix(p.URL, "http://")
	probe := launch(t, t.TempDir(), "keyreeve", "tls-probe", address)
	assert.Equal(t, exitCannot, probe.wait())
	assert.Equal(t, "keyreeve: "+address+" does not speak TLS\n", probe.Err.String())
	assert.Empty(t, probe.Out.String())
}

func TestVersionTellsTheRevisionWhereItIsKnown(t *testing.T) {
	assert.Equal(t, "(devel)", versionOf(&debug.BuildInfo{}))
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	info.Main.Version = "v1.2.3"
	assert.Equal(t, "v1.2.3, revision abc with changes", versionOf(info))
}
