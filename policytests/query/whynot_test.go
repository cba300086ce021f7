package query_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/policytests/query"
)

func TestRemediesAreTheSmallestChanges(t *testing.T) {
	b := open(t, "world.txtar")
	for line, want := range map[string][]string{
		"user/bob kms:Decrypt key/main": {
			"give user/bob an IAM policy that allows kms:Decrypt on key/main",
			"add to the key policy of key/main a statement that allows user/bob kms:Decrypt",
			"create a grant on key/main for user/bob with the operation Decrypt",
		},
		"user/bob kms:CreateKey":        {"give user/bob an IAM policy that allows kms:CreateKey on *"},
		"user/dan kms:Decrypt key/main": {"except user/dan from statement never (Never) of the IAM policy"},
		"user/ann kms:Decrypt key/inside": {
			"ask through the VPC endpoint vpce-0123456789abcdef0",
			"except user/ann from statement OnlyInside of the key policy of key/inside",
			"take statement OnlyInside of the key policy of key/inside away",
		},
		"role/payroll kms:Decrypt key/main kms:EncryptionContext:dept=it": {
			"ask with kms:EncryptionContext:dept=finance",
			"add it to the values of kms:EncryptionContext:dept in statement finance (Finance) of the IAM policy",
			"add to the IAM policy finance a statement that allows kms:Decrypt on key/main",
			"add to the key policy of key/main a statement that allows role/payroll kms:Decrypt",
			"create a grant on key/main for role/payroll with the operation Decrypt",
			"take the condition StringEquals kms:EncryptionContext:dept out of statement finance (Finance) of the IAM policy",
		},
		"user/carol kms:Decrypt key/main": {
			"add to the key policy of key/main a statement that allows user/carol kms:Decrypt",
			"add to the key policy of key/main a statement that leaves kms:Decrypt to the IAM policies of account partner",
			"create a grant on key/main for user/carol with the operation Decrypt",
		},
		"user/dave kms:Decrypt key/main": { // both sides
			"give user/dave an IAM policy that allows kms:Decrypt on key/main; and add to the key policy of key/main a statement that allows user/dave kms:Decrypt",
			"give user/dave an IAM policy that allows kms:Decrypt on key/main; and create a grant on key/main for user/dave with the operation Decrypt",
		},
		"role/admin kms:ScheduleKeyDeletion key/main": {"add to the service control policy most a statement that allows kms:ScheduleKeyDeletion"},
		"user/ann kms:Encrypt key/inside via endpoint vpce-0123456789abcdef0": {
			"ask over the public endpoint, not through a VPC endpoint",
			"add kms:Encrypt to the Action of statement Reading of the VPC endpoint policy",
			"add to the policy of the VPC endpoint a statement that allows kms:Encrypt on key/inside",
		},
		"role/batch kms:Decrypt key/shared kms:EncryptionContext:dept=it": {
			"ask with the encryption context dept=finance, as the grant nightly wants it",
			"add role/batch to the Principal of statement Partner of the key policy of key/shared",
			"give role/batch an IAM policy that allows kms:Decrypt on key/shared",
			"add to the key policy of key/shared a statement that allows role/batch kms:Decrypt",
			"create a grant on key/shared for role/batch with the operation Decrypt",
		},
		"user/carol kms:DisableKey key/shared": {}, // no policy can
	} {
		t.Run(line, func(t *testing.T) {
			r, err := query.WhyNot(t.Context(), b, one(t, line))
			require.NoError(t, err)
			words := []string{}
			for _, p := range r.Proposals {
				words = append(words, p.Words)
			}
			assert.Equal(t, want, words)
			assert.Equal(t, len(want) == 0, r.Why != "")
		})
	}
}

func TestNoProposalHandsTheKeyOver(t *testing.T) {
	r, err := query.WhyNot(t.Context(), open(t, "world.txtar"), one(t, "user/ann kms:Decrypt key/closed"))
	require.NoError(t, err)
	require.NotEmpty(t, r.Proposals)
	for _, p := range r.Proposals {
		assert.NotContains(t, p.Words, "Principal of statement Admin", "it allows kms:*")
	}
}

func TestDeniesAreNamedThatNoAllowOverrides(t *testing.T) {
	r, err := query.WhyNot(t.Context(), open(t, "world.txtar"), one(t, "user/dan kms:Decrypt key/main"))
	require.NoError(t, err)
	require.Len(t, r.Hard, 1)
	assert.Equal(t, "never (Never)", r.Hard[0].Name())
	assert.Equal(t, "testdata/world.txtar: policies/never.json:1", r.Hard[0].Place())
}

func TestThereIsNothingToChangeInWhatIsAllowed(t *testing.T) {
	r, err := query.WhyNot(t.Context(), open(t, "world.txtar"), one(t, "user/ann kms:Decrypt key/main"))
	require.NoError(t, err)
	assert.True(t, r.Explanation.Allowed)
	assert.Empty(t, r.Proposals)
	assert.Empty(t, r.Why)
}

// TestProposalsWorkInTheFiles carries proposals out: it patches the files that
// they name, reads the world again, and asks the request that they give.
func TestProposalsWorkInTheFiles(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/world.txtar")
	require.NoError(t, err)
	done := 0
	for _, line := range []string{
		"user/ann kms:Decrypt key/closed", "user/ann kms:Decrypt key/inside", "user/carol sts:AssumeRole role/admin", "user/dan kms:Decrypt key/main",
		"role/payroll kms:Decrypt key/main kms:EncryptionContext:dept=it", "role/admin kms:ScheduleKeyDeletion key/main", "user/eve kms:Decrypt key/main",
		"role/batch kms:Encrypt key/shared", "user/ann kms:RetireGrant key/shared grant nightly", "role/admin kms:Decrypt key/main with policy session.json",
		"service/s3.amazonaws.com kms:Decrypt key/named aws:SourceAccount=111122223333", "user/ann kms:Encrypt key/inside via endpoint vpce-0123456789abcdef0",
	} {
		before := filepath.Join(t.TempDir(), "world")
		write(t, archive, before)
		b, err := query.Open(before, query.Config{Engine: engine})
		require.NoError(t, err)
		r, err := query.WhyNot(t.Context(), b, one(t, line))
		require.NoError(t, err)
		for _, p := range r.Proposals {
			after := filepath.Join(t.TempDir(), "world")
			write(t, archive, after)
			if !carryOut(t, p, before, after) {
				continue
			}
			b, err := query.Open(after, query.Config{Engine: engine})
			require.NoError(t, err, p.Words)
			x, err := query.Explain(t.Context(), b, one(t, p.Request))
			require.NoError(t, err)
			assert.True(t, x.Allowed, "%s: %s", line, p.Words)
			done++
		}
	}
	assert.Greater(t, done, 20)
}

func write(t *testing.T, a *txtar.Archive, dir string) {
	t.Helper()
	for _, f := range a.Files {
		name := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, f.Data, 0o600))
	}
}

// carryOut patches the files of a proposal; false if an edit is of no file.
func carryOut(t *testing.T, p query.Proposal, before, after string) bool {
	t.Helper()
	for _, e := range p.Edits {
		if e.Op == query.OpRequest {
			continue
		}
		if e.File == "" {
			return false
		}
		name := after + strings.TrimPrefix(e.File, before)
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		var document any
		require.NoError(t, json.Unmarshal(text, &document))
		var patch []struct {
			Op, Path string
			Value    any
		}
		require.NoError(t, json.Unmarshal(e.Patch, &patch))
		for _, o := range patch {
			document = patched(t, document, strings.Split(o.Path, "/")[1:], o.Op, o.Value)
		}
		text, err = json.Marshal(document)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, text, 0o600))
	}
	return true
}

// patched is a plain reading of RFC 6902.
func patched(t *testing.T, in any, path []string, op string, value any) any {
	t.Helper()
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	last := len(path) == 1
	switch in := in.(type) {
	case map[string]any:
		_, known := in[name]
		require.True(t, known || last && op == "add", "%s has no %s", op, name)
		switch {
		case !last:
			in[name] = patched(t, in[name], path[1:], op, value)
		case op == "remove":
			delete(in, name)
		default:
			in[name] = value
		}
		return in
	case []any:
		if name == "-" {
			require.Equal(t, "add", op)
			return append(in, value)
		}
		i, err := strconv.Atoi(name)
		require.NoError(t, err)
		require.Less(t, i, len(in))
		switch {
		case !last:
			in[i] = patched(t, in[i], path[1:], op, value)
		case op == "remove":
			return append(in[:i:i], in[i+1:]...)
		default:
			require.Equal(t, "replace", op)
			in[i] = value
		}
		return in
	}
	t.Fatalf("%s of %s in %T", op, name, in)
	return nil
}
