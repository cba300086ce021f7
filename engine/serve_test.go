package engine_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/store"
)

//go:embed testdata/world.txtar
var worldText string

// The callers of the test world.
var (
	root   = enginetest.Keys{ID: "AKIAROOT", Secret: "root-secret"}
	alice  = enginetest.Keys{ID: "AKIAALICE", Secret: "alice-secret"}
	bob    = enginetest.Keys{ID: "AKIABOB", Secret: "bob-secret"}
	nobody = enginetest.Keys{ID: "AKIANOBODY", Secret: "nobody-secret"}
	fenced = enginetest.Keys{ID: "AKIAFENCED", Secret: "fenced-secret"}
	carol  = enginetest.Keys{ID: "AKIACAROL", Secret: "carol-secret"}
	dave   = enginetest.Keys{ID: "AKIADAVE", Secret: "dave-secret"}
	erin   = enginetest.Keys{ID: "AKIAERIN", Secret: "erin-secret"}

	partnerRoot = enginetest.Keys{ID: "AKIAPARTNERROOT", Secret: "partner-root-secret"}
)

const (
	region  = "us-east-1"
	acme    = "111122223333"
	partner = "444455556666"
)

// A bench is a running keyreeve with its clients.
type bench struct {
	*enginetest.Keyreeve
	t    *testing.T
	ctx  context.Context
	seen *store.Seq // up to where the audit log was read
}

// newBench starts a keyreeve with the test world. Tests with one run beside
// each other: most of their time is waiting for the disk.
func newBench(t *testing.T) bench {
	t.Helper()
	t.Parallel()
	return start(t, enginetest.Config{World: worldText})
}

// start starts a keyreeve with its clients.
func start(t *testing.T, c enginetest.Config) bench {
	t.Helper()
	return bench{enginetest.New(t, c), t, t.Context(), new(store.Seq)}
}

func (b bench) as(k enginetest.Keys) *kms.Client { return b.KMS(k, region) }

// newKey makes a key as alice; policy may be empty.
func (b bench) newKey(policy string) (arn string) {
	b.t.Helper()
	in := &kms.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := b.as(alice).CreateKey(b.ctx, in)
	require.NoError(b.t, err)
	return *out.KeyMetadata.Arn
}

// failure is the code and message of an API error.
func failure(t *testing.T, err error) (code, message string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode(), api.ErrorMessage()
}

// records are the audit events of an operation, in their order.
func (b bench) records(operation string) []audit.Event {
	b.t.Helper()
	stored, err := b.Store.Events(0, 10_000)
	require.NoError(b.t, err)
	var found []audit.Event
	for _, s := range stored {
		var e audit.Event
		require.NoError(b.t, json.Unmarshal(s.Data, &e))
		if e.EventName == operation {
			found = append(found, e)
		}
	}
	return found
}

func TestKeyIsCreatedUsedAndRefused(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	pairs := map[string]string{"dept": "finance"}

	sealed, err := b.as(bob).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("salary"), EncryptionContext: pairs})
	require.NoError(t, err)
	assert.Equal(t, key, *sealed.KeyId)

	_, err = b.as(bob).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: pairs})
	code, message := failure(t, err)
	assert.Equal(t, "AccessDeniedException", code)
	assert.Equal(t, "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Decrypt on resource: "+key+
		" because no identity-based policy allows the kms:Decrypt action", message)

	opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: pairs})
	require.NoError(t, err)
	assert.Equal(t, "salary", string(opened.Plaintext))
}

func TestRefusedRequestIsRecorded(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	_, err := b.as(nobody).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
	require.Error(t, err)
	records := b.records("DescribeKey")
	require.Len(t, records, 1)
	assert.Equal(t, "AccessDenied", records[0].ErrorCode)
	assert.Contains(t, records[0].ErrorMessage, "arn:aws:iam::111122223333:user/nobody is not authorized")
	assert.Len(t, b.records("CreateKey"), 1)
}

func TestEverythingIsFoundAgainAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, enginetest.Config{World: worldText, Dir: dir})
	key := first.newKey("")
	sealed, err := first.as(alice).Encrypt(t.Context(), &kms.EncryptInput{KeyId: &key, Plaintext: []byte("kept")})
	require.NoError(t, err)
	first.Stop()

	second := start(t, enginetest.Config{World: worldText, Dir: dir})
	opened, err := second.as(alice).Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(t, err)
	assert.Equal(t, "kept", string(opened.Plaintext))
	assert.Len(t, second.records("CreateKey"), 1)
}
