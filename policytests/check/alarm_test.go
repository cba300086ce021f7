package check_test

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/guide"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

var now = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// grave are the findings that are errors or about security, as "RULE at path:
// message".
func grave(r *check.Result) []string {
	var all []string
	for _, f := range r.Findings {
		if f.Severity <= lint.Security && f.Ignored == "" {
			all = append(all, f.Rule+" at "+f.Span.Path+": "+f.Message)
		}
	}
	return all
}

func TestThreadsAboutFalseAlarmsStaySilent(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "threads.txtar"))
	require.NoError(t, err)
	require.Len(t, archive.Files, 16)
	for _, f := range archive.Files {
		for name, formOnly := range map[string]bool{"by form": true, "by meaning": false} {
			t.Run(strings.TrimSuffix(f.Name, path.Ext(f.Name))+" "+name, func(t *testing.T) {
				r, err := check.Text(t.Context(), f.Name, f.Data, check.Options{Now: now, FormOnly: formOnly})
				require.NoError(t, err)
				require.Empty(t, r.Problems)
				require.NotEmpty(t, r.Policies)
				assert.Empty(t, grave(r))
			})
		}
	}
}

// warned are the counterparts of prints that the guide itself warns about, or
// gets wrong.
var warned = map[string][]string{
	// Guide, "kms:KeyOrigin": the print is a key policy, and CreateKey asks none.
	"13-key-origin.key.json": {"UNSUPPORTED_ACTION_IN_POLICY"},
	// Guide, Grants: leave to create grants is to be given as carefully as leave
	// to change the key policy, and these give it to everybody they name.
	"04-replica.key.json":            {"KR_ESCALATION_CREATEGRANT"},
	"13-key-usage-use.iam.json":      {"KR_ESCALATION_CREATEGRANT"},
	"13-retiring-principal.key.json": {"KR_ESCALATION_CREATEGRANT"},
	"29-desktops.iam.json":           {"KR_ESCALATION_CREATEGRANT"},
}

// managed adds the statement that the guide takes for granted where it prints a
// part of a key policy: that somebody can change the policy.
func managed(t *testing.T, text []byte) []byte {
	t.Helper()
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document))
	statements, many := document["Statement"].([]any)
	if !many {
		statements = []any{document["Statement"]}
	}
	document["Statement"] = append(statements, map[string]any{"Sid": "TakenForGranted", "Effect": "Allow",
		"Principal": map[string]any{"AWS": "arn:aws:iam::204060801003:root"}, "Action": "kms:PutKeyPolicy", "Resource": "*"})
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return text
}

func TestPoliciesThatTheGuidePrintsAreSilent(t *testing.T) {
	prints, err := guide.Prints()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, p := range prints {
		if seen[p.File] {
			continue
		}
		seen[p.File] = true
		t.Run(p.File, func(t *testing.T) {
			kind, text, err := guide.Read(p.File)
			require.NoError(t, err)
			if kind == policy.Key && !strings.Contains(string(text), `"kms:*"`) && !strings.Contains(string(text), "kms:Put") {
				text = managed(t, text)
			}
			r, err := check.Text(t.Context(), p.File, text, check.Options{Now: now})
			require.NoError(t, err)
			require.Len(t, r.Policies, 1)
			var rules []string
			for _, f := range grave(r) {
				rule, _, _ := strings.Cut(f, " ")
				rules = append(rules, rule)
			}
			assert.Equal(t, warned[p.File], rules, "%s", strings.Join(grave(r), "\n"))
		})
	}
	assert.Greater(t, len(seen), 100)
}

// What linters have been reported to miss is found.
func TestWhatOthersMissIsFound(t *testing.T) {
	for name, row := range map[string]struct{ statement, rule string }{
		"checkov 5627: a star in a list": {
			`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "kms:Decrypt", "Resource": "*"}`, "KR_PUBLIC_KEY"},
		"a star in the second of two statements": {
			`{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringNotEquals": {"kms:CallerAccount": "999988887777"}}}`, "KR_PUBLIC_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := check.Text(t.Context(), "a.key.json", []byte(document(delegate, row.statement)), check.Options{Now: now})
			require.NoError(t, err)
			for _, f := range r.Findings {
				if f.Rule == row.rule {
					require.NotEmpty(t, f.Witness)
					assert.True(t, f.Witness[0].Allowed)
					assert.Contains(t, f.Witness[0].Case, "allow ")
					return
				}
			}
			assert.Fail(t, "not found", "%v", grave(r))
		})
	}
}

// logs is the key policy that CloudWatch Logs' documentation prints.
const logs = `{"Version": "2012-10-17", "Id": "key-default-1", "Statement": [
  {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
  {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
   "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"], "Resource": "*",
   "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:111122223333:log-group:orders"}}}]}`

// serviceWorld has a key that services are to use; what comes after it may list
// them.
const serviceWorld = `regions: [us-east-1]
accounts:
  "111122223333":
    users: {ann: {}}
    keys:
      store:
        policy:
          Version: 2012-10-17
          Statement:
          - {Sid: Own, Effect: Allow, Principal: {AWS: "111122223333"}, Action: "kms:*", Resource: "*"}
          - {Sid: Service, Effect: Allow, Principal: {Service: logs.us-east-1.amazonaws.com}, Action: "kms:Decrypt", Resource: "*", Condition: {StringEquals: {"aws:SourceAccount": "111122223333"}}}
          - {Sid: Through, Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:user/ann"}, Action: "kms:Decrypt", Resource: "*", Condition: {StringEquals: {"kms:ViaService": s3.us-east-1.amazonaws.com}}}
          - {Sid: Never, Effect: Deny, Principal: {AWS: "*"}, Action: "kms:Sign", Resource: "*", Condition: {Bool: {"aws:ViaAWSService": "true"}}}
`

// A finding that is no alarm, or is none at all, or is one where it was none.
func TestAlarmsAreRaisedWhereTheyAreDue(t *testing.T) {
	const half = `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Action": ["kms:Decrypt", "kms:ReEncryptFrom"], "Resource": "*"}`
	const keeper = `{"Sid": "Keep", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": ["kms:PutKeyPolicy", "kms:GetKeyPolicy"], "Resource": "*"}`
	administrators, err := os.ReadFile(filepath.Join("..", "guide", "09-example.key.json"))
	require.NoError(t, err)
	for name, row := range map[string]struct {
		file, text, rule string
		want             []string // severity and path, ? where unknown
	}{
		"the key policy of CloudWatch Logs, of which one action does not hold the encryption context": {
			"a.key.json", logs, "UNSUPPORTED_ACTION_FOR_CONDITION_KEY", []string{"warning $.Statement[1].Condition.ArnEquals['kms:EncryptionContext:aws:logs:arn']"}},
		"a statement of which no action holds the key": {
			"a.key.json", strings.Replace(logs, `["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]`, `["kms:Describe*"]`, 1),
			"UNSUPPORTED_ACTION_FOR_CONDITION_KEY", []string{"error $.Statement[1].Condition.ArnEquals['kms:EncryptionContext:aws:logs:arn']"}},
		"the console's default key policy, whose administrators may replace it": {
			"a.key.json", string(administrators), "KR_DELETE_UNGUARDED", nil},
		"somebody else who may delete the key": {
			"a.key.json", document(delegate, `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}`),
			"KR_DELETE_UNGUARDED", []string{"warning $.Statement[1].Action"}},
		"half of ReEncrypt, and another account has the other half": {
			"a.key.json", document(keeper, `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "kms:ReEncrypt*", "Resource": "*"}`, half),
			"KR_REENCRYPT_HALF", []string{"warning $.Statement[2].Action[1]"}},
		"half of ReEncrypt, and the other is left to IAM policies of the account": {
			"a.key.json", document(keeper, `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:ReEncrypt*", "Resource": "*"}`, half),
			"KR_REENCRYPT_HALF", nil},
		"an Allow for services, in a world that lists none": {
			"world.yaml", serviceWorld, "KR_UNREACHABLE_ALLOW", []string{"warning? $.Statement[1]", "warning? $.Statement[2]"}},
		"a Deny for services, in a world that lists none": {
			"world.yaml", serviceWorld, "KR_DENY_WITHOUT_EFFECT", []string{"warning? $.Statement[3]"}},
		"an Allow for services, in a world that lets them do something else": {
			"world.yaml", serviceWorld + `services:
  s3.amazonaws.com:
    access-keys: {AKIASTORAGE: not-used-here}
    acts-for: [{accounts: ["111122223333"], regions: [us-east-1], actions: ["kms:Sign"]}]
`, "KR_UNREACHABLE_ALLOW", []string{"warning? $.Statement[1]", "warning $.Statement[2]"}},
	} {
		t.Run(name, func(t *testing.T) {
			directory(t, map[string]string{row.file: row.text})
			r, err := check.Paths(t.Context(), []string{row.file}, check.Options{Now: now})
			require.NoError(t, err)
			require.Empty(t, r.Problems)
			var got []string
			for _, f := range r.Findings {
				if f.Rule != row.rule {
					continue
				}
				severity := f.Severity.String()
				if f.Unknown {
					severity += "?"
				}
				got = append(got, severity+" "+f.Span.Path)
			}
			assert.Equal(t, row.want, got, "%v", told(r))
		})
	}
}

func TestAnUnreachableAllowNamesWhatStandsAgainstIt(t *testing.T) {
	const role = `"Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Resource": "*"`
	for want, statements := range map[string][]string{
		`the Deny "Never" covers it`: {`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt"}`, `{"Sid": "Never", "Effect": "Deny", "Principal": "*", "Resource": "*", "Action": "kms:Decrypt"}`},
		`the Deny Statement[2] refuses some of it, and the rest is refused elsewhere`: {`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt"}`,
			`{"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": "kms:Decrypt", "Condition": {"Null": {"kms:EncryptionContext:a": "true"}}}`,
			`{"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": "kms:Decrypt", "Condition": {"Null": {"kms:EncryptionContext:a": "false"}}}`},
	} {
		r, err := check.Text(t.Context(), "a.key.json", []byte(document(append([]string{delegate}, statements...)...)), check.Options{Now: now})
		require.NoError(t, err)
		var messages []string
		for _, f := range r.Findings {
			if f.Rule == "KR_UNREACHABLE_ALLOW" {
				messages = append(messages, f.Message)
			}
		}
		assert.Equal(t, []string{"Whatever this statement allows is refused: " + want + "."}, messages)
	}
}
