package query_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decisionlog"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// logged decides a request and returns its line in the decision log.
func logged(t *testing.T, b *query.Base, line string, plain bool) string {
	t.Helper()
	q, err := b.Question(one(t, line))
	require.NoError(t, err, line)
	d, err := b.Decide(t.Context(), q)
	require.NoError(t, err)
	l := decisionlog.Lines{Plain: plain}
	return string(l.AppendDecision(nil, decisionlog.Call{
		ID: "6f1c1d9e-7a54-4c0f-9d0b-8f4f3f3d9a01", RequestID: "r1", Operation: "Decrypt", Time: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC),
		Revision: b.World().Digest(),
	}, 0, d))
}

// replayed reads one record and decides it again.
func replayed(t *testing.T, b *query.Base, text string, hints ...caseline.Pair) query.Replay {
	t.Helper()
	records, err := query.Records(strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, records, 1)
	all, err := b.Replays(t.Context(), records[0], hints)
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func TestDecisionLogLinesAreDecidedAsThen(t *testing.T) {
	b := open(t, "world.txtar")
	for _, line := range []string{
		"user/ann kms:Decrypt key/main", "user/bob kms:Decrypt key/main", "root@acme kms:Decrypt key/main", "user/ann kms:CreateKey", "user/eve kms:Decrypt key/main",
		"role/batch kms:Decrypt key/shared kms:EncryptionContext:dept=finance", "user/carol kms:Decrypt key/shared", "user/carol kms:DisableKey key/shared",
		"user/ann kms:Decrypt key/inside via endpoint vpce-0123456789abcdef0", "user/ann kms:Decrypt alias/main aws:SourceIp=203.0.113.9",
		"service/s3.amazonaws.com kms:GenerateDataKey key/named aws:SourceAccount=111122223333", "user/ann kms:Decrypt key/main via service s3.amazonaws.com",
		"role/payroll kms:Decrypt key/main kms:EncryptionContext:dept=it with tag team=a", "user/ann kms:Encrypt key/main with mfa 30",
		"federated/visitor kms:Decrypt key/main", "role/admin kms:CreateGrant key/main kms:GrantOperations=[Decrypt,Encrypt]",
		"user/ann sts:AssumeRole role/admin", "user/ann kms:Decrypt key/main at 2026-03-01", "role/admin kms:RetireGrant key/shared grant nightly",
	} {
		r := replayed(t, b, logged(t, b, line, true))
		assert.True(t, r.Same(), "%s: %+v", line, r.Differs)
		assert.Empty(t, r.Differs, line)
		assert.Empty(t, r.Unknown, line)
		assert.Equal(t, query.FromDecision, r.Source)
	}
}

func TestWhatIsOtherwiseThanThenIsTold(t *testing.T) {
	const then = `accounts:
  "111122223333":
    users: {bob: {policies: {use: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "kms:Decrypt", Resource: "*"}}}}}
    keys: {main: {tags: {data: salaries}}}
`
	base := func(text string) *query.Base {
		w, err := world.LoadFS(fstest.MapFS{"world.yaml": {Data: []byte(text)}}, nil)
		require.NoError(t, err)
		b, err := query.New(query.Config{World: w, Engine: engine})
		require.NoError(t, err)
		return b
	}
	line := logged(t, base(then), "user/bob kms:Decrypt key/main", true)
	now := base(strings.NewReplacer(`"kms:Decrypt"`, `"kms:Encrypt"`, "use:", "write:", "salaries", "none").Replace(then))
	r := replayed(t, now, line)
	assert.False(t, r.Same())
	assert.Equal(t, []string{
		"the decision: then allowed, now denied", "the world is another version than then", "IAM policies: then use, now write",
		"aws:resourcetag/data: then salaries, now none",
	}, r.Differs)
	var out bytes.Buffer
	require.NoError(t, r.WriteText(&out, report.Style{}))
	assert.Contains(t, out.String(), "  then  allowed (allow, identity)\n  now   denied\n\nOtherwise than then:\n  - the decision: then allowed, now denied\n")
}

func TestMaskedValuesAreSaidAsSuch(t *testing.T) {
	b := open(t, "world.txtar")
	line := logged(t, b, "role/payroll kms:Decrypt key/main kms:EncryptionContext:dept=finance", false)
	r := replayed(t, b, line)
	assert.Equal(t, "unknown", r.Verdict)
	assert.Equal(t, []string{"masked values of the encryption context decide: dept. It is allowed with dept=finance, else denied; " +
		"give the value as kms:EncryptionContext:NAME=VALUE"}, r.Unknown)
	r = replayed(t, b, line, caseline.Pair{Key: "kms:EncryptionContext:dept", Values: []string{"finance"}})
	assert.Equal(t, "allowed", r.Verdict)
	assert.True(t, r.Same())
	r = replayed(t, b, logged(t, b, "user/ann kms:Decrypt key/main kms:EncryptionContext:dept=finance", false))
	assert.Equal(t, "allowed", r.Verdict)
	assert.Equal(t, []string{"masked values of the encryption context, which do not matter: dept"}, r.Unknown)
}

func TestASessionPolicyThatLogsLackLeavesItUnknown(t *testing.T) {
	b := open(t, "world.txtar")
	r := replayed(t, b, logged(t, b, "role/admin kms:Decrypt key/main with policy session.json", true))
	assert.Equal(t, "unknown", r.Verdict, "it was denied then")
	assert.Contains(t, r.Unknown[0], "the session policy session.json, which logs do not hold")
}

// An event of CloudTrail, as far as it matters here.
func event(changes ...string) string {
	return strings.NewReplacer(changes...).Replace(`{
  "eventVersion": "1.08", "eventID": "e1", "eventTime": "2026-11-23T09:08:07Z", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt",
  "userIdentity": {"type": "AssumedRole", "principalId": "AROAX:nightly", "arn": "arn:aws:sts::111122223333:assumed-role/payroll/nightly", "accountId": "111122223333",
    "sessionContext": {"attributes": {"creationDate": "2026-11-23T09:00:00Z", "mfaAuthenticated": "false"}}},
  "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.23", "userAgent": "aws-cli/2.31.0",
  "requestParameters": {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": "alias/main", "encryptionContext": {"dept": "finance"}},
  "responseElements": null,
  "resources": [{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": "arn:aws:kms:us-east-1:111122223333:key/f0ad2721-b306-8e75-8fac-6255fee18494"}]
}`)
}

func TestEventsAreDecidedAgain(t *testing.T) {
	b := open(t, "world.txtar")
	r := replayed(t, b, event())
	assert.True(t, r.Same())
	assert.Equal(t, "arn:aws:sts::111122223333:assumed-role/payroll/nightly kms:Decrypt alias/main aws:SourceIp=198.51.100.23 aws:UserAgent=aws-cli/2.31.0 "+
		"kms:EncryptionAlgorithm=SYMMETRIC_DEFAULT kms:EncryptionContext:dept=finance at 2026-11-23T09:08:07Z", r.Now.Request)
	assert.Equal(t, []string{"tags and session policies that the session came with, if any"}, r.Unknown)

	r = replayed(t, b, event(`"dept": "finance"`, `"dept": "it"`))
	assert.False(t, r.Same())
	assert.Equal(t, []string{"the decision: then allowed, now denied"}, r.Differs)

	r = replayed(t, b, event(`"eventVersion"`, `"errorCode": "AccessDenied", "errorMessage": "no", "eventVersion"`))
	assert.Equal(t, []string{"the decision: then denied, now allowed"}, r.Differs)
	assert.Equal(t, "no", r.Then.Sentence)
}

func TestACallOfSeveralChecksIsSeveralReplays(t *testing.T) {
	b := open(t, "world.txtar")
	records, err := query.Records(strings.NewReader(`{"Records": [` + event(`"Decrypt"`, `"ReEncrypt"`, `"arn:aws:sts::111122223333:assumed-role/payroll/nightly"`,
		`"arn:aws:iam::111122223333:user/ann"`, `"AssumedRole"`, `"IAMUser"`, `"encryptionContext": {`, `"sourceEncryptionContext": {"a": "b"}, "destinationEncryptionContext": {`,
		`"encryptionAlgorithm"`, `"sourceEncryptionAlgorithm"`) + `]}`))
	require.NoError(t, err)
	all, err := b.Replays(t.Context(), records[0], nil)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Contains(t, all[0].Now.Request, "kms:ReEncryptFrom")
	assert.Contains(t, all[0].Now.Request, "kms:EncryptionContext:a=b")
	assert.Contains(t, all[1].Now.Request, "kms:ReEncryptTo")
	assert.Contains(t, all[1].Now.Request, "kms:EncryptionContext:dept=finance")
}

func TestOfAKeyThatTheWorldLacksTheRecordIsRetold(t *testing.T) {
	b := open(t, "world.txtar")
	r := replayed(t, b, event(`"alias/main"`, `"x"`, "f0ad2721-b306-8e75-8fac-6255fee18494", "absent"))
	assert.Equal(t, "unknown", r.Verdict)
	assert.Contains(t, strings.Join(r.Unknown, "\n"), "key/absent: this world has no such key")
	assert.Nil(t, r.Then.Evidence, "events hold none")
	assert.Zero(t, r.Now)

	line := strings.ReplaceAll(logged(t, b, "user/ann kms:Decrypt key/main", true), "f0ad2721-b306-8e75-8fac-6255fee18494", "absent")
	r = replayed(t, b, line)
	assert.Equal(t, "unknown", r.Verdict)
	require.NotNil(t, r.Then.Evidence)
	var out bytes.Buffer
	require.NoError(t, r.WriteText(&out, report.Style{}))
	assert.Contains(t, out.String(), "As the record tells it: arn:aws:iam::111122223333:user/ann kms:Decrypt arn:aws:kms:us-east-1:111122223333:key/absent\n\nLAYER ")
	assert.Contains(t, out.String(), "keyreeve repl --server URL")
}

func TestRecordsThatCannotBeReplayedSayWhy(t *testing.T) {
	b := open(t, "world.txtar")
	for want, text := range map[string]string{
		"there is no principal arn:aws:iam::111122223333:user/zoe":    event(`assumed-role/payroll/nightly`, `x`, `"arn:aws:sts::111122223333:x"`, `"arn:aws:iam::111122223333:user/zoe"`, `"arn:aws:sts::111122223333:assumed-role/payroll/nightly"`, `"arn:aws:iam::111122223333:user/zoe"`),
		"the key owner's copy, which does not say who called":         event(`"arn": "arn:aws:sts::111122223333:assumed-role/payroll/nightly",`, ``),
		"the service did this by itself":                              event(`"eventVersion"`, `"eventType": "AwsServiceEvent", "eventVersion"`),
		"GetObject of s3.amazonaws.com is no operation":               event(`"Decrypt"`, `"GetObject"`, "kms.amazonaws.com", "s3.amazonaws.com"),
		"it does not say which key was asked for":                     event(`"keyId": "alias/main", `, ``, `"resources"`, `"others"`),
		"refused before there was anything to decide: nobody lets it": `{"decision_id": "d1", "path": "keyreeve/call/refused", "result": {"reason": "nobody lets it"}}`,
	} {
		records, err := query.Records(strings.NewReader(text))
		require.NoError(t, err)
		_, err = b.Replays(t.Context(), records[0], nil)
		require.ErrorContains(t, err, want)
	}
	for want, text := range map[string]string{
		"record 1 is no JSON": "user/ann", "there is no record": "", "it is no audit event": `{"a": 1}`, "it is no object": `"x"`,
		"2 in the list": `[` + event() + `, {}]`,
	} {
		_, err := query.Records(strings.NewReader(text))
		assert.ErrorContains(t, err, want)
	}
}

func TestQuestionsNeedNoWorld(t *testing.T) {
	records, err := query.Records(strings.NewReader(`{"id":"q","rule":"key_policy","action":"kms:Decrypt",
  "resource":{"arn":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
  "principal":{"type":"user","arn":"arn:aws:iam::111122223333:user/eve"},
  "policies":{"resource":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*"}]}}}`))
	require.NoError(t, err)
	require.Equal(t, query.FromQuestion, records[0].Source)
	x, err := query.ExplainQuestion(t.Context(), engine, records[0])
	require.NoError(t, err)
	assert.False(t, x.Allowed)
	assert.Equal(t, query.RuleDelegation, x.Rule)
	var out bytes.Buffer
	require.NoError(t, x.WriteText(&out, report.Style{}))
}

func FuzzRecords(f *testing.F) {
	f.Add(event())
	f.Add(`{"decision_id": "d1", "path": "keyreeve/answer/decision", "input": {"action": "kms:Decrypt"}, "result": {"allowed": true}}`)
	f.Add(`{"rule": "trust", "policies": {}}`)
	b := open(f, "world.txtar")
	f.Fuzz(func(t *testing.T, text string) {
		records, err := query.Records(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range records {
			if r.Source != query.FromQuestion {
				_, _ = b.Replays(t.Context(), r, nil) // whatever it says, it ends
			}
		}
	})
}
