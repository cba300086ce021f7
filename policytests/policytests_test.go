package policytests_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// town is a small world; the cases of a test follow it.
const town = `A town.
-- world.yaml --
regions: [us-east-1, eu-west-1]
accounts:
  "111122223333":
    name: acme
    users:
      bob: {policies: {use: use.json}}
      eve: {}
      "bob@x": {}
    roles:
      payroll: {trust: trust.json, policies: {use: use.json}}
    keys:
      payroll: {aliases: [alias/payroll]}
      twin: {}
      two: {id: 0d7f1a52-3c6e-4f0b-9d1e-5a8b7c2d4e6f, region: eu-west-1}
      closed: {policy: closed.json}
  "444455556666":
    name: partner
    users: {eve: {}, pat: {policies: {use: use.json}}}
    keys: {twin: {}}
  "555566667777": {name: small, regions: [us-east-1], users: {sid: {}}}
endpoints:
  vpce-0a0a0a0a0a0a0a0a0: {account: "111122223333", region: us-east-1, vpc: vpc-0a0a0a0a0a0a0a0a0}
services:
  s3.amazonaws.com:
    access-keys: {AKIASTORAGE: unused}
    acts-for: [{accounts: ["111122223333"], regions: [us-east-1], actions: ["kms:Decrypt"]}]
-- use.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Use", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}]}
-- trust.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}
-- closed.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Closed", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:dept": "finance"}}}]}
-- town.cases --
`

var engine = func() *decision.Engine {
	e, err := decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit})
	if err != nil {
		panic(err)
	}
	return e
}()

// run decides cases in the town.
func run(t *testing.T, cases string, o policytests.Options) (policytests.Report, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "town.txtar")
	require.NoError(t, os.WriteFile(file, []byte(town+cases), 0o600))
	o.Engine = engine
	return policytests.Run(context.Background(), []string{file}, o)
}

func TestFailureTellsWhatCameOut(t *testing.T) {
	report, err := run(t, "# The closed key\nallow user/bob kms:Decrypt key/closed because identity Use\n", policytests.Options{})
	require.NoError(t, err)
	failed := report.Failed()
	require.Len(t, failed, 1)
	assert.Contains(t, failed[0].Name(), "town.txtar:37: The closed key: allow user/bob kms:Decrypt key/closed")
	text := failed[0].Failure.String()
	assert.Contains(t, text, "wanted allow because identity Use\ngot    deny because no-allow resource\n")
	assert.Contains(t, text, "asked  arn:aws:iam::111122223333:user/bob: kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/")
	assert.Contains(t, text, "       identity allow; Allow use Use $.Statement[0] (use.json:1)\n")
	assert.Contains(t, text, "near   default Closed $.Statement[0] (closed.json:1), but for StringEquals kms:EncryptionContext:dept: wanted finance, was absent")
}

func TestLineWithListsIsACaseForEachCombination(t *testing.T) {
	report, err := run(t, "allow [user/bob, role/payroll, user/eve@acme] [kms:Decrypt, kms:Encrypt] key/payroll\n", policytests.Options{})
	require.NoError(t, err)
	require.Len(t, report.Results, 6)
	require.Len(t, report.Failed(), 2)
	assert.Contains(t, report.Failed()[0].Text, "allow user/eve@acme kms:Decrypt key/payroll")
}

func TestUnexpectedAllowFailsAndSoDoesAnotherReason(t *testing.T) {
	report, err := run(t, `deny user/bob kms:Decrypt key/payroll
deny user/eve@acme kms:Decrypt key/payroll because explicit-deny
text user/eve@acme kms:Decrypt key/payroll says "No."
accept key-policy use.json
refuse key-policy closed.json
refuse key-policy use.json because KR_LOCKOUT_CALLER
refuse iam-policy closed.json says "No."
allow user/bob kms:Decrypt key/payroll
`, policytests.Options{})
	require.NoError(t, err)
	require.Len(t, report.Failed(), 7)
	for i, want := range []string{
		"wanted deny\ngot    allow because allow identity \"Enable IAM User Permissions\" \"$.Statement[0]\" default Use use",
		"wanted deny because explicit-deny\ngot    deny because no-allow identity",
		"wanted No.\ngot    User: arn:aws:iam::111122223333:user/eve is not authorized",
		"wanted accept\ngot    refuse because MISSING_PRINCIPAL",
		"wanted refuse\ngot    accept",
		"wanted refuse because KR_LOCKOUT_CALLER\ngot    refuse because MISSING_PRINCIPAL",
		"wanted No.\ngot    an identity-based policy has no Principal",
	} {
		assert.True(t, strings.HasPrefix(report.Failed()[i].Failure.String(), want), report.Failed()[i].Failure.String())
	}
}

func TestCasesArePickedByName(t *testing.T) {
	report, err := run(t, "# First\nallow user/bob kms:ListKeys\n\n# Second\nallow role/payroll kms:ListKeys\n", policytests.Options{Select: regexp.MustCompile("Second")})
	require.NoError(t, err)
	require.Len(t, report.Results, 1)
	assert.Equal(t, "allow role/payroll kms:ListKeys", report.Results[0].Text)
}

func TestNamesAreLookedUpInTheirAccount(t *testing.T) {
	report, err := run(t, `allow user/bob kms:Decrypt key/twin
allow user/bob kms:Decrypt key/twin@acme
deny  user/bob kms:Decrypt key/twin@partner because no-allow
allow user/pat kms:Decrypt key/twin
deny  user/eve@444455556666 kms:Decrypt key/twin
deny  user/bob@x kms:Decrypt key/payroll
allow user/bob kms:Decrypt alias/payroll
deny  user/bob kms:Decrypt key/two because no-allow
deny  user/bob kms:Decrypt key/0d7f1a52-3c6e-4f0b-9d1e-5a8b7c2d4e6f
account partner
deny  user/eve kms:Decrypt key/twin because no-allow identity
region eu-west-1
deny  user/pat kms:ListKeys because no-allow
allow user/pat kms:ListKeys in us-east-1
`, policytests.Options{})
	require.NoError(t, err)
	failures(t, report)
	assert.Len(t, report.Results, 12)
}

func TestLinesThatCannotBeAskedAreErrors(t *testing.T) {
	for line, want := range map[string]string{
		"allow user/bobb kms:Decrypt key/payroll":                                             "36:7: there is no user/bobb in this world; did you mean user/bob?",
		"allow user/eve kms:Decrypt key/payroll":                                              "36:7: 2 things are called user/eve in this world; add @ACCOUNT, or in REGION",
		"allow user/bob@acme@acme kms:Decrypt key/payroll":                                    "36:7: there is no user/bob@acme@acme in account 111122223333",
		"allow root@nobody kms:Decrypt key/payroll":                                           "36:7: there is no account nobody in this world",
		"allow bob kms:Decrypt key/payroll":                                                   "36:7: a principal is written root, user/NAME, role/NAME, federated/NAME, web/NAME, service/NAME, or as an ARN",
		"allow arn:aws:iam::111122223333:user/no kms:Decrypt key/payroll":                     "36:7: there is no principal arn:aws:iam::111122223333:user/no in this world",
		"allow service/sns.amazonaws.com kms:Decrypt key/payroll":                             "36:7: this world lists no service sns.amazonaws.com",
		"allow user/bob kms:Decript key/payroll":                                              "36:16: there is no action kms:Decript; did you mean kms:Decrypt?",
		"allow user/bob sts:GetCallerIdentity":                                                "36:16: sts:GetCallerIdentity needs no permission, so there is nothing to decide (A-81)",
		"allow user/bob kms:Decrypt":                                                          "36:16: kms:Decrypt needs a resource: key/NAME",
		"allow user/bob kms:ListKeys key/payroll":                                             "36:29: kms:ListKeys is not about key/payroll; it is about no resource: leave it out, or write *",
		"allow user/bob kms:EnableKey alias/payroll":                                          "36:30: kms:EnableKey takes no alias",
		"allow user/bob kms:Decrypt key/nokey":                                                "36:28: there is no key/nokey in this world",
		"allow user/bob kms:Decrypt arn:aws:kms:us-east-1:111122223333:key/x":                 "36:28: there is no such key; to its own account the service says so, and nothing is decided",
		"allow user/bob kms:Decrypt key/payroll in eu-west-1":                                 "36:28: key/payroll is in us-east-1",
		"allow user/bob kms:Decrypt key/payroll kms:ViaServic=x":                              "36:40: there is no condition key kms:ViaServic; did you mean kms:ViaService?",
		"allow user/bob kms:Decrypt key/payroll kms:GrantOperations=[A]":                      "36:40: requests for kms:Decrypt do not have kms:GrantOperations",
		"allow user/bob kms:Decrypt key/payroll aws:PrincipalTag/a=b":                         "36:40: aws:PrincipalTag/a cannot be set by a request; it comes from tags in the world, or with tag NAME=VALUE",
		"allow user/bob kms:Decrypt key/payroll kms:KeySpec=RSA_2048":                         "36:40: kms:KeySpec cannot be set by a request; it comes from the key in the world",
		"allow user/bob kms:Decrypt key/payroll aws:VpceAccount=1":                            "36:40: no request ever has aws:VpceAccount",
		"allow user/bob kms:Decrypt key/payroll kms:EncryptionContext:a=[1,2]":                "36:40: kms:EncryptionContext:a has one value",
		"allow user/bob kms:Decrypt key/payroll aws:UserAgent=x !aws:useragent":               "36:56: aws:useragent is both given and absent",
		"allow user/bob kms:Decrypt key/payroll session x":                                    "36:7: only a session of a role has a name, policies, tags or a source identity",
		"allow role/payroll kms:Decrypt key/payroll with mfa 3":                               "36:7: MFA does not pass on to the sessions of a role",
		"allow role/payroll kms:Decrypt key/payroll with policy no.json":                      "36:56: there is no file no.json",
		"allow role/payroll kms:Decrypt key/payroll with policy ../x.json":                    "36:56: the path leads out of the world",
		"allow user/bob kms:Decrypt key/payroll via endpoint vpce-1":                          "36:53: there is no endpoint vpce-1 in this world",
		"allow user/bob kms:Decrypt key/two via endpoint vpce-0a0a0a0a0a0a0a0a0":              "36:49: vpce-0a0a0a0a0a0a0a0a0 is in us-east-1 and serves no request for eu-west-1",
		"allow user/bob kms:Decrypt key/payroll via service sns.amazonaws.com":                "36:52: this world lists no service sns.amazonaws.com",
		"allow user/bob kms:Encrypt key/payroll via service s3.amazonaws.com":                 "36:52: the world does not let s3.amazonaws.com act for 111122223333 in us-east-1 with kms:Encrypt; its acts-for says for whom it may",
		"allow user/bob kms:Decrypt key/payroll aws:SourceAccount=111122223333":               "36:7: only a service that calls as itself names a source",
		"allow user/bob kms:RetireGrant key/payroll":                                          "36:32: kms:RetireGrant retires one grant: add grant NAME",
		"allow user/bob kms:RetireGrant key/payroll grant x":                                  "36:50: payroll has no grant x",
		"allow user/bob kms:CreateGrant key/payroll kms:EncryptionContext:a=b":                "36:16: say which constraint: kms:GrantConstraintType=EncryptionContextEquals or …Subset",
		"allow user/bob kms:CreateAlias alias/x@partner":                                      "36:32: aliases are made and changed in the caller's own account only",
		"allow user/sid kms:ListKeys in eu-west-1":                                            "36:7: account 555566667777 does not have the Region eu-west-1",
		`allow role/payroll kms:Decrypt key/payroll session "a b"`:                            "36:7: no session can be called a b: its name has 2 to 64 letters, digits and +=,.@_-",
		"allow user/bob kms:Decrypt key/payroll aws:UserAgent=x aws:useragent=y":              "36:56: aws:useragent is given twice",
		"allow service/s3.amazonaws.com kms:Decrypt key/payroll aws:SourceArn=arn:aws:s3:::b": "36:56: aws:SourceAccount is needed beside an ARN that has no account",
		"allow service/s3.amazonaws.com kms:Decrypt key/payroll aws:SourceArn=arn:aws:sns:us-east-1:111122223333:t aws:SourceAccount=444455556666": "36:56: aws:SourceArn and aws:SourceAccount name different accounts",
		"accept key-policy no.json":                                 "36:19: there is no file no.json",
		"accept grant use.json":                                     "36:8: a grant is on a key: add on key/NAME",
		`text user/bob kms:Decrypt key/closed says "{user/nobody}"`: "36:43: there is no user/nobody in this world",
		"allow user/bob kms:Decrypt key/payroll because":            "36:47: a layer, a reason or a statement is missing",
	} {
		_, err := run(t, line+"\n", policytests.Options{})
		if assert.Error(t, err, line) {
			_, text, _ := strings.Cut(err.Error(), "town.txtar:")
			assert.Equal(t, want, text, line)
		}
	}
}

func TestErrorInOneLineLeavesTheOthers(t *testing.T) {
	report, err := run(t, "allow user/bob kms:Decrypt key/nokey\nallow user/bob kms:Decrypt key/payroll\nallow\n", policytests.Options{})
	require.Error(t, err)
	assert.Len(t, report.Results, 1)
	assert.Empty(t, report.Failed())
}

func TestTimeIsTheSameEveryDayUnlessGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "town.txtar")
	require.NoError(t, os.WriteFile(file, []byte(town), 0o600))
	w, err := world.Load(file, nil)
	require.NoError(t, err)
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	require.NoError(t, err)
	for text, want := range map[string]string{
		"user/bob kms:ListKeys":                           "2026-01-15T12:00:00Z",
		"user/bob kms:ListKeys at 2030-06-01":             "2030-06-01T00:00:00Z",
		"user/bob kms:ListKeys at 2030-06-01T02:00+02:00": "2030-06-01T00:00:00Z",
	} {
		r, err := caseline.ParseRequest(text)
		require.NoError(t, err)
		q, err := asker.Question(r, ".")
		require.NoError(t, err)
		assert.Equal(t, []string{want}, q.Context["aws:currenttime"], text)
	}
}

func TestWorldsAreFoundByPath(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("a/world.yaml", "accounts: {\"111122223333\": {users: {bob: {policies: {use: p/use.json}}}, keys: {k: {}}}}\n")
	write("a/p/use.json", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}`)
	write("a/one.cases", "allow user/bob kms:Decrypt key/k\n")
	write("a/p/two.cases", "allow user/bob kms:Encrypt key/k\naccept iam-policy use.json\n")
	write("b/c.txtar", "-- world.yaml --\naccounts: {\"111122223333\": {users: {bob: {}}, keys: {k: {}}}}\n-- x.cases --\ndeny user/bob kms:Decrypt key/k\n")
	write("a/three.cases.yaml", "cases:\n  - allow user/bob kms:Encrypt key/k\n  - allow user/bob kms:ListKeys\n")
	write("b/empty.txtar", "-- world.yaml --\naccounts: {\"111122223333\": {}}\n")
	for path, want := range map[string]int{"": 6, "a": 5, "a/one.cases": 1, "a/p/two.cases": 2, "a/three.cases.yaml": 2, "b": 1, "b/c.txtar": 1} {
		report, err := policytests.Run(context.Background(), []string{filepath.Join(dir, path)}, policytests.Options{Engine: engine})
		require.NoError(t, err, path)
		failures(t, report)
		assert.Len(t, report.Results, want, path)
	}
	report, err := policytests.Run(context.Background(), []string{filepath.Join(dir, "a/one.cases"), filepath.Join(dir, "a")}, policytests.Options{Engine: engine})
	require.NoError(t, err)
	assert.Len(t, report.Results, 5, "each case once")
	for _, path := range []string{"none", "b/empty.txtar", "a/world.yaml"} {
		_, err := policytests.Run(context.Background(), []string{filepath.Join(dir, path)}, policytests.Options{Engine: engine})
		assert.Error(t, err, path)
	}
}

func TestStructuredFilesInArchivesKnowTheirLines(t *testing.T) {
	report, err := run(t, "deny user/bob kms:Decrypt key/two\n-- x.cases.json --\n{\"table\": {\"key/payroll\": {\n  \"user/bob\": {\"kms:Decrypt\": \"deny\"}}}}\n", policytests.Options{})
	require.NoError(t, err)
	require.Len(t, report.Failed(), 1)
	assert.Equal(t, 39, report.Failed()[0].Line)
	assert.Equal(t, "deny user/bob kms:Decrypt key/payroll", report.Failed()[0].Text)
}

func TestBrokenWorldIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.txtar")
	require.NoError(t, os.WriteFile(file, []byte("-- world.yaml --\nacounts: {}\n-- x.cases --\n"), 0o600))
	_, err := policytests.Run(context.Background(), []string{file}, policytests.Options{Engine: engine})
	assert.ErrorContains(t, err, "acounts: unknown field")
}

// TestGrammarExamplesParse keeps the examples of GRAMMAR.md true.
func TestGrammarExamplesParse(t *testing.T) {
	text, err := os.ReadFile("GRAMMAR.md")
	require.NoError(t, err)
	for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		_, err := caseline.ParseStructured("GRAMMAR.md", []byte(b[1]))
		assert.NoError(t, err)
	}
	blocks := regexp.MustCompile("(?s)```cases\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		_, err := caseline.Parse("GRAMMAR.md", b[1], 0)
		assert.NoError(t, err)
	}
}

func TestSchemaOfCasesKnowsEachField(t *testing.T) {
	var schema struct {
		Defs struct {
			Group struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"group"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(policytests.Schema, &schema))
	_, err := caseline.ParseStructured("x", []byte("no: 1\n"))
	require.Error(t, err)
	_, known, _ := strings.Cut(err.Error(), "known here are ")
	var fields []string
	for name := range schema.Defs.Group.Properties {
		fields = append(fields, name)
	}
	assert.ElementsMatch(t, strings.Split(known, ", "), fields)
}

func TestProgressIsToldForEachCase(t *testing.T) {
	var told atomic.Int64
	var last atomic.Int64
	_, err := run(t, "allow user/bob kms:ListKeys\nallow role/payroll kms:ListKeys\ndeny user/eve@acme kms:ListKeys\n", policytests.Options{
		Progress: func(world string, done, all int) {
			assert.Contains(t, world, "town.txtar")
			assert.Equal(t, 3, all)
			told.Add(1)
			last.Store(max(last.Load(), int64(done)))
		},
	})
	require.NoError(t, err)
	assert.Equal(t, int64(3), told.Load())
	assert.Positive(t, last.Load())
}
