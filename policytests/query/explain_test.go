package query_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// Each rule of evaluation, as an author would run into it.
func TestExplanationsTeachTheRuleThatDecided(t *testing.T) {
	b := open(t, "world.txtar")
	for line, want := range map[string]struct {
		allowed bool
		rule    query.Rule
		words   string
	}{
		"user/ann kms:Decrypt key/main": {true, "delegation",
			`The key policy (statement "Enable IAM User Permissions") names the account acme: that delegates to IAM policies, and grants nothing by itself. The IAM policy use (Use) allows.`},
		"user/bob kms:Decrypt key/main": {false, "delegation",
			`The key policy (statement "Enable IAM User Permissions") names the account acme: that delegates to IAM policies, and grants nothing by itself. user/bob has no IAM policies.`},
		"root@acme kms:Decrypt key/main": {true, "account-root",
			`The key policy (statement "Enable IAM User Permissions") names the account acme. For users and roles that would delegate to IAM policies; the root user needs none.`},
		"root@acme kms:Decrypt key/closed": {false, "nothing-allows",
			"Nothing allows it: the key policy neither names root@acme nor leaves kms:Decrypt to the account's IAM policies, and root@acme has no IAM policies."},
		"root@acme kms:CreateKey": {true, "account-root",
			"No key policy speaks about kms:CreateKey; IAM policies decide, and the root user of an account needs none."},
		"user/ann kms:CreateKey": {true, "iam-only",
			"No key policy speaks about kms:CreateKey: IAM policies alone decide, and use (Use) allows."},
		"user/bob kms:CreateKey": {false, "iam-only",
			"No key policy speaks about kms:CreateKey: IAM policies alone decide, and user/bob has no IAM policies."},
		"user/eve kms:Decrypt key/main": {false, "boundary-must-allow",
			"The permissions boundary of user/eve does not allow kms:Decrypt. A boundary grants nothing: it limits what IAM policies (and a key policy that names the role, not the session) can give."},
		"user/dan kms:Decrypt key/main": {false, "explicit-deny",
			`An explicit Deny in an IAM policy, never (Never), wins over every Allow and every grant, wherever they stand. So the Allow in the IAM policy, use (Use), and the one in the key policy, "Enable IAM User Permissions", counts for nothing here.`},
		"user/ann kms:Decrypt key/closed": {false, "no-delegation",
			"The IAM policy use (Use) allows, but counts for nothing: no statement of the key policy names the account acme for kms:Decrypt, so it does not leave the matter to IAM policies. Nor does one name user/ann itself."},
		"user/bob kms:Decrypt key/closed": {false, "nothing-allows",
			"Nothing allows it: the key policy neither names user/bob nor leaves kms:Decrypt to the account's IAM policies, and user/bob has no IAM policies."},
		"role/batch kms:Decrypt key/named": {true, "named-in-key-policy",
			"The key policy (statement Batch) names role/batch itself. Within the account that grants: no IAM policy is needed beside it."},
		"service/s3.amazonaws.com kms:GenerateDataKey key/named aws:SourceAccount=111122223333": {true, "service",
			"The key policy (statement Storage) allows the service itself. A service has no account, so no IAM policy and no SCP takes part."},
		"service/s3.amazonaws.com kms:Decrypt key/named aws:SourceAccount=111122223333": {false, "service",
			"A service has no account and no IAM policies: the key policy or a grant must allow service/s3.amazonaws.com itself, and neither does."},
		"role/batch kms:Decrypt key/shared kms:EncryptionContext:dept=finance": {true, "grant",
			"The grant nightly gives role/batch kms:Decrypt on key/shared. A grant needs no Allow in the key policy and no IAM policy beside it."},
		"role/batch kms:Decrypt key/shared kms:EncryptionContext:dept=it": {false, "delegation",
			"The key policy (statement Root) names the account acme: that delegates to IAM policies, and grants nothing by itself. role/batch has no IAM policies."},
		"role/batch kms:Encrypt key/shared": {false, "delegation",
			"The key policy (statement Root) names the account acme: that delegates to IAM policies, and grants nothing by itself. role/batch has no IAM policies."},
		"user/carol kms:Encrypt key/shared": {true, "grant-to-account",
			"The grant partners is for the account partner, which delegates to that account's IAM policies. The IAM policy acme (Use) allows."},
		"user/carol kms:Decrypt key/shared": {true, "both-sides",
			"The key is another account's, so both sides must allow, and both do: the key policy of account acme (statement Partner), and in account partner the IAM policy acme (Use)."},
		"user/carol kms:Decrypt key/main": {false, "both-sides",
			"The key is of account acme and the caller of account partner, so both sides must allow. The IAM policy acme (Use) does; the key policy of account acme does not, and no grant does."},
		"user/dave kms:Decrypt key/shared": {false, "both-sides",
			"The key is of account acme and the caller of account partner, so both sides must allow. The key policy does (statement Partner); in account partner user/dave has no IAM policies."},
		"user/dave kms:Decrypt key/main": {false, "both-sides",
			"The key is of account acme and the caller of account partner, so both sides must allow. Neither does: not the key policy, and in account partner user/dave has no IAM policies."},
		"user/carol kms:DisableKey key/shared": {false, "never-across",
			"kms:DisableKey works in the key's own account only, whatever policies say: user/carol is of account partner, key/shared of account acme. A role of account acme, assumed by user/carol, could do it."},
		"user/carol kms:Decrypt arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555": {false, "no-such-key",
			"Account acme has no such key. Callers of other accounts are told the same whether a key is absent or closed to them."},
		"user/ann kms:Decrypt key/inside": {false, "explicit-deny",
			"An explicit Deny in a key policy, OnlyInside, wins over every Allow and every grant, wherever they stand. It matches because StringNotEquals aws:SourceVpce vpce-0123456789abcdef0 holds (the request has none). So the Allow in the IAM policy, use (Use), and the one in the key policy, Root, counts for nothing here."},
		"user/ann kms:Decrypt key/inside via endpoint vpce-0123456789abcdef0": {true, "delegation",
			"The key policy (statement Root) names the account acme: that delegates to IAM policies, and grants nothing by itself. The IAM policy use (Use) allows."},
		"user/ann kms:Encrypt key/inside via endpoint vpce-0123456789abcdef0": {false, "endpoint-must-allow",
			"The call comes through a VPC endpoint, and a call through an endpoint needs an Allow in the endpoint's policy too. That of vpce-0123456789abcdef0 allows user/ann no kms:Encrypt. An endpoint policy grants nothing by itself: it limits what comes through."},
		"role/payroll kms:Decrypt key/main kms:EncryptionContext:dept=it": {false, "delegation",
			`The key policy (statement "Enable IAM User Permissions") names the account acme: that delegates to IAM policies, and grants nothing by itself. No IAM policy of role/payroll allows kms:Decrypt on key/main.`},
		"role/payroll kms:Decrypt key/open": {true, "everyone",
			`The key policy (statement Everyone) allows everyone ("*") under its conditions. Within the account that grants to each principal: no IAM policy is needed beside it.`},
		"role/admin kms:ScheduleKeyDeletion key/main": {false, "scp-must-allow",
			"Each level of the organization over account acme must have a service control policy that allows kms:ScheduleKeyDeletion; OU Engineering has none. SCPs grant nothing: they limit what an account's policies can give, its root user included."},
		"role/admin kms:PutKeyPolicy key/main": {true, "delegation",
			`The key policy (statement "Enable IAM User Permissions") names the account acme: that delegates to IAM policies, and grants nothing by itself. The IAM policy AdministratorAccess (Statement[0]) allows.`},
		"role/admin kms:Decrypt key/main with policy session.json": {false, "session-must-allow",
			"The session policy that this session of role/admin came with does not allow kms:Decrypt. A session policy grants nothing: it limits what the session takes from IAM policies and from a key policy that names the role."},
		"federated/visitor kms:Decrypt key/main": {false, "session-must-allow",
			"The session policy that this session of federated/visitor came with does not allow kms:Decrypt. A session policy grants nothing: it limits what the session takes from IAM policies and from a key policy that names the role."},
		"user/ann sts:AssumeRole role/admin": {false, "trust-policy",
			"The trust policy (Acme) names the account, which delegates to IAM policies; no IAM policy of user/ann allows sts:AssumeRole on role/admin."},
		"role/admin sts:AssumeRole role/payroll": {true, "trust-policy",
			"The trust policy (Acme) names the account, which delegates to IAM policies. The IAM policy AdministratorAccess (Statement[0]) allows."},
		"user/carol sts:AssumeRole role/admin": {false, "trust-policy",
			"The trust policy of role/admin does not allow user/carol to sts:AssumeRole. A role trusts nobody but whom its trust policy names."},
		"user/ann kms:RetireGrant key/shared grant nightly": {false, "retire",
			"A grant says itself who may retire it: its retiring principal, its grantee if its operations have RetireGrant, and the account of the key by its IAM policies. user/ann is none of those. A key policy has no say."},
		"role/admin kms:RetireGrant key/shared grant nightly": {true, "retire",
			"A grant says itself who may retire it; key policies have no say. role/admin is one of those for the grant."},
	} {
		t.Run(line, func(t *testing.T) {
			x, err := query.Explain(t.Context(), b, one(t, line))
			require.NoError(t, err)
			assert.Equal(t, want.allowed, x.Allowed)
			assert.Equal(t, want.rule, x.Rule)
			assert.Equal(t, want.words, x.Words)
			assert.Equal(t, !want.allowed, x.Sentence != "", "a refused caller reads something")
		})
	}
}

func TestExplanationsSayWhenElseItIsAllowed(t *testing.T) {
	b := open(t, "world.txtar")
	for line, want := range map[string]string{
		"user/bob kms:Decrypt key/main":     "No request for user/bob kms:Decrypt key/main is allowed, whatever it brings.\n",
		"role/payroll kms:Decrypt key/main": "role/payroll kms:Decrypt key/main is allowed\n  when kms:EncryptionContext:dept is finance, through IAM finance (Finance)\n",
		"role/payroll kms:Decrypt key/main kms:EncryptionContext:dept=finance session nightly":         "is allowed\n  when kms:EncryptionContext:dept is finance",
		"user/ann kms:Encrypt key/inside via endpoint vpce-0123456789abcdef0":                          "The plain request user/ann kms:Encrypt key/inside is allowed, through IAM use (Use).\n",
		"role/payroll kms:Decrypt key/inside kms:EncryptionContext:dept=finance aws:SourceIp=10.0.0.1": "when the request comes through vpce-0123456789abcdef0 and kms:EncryptionContext:dept is finance",
	} {
		x, err := query.ExplainFully(t.Context(), b, one(t, line))
		require.NoError(t, err, line)
		require.NotNil(t, x.When, line)
		var out bytes.Buffer
		require.NoError(t, x.WriteText(&out, report.Style{}))
		assert.Contains(t, out.String(), want, line)
	}
	for _, line := range []string{"user/ann kms:CreateKey", "user/ann sts:AssumeRole role/admin", "role/admin kms:Decrypt key/main with policy session.json"} {
		x, err := query.ExplainFully(t.Context(), b, one(t, line))
		require.NoError(t, err, line)
		assert.Nil(t, x.When, line)
	}
}

func TestPlacesOfAWorldInADirectoryAreFiles(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/world.txtar")
	require.NoError(t, err)
	dir := t.TempDir()
	write(t, archive, dir)
	b, err := query.Open(dir, query.Config{Engine: engine})
	require.NoError(t, err)
	x, err := query.Explain(t.Context(), b, one(t, "role/payroll kms:Decrypt key/shared"))
	require.NoError(t, err)
	require.NotNil(t, x.Nearest)
	assert.Equal(t, dir+"/policies/finance.json", x.Nearest.File)
	assert.Equal(t, 9, x.Nearest.Line)
	x, err = query.Explain(t.Context(), b, one(t, "role/admin kms:Decrypt key/main with policy session.json"))
	require.NoError(t, err)
	assert.Equal(t, query.RuleSession, x.Rule)
	for _, l := range x.Layers {
		for _, s := range l.Statements {
			assert.NotEmpty(t, s.Place(), s.Name())
		}
	}
}

func TestRequestsAreWrittenAsTheyAreRead(t *testing.T) {
	for _, line := range []string{
		"user/a kms:Encrypt key/x", `user/a kms:Encrypt key/x kms:EncryptionContext:a="b c" kms:EncryptionContext:d="" !aws:SourceIp`,
		"role/a kms:CreateGrant key/x kms:GrantOperations=[Encrypt, Decrypt] session nightly with policy [a.json, b.json] with tag team=red with source-identity ann",
		"user/a kms:Decrypt alias/x with mfa 30 via endpoint vpce-1 at 2026-01-02T00:00:00Z in eu-west-1 grant one",
		"user/a kms:Decrypt alias/x with mfa none via service [a.amazonaws.com, b.amazonaws.com]", `user/a kms:Decrypt key/#x "a=b"=c`,
	} {
		assert.Equal(t, line, query.Line(one(t, line)))
	}
	assert.Equal(t, `user/a kms:Encrypt key/x k:a="b c" k:x=[a, b]`, query.Join([]string{"user/a", "kms:Encrypt", "key/x", "k:a=b c", "k:x=[a, b]"}))
	assert.Equal(t, "user/a kms:Encrypt key/x", query.Join([]string{"user/a kms:Encrypt key/x"}))
	all, err := query.Parse("[user/a, user/b] [kms:Encrypt, kms:Decrypt] key/x")
	require.NoError(t, err)
	assert.Len(t, all, 4)
}

func TestAdjustLeavesALayerOut(t *testing.T) {
	b, err := query.Open("testdata/world.txtar", query.Config{Engine: engine, Adjust: func(q *decision.Question) { q.SCP = nil }})
	require.NoError(t, err)
	x, err := query.ExplainFully(t.Context(), b, one(t, "role/admin kms:ScheduleKeyDeletion key/main"))
	require.NoError(t, err)
	assert.True(t, x.Allowed, "without SCPs")
	assert.Nil(t, x.When)
}

func TestNearestMissTellsVariables(t *testing.T) {
	b := open(t, "../../worlds/twins.txtar")
	const asked = "user/bob kms:Encrypt key/pair kms:EncryptionContext:owner=a"
	for context, want := range map[string]string{
		"":                                "and the request has a. The request has no kms:encryptioncontext:tenant.",
		" kms:EncryptionContext:tenant=b": "and the request has a. kms:encryptioncontext:tenant is b.",
		" kms:EncryptionContext:tenant=a kms:EncryptionContext:Tenant=a": "kms:encryptioncontext:tenant has several values, so it stands for none of them.",
	} {
		x, err := query.Explain(t.Context(), b, one(t, asked+context))
		require.NoError(t, err)
		require.NotNil(t, x.Nearest, context)
		assert.Contains(t, x.Nearest.String(), want)
	}
}
