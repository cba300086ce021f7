package engine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

var update = flag.Bool("update", false, "write the golden audit events of testdata/audit anew")

// noon is when the golden events happen.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// A scene is one call and the name that its records have in a golden file.
type scene struct {
	name string
	call func() error
}

// play plays scenes and compares their records with the golden file.
func (b bench) play(file string, scenes ...scene) {
	b.t.Helper()
	all := map[string][]audit.Event{}
	for _, s := range scenes {
		records, err := b.recorded(s.call)
		answer := "ok"
		if err != nil {
			answer, _ = failure(b.t, err)
		}
		all[s.name+": "+answer] = records
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(b.t, enc.Encode(all))
	got := normalize(text.String())
	path := filepath.Join("testdata", "audit", file+".json")
	if *update {
		require.NoError(b.t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(b.t, err, "go test ./engine -run Golden -update writes it")
	assert.Equal(b.t, string(want), got, "%s; see what -update changes", path)
}

// What differs from run to run, and what stands for it.
var random = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\bmrk-[0-9a-f]{32}\b`), "mrk"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "uuid"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "hex"},
	{regexp.MustCompile(`\b(AIDA|AROA)[A-Z0-9]{17}\b`), "principal"},
	{regexp.MustCompile(`\bASIA[A-Z0-9]{16}\b`), "session"},
	{regexp.MustCompile(`aws-sdk-go-v2/[^"]*`), "agent"},
}

// normalize numbers what is random, in the order of appearance.
func normalize(text string) string {
	for _, r := range random {
		seen := map[string]string{}
		text = r.pattern.ReplaceAllStringFunc(text, func(found string) string {
			if r.name == "agent" {
				return "aws-sdk-go-v2"
			}
			if seen[found] == "" {
				seen[found] = fmt.Sprintf("<%s-%d>", r.name, len(seen)+1)
			}
			return seen[found]
		})
	}
	return text
}

// TestGoldenEventsOfEveryOperation: the records of each operation, allowed,
// refused, and failed after it was allowed.
func TestGoldenEventsOfEveryOperation(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Now: noon})
	for _, operation := range sortedKeys(calls) {
		call := calls[operation]
		f := b.newFixture("")
		b.arrange(f, ready(operation))
		f.keyOf(operation) // makes it, if it is one of those that are made late
		scenes := []scene{
			{"1 refused", func() error { return call(b.ctx, b.as(nobody), f) }},
			{"2 allowed", func() error { return call(b.ctx, b.as(alice), f) }},
		}
		if takes(t, operation, "DryRun") {
			dry := b.newFixture("")
			dry.dryRun = aws.Bool(true)
			scenes = append(scenes, scene{"3 dry run", func() error { return call(b.ctx, b.as(alice), dry) }})
		}
		b.play(operation, scenes...)
	}
}

// TestGoldenEventsAcrossAccounts: CT-005, CT-006, CT-057, A-20.
func TestGoldenEventsAcrossAccounts(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Now: noon})
	shared, closed := b.newFixture(open), b.newFixture("")
	encrypt := func(who enginetest.Keys, f fixture) func() error {
		return func() error { return calls["Encrypt"](b.ctx, b.as(who), f) }
	}
	decrypt := func(who enginetest.Keys, f fixture) func() error {
		return func() error {
			return second(b.as(who).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs}))
		}
	}
	b.play("across-accounts",
		scene{"1 Encrypt allowed", encrypt(carol, shared)},
		scene{"2 Encrypt refused by the key's account", encrypt(carol, closed)},
		scene{"3 Encrypt refused by the caller's account", encrypt(dave, shared)},
		scene{"4 Decrypt by ciphertext allowed", decrypt(carol, shared)},
		scene{"5 Decrypt by ciphertext refused", decrypt(carol, closed)},
		scene{"6 allowed on a disabled key", func() error {
			require.NoError(t, second(b.as(alice).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &shared.key})))
			_, *b.seen = b.events(*b.seen)
			return encrypt(carol, shared)()
		}},
	)
}

func TestGoldenEventsOfFailures(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Now: noon})
	f := b.newFixture("")
	pending := b.newFixture("")
	b.arrange(pending, types.KeyStatePendingDeletion)
	b.play("failures",
		scene{"1 a wrong key (CT-091)", func() error {
			return second(b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &f.other, CiphertextBlob: f.blob, EncryptionContext: f.pairs}))
		}},
		scene{"2 a key that is pending deletion (CT-093)", func() error { return calls["Encrypt"](b.ctx, b.as(alice), pending) }},
		scene{"3 input that breaks a constraint", func() error {
			return second(b.as(alice).GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(4000)}))
		}},
		scene{"4 a key that is not there", func() error {
			return second(b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/absent")}))
		}},
		scene{"5 an operation that is not offered", func() error {
			return second(b.as(alice).GetPublicKey(b.ctx, &kms.GetPublicKeyInput{KeyId: &f.key}))
		}},
		scene{"6 by an alias (CT-017)", func() error { return second(b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.alias})) }},
		scene{"7 root", func() error { return second(b.as(root).ListKeys(b.ctx, &kms.ListKeysInput{})) }},
		scene{"8 a policy that locks out", func() error {
			return second(b.as(alice).PutKeyPolicy(b.ctx, &kms.PutKeyPolicyInput{KeyId: &f.key, Policy: aws.String(statement(`"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*"`))}))
		}},
	)
}

func TestGoldenEventsOfSTSAndTheSweeper(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText, Now: noon})
	session := b.assume(bob, payrollARN, "nightly")
	f := b.newFixture("")
	b.arrange(f, types.KeyStatePendingDeletion)
	client := b.STS(bob, region)
	b.play("sts",
		scene{"1 GetCallerIdentity", func() error { return second(client.GetCallerIdentity(b.ctx, &sts.GetCallerIdentityInput{})) }},
		scene{"2 GetSessionToken", func() error { return second(client.GetSessionToken(b.ctx, &sts.GetSessionTokenInput{})) }},
		scene{"3 AssumeRole", func() error {
			return second(client.AssumeRole(b.ctx, &sts.AssumeRoleInput{RoleArn: aws.String(payrollARN), RoleSessionName: aws.String("nightly"), DurationSeconds: aws.Int32(900)}))
		}},
		scene{"4 AssumeRole refused", func() error {
			return second(b.STS(nobody, region).AssumeRole(b.ctx, &sts.AssumeRoleInput{RoleArn: aws.String(payrollARN), RoleSessionName: aws.String("nightly")}))
		}},
		scene{"5 a call by the session", func() error { return calls["Decrypt"](b.ctx, b.as(session), f) }},
		scene{"6 the sweeper (CT-081)", func() error {
			b.Clock.Advance(30 * day)
			return b.Engine.Sweep(b.ctx)
		}},
	)
}

// TestEveryGoldenFileHasItsOperation: none is left over.
func TestEveryGoldenFileHasItsOperation(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "audit", "*.json"))
	require.NoError(t, err)
	assert.Len(t, files, len(calls)+4)
}

// TestCallsLeaveOneRecord: CT-001, CT-002, CT-009; of a signature that is not
// right nobody is known to have made it, and there is none.
func TestCallsLeaveTheirRecords(t *testing.T) {
	b := newBench(t)
	f := b.newFixture(open)
	wrong := bob
	wrong.Secret = "not-bobs-secret"
	for _, c := range []struct {
		name string
		call func() error
		want []string // recipients
	}{
		{"a call on the own account's key", func() error { return calls["Encrypt"](b.ctx, b.as(alice), f) }, []string{acme}},
		{"a refused call", func() error { return calls["DisableKey"](b.ctx, b.as(dave), f) }, []string{partner}},
		{"a call on another account's key", func() error { return calls["Encrypt"](b.ctx, b.as(carol), f) }, []string{partner, acme}},
		{"a change of another account's key", func() error { return calls["CreateGrant"](b.ctx, b.as(carol), f) }, []string{partner, acme}},
		{"a call with a wrong signature", func() error { return calls["Encrypt"](b.ctx, b.as(wrong), f) }, nil},
		{"a call by a key that does not exist", func() error { return calls["Encrypt"](b.ctx, b.as(enginetest.Keys{ID: "AKIA", Secret: "s"}), f) }, nil},
	} {
		records, _ := b.recorded(c.call)
		var got []string
		for _, r := range records {
			got = append(got, r.RecipientAccountID)
		}
		assert.Equal(t, c.want, got, c.name)
		if len(records) != 2 {
			continue
		}
		assert.Equal(t, records[0].RequestID, records[1].RequestID, c.name)
		assert.NotEqual(t, records[0].EventID, records[1].EventID, c.name)
		assert.NotEmpty(t, records[0].SharedEventID)
		assert.Equal(t, records[0].SharedEventID, records[1].SharedEventID, c.name)
	}
}
