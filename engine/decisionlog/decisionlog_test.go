package decisionlog_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/plugins/logs"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/decisionlog"
	"github.com/keyreeve/keyreeve/rego/lib/schema"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const keyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

var call = decisionlog.Call{
	ID: "6f1c1d9e-7a54-4c0f-9d0b-8f4f3f3d9a01", RequestID: "r1", Operation: "Decrypt", RequestedBy: netip.MustParseAddr("192.0.2.7"),
	Time: time.Date(2026, time.January, 15, 12, 0, 0, 5, time.UTC), Revision: "w1",
}

// asked is bob's question whether he may decrypt what the department finance
// encrypted; a grant that he has is for another context.
func asked(t *testing.T) decision.Question {
	t.Helper()
	document := func(kind policy.Kind, text string) *policy.Document {
		d, err := policy.Parse(kind, []byte(text))
		require.NoError(t, err)
		return d
	}
	secret := map[string]string{"Dept": "marker-1", "a/b": "marker-2"}
	return decision.Question{
		Rule: decision.KeyPolicy, Action: "kms:Decrypt", CrossAccountPossible: true,
		Resource: decision.Resource{ARN: keyARN, Account: "111122223333"},
		Principal: decision.Principal{Type: decision.User, Account: "111122223333", User: "AIDABOB",
			ARN: "arn:aws:iam::111122223333:user/bob"},
		Context: map[string][]string{
			"aws:sourceip": {"192.0.2.7"}, "kms:encryptioncontext:dept": {"marker-1"}, "kms:encryptioncontext:a/b": {"marker-2"},
			"kms:encryptioncontextkeys": {"Dept", "a/b"},
		},
		EncryptionContext: secret,
		KeyPolicy: &decision.Policy{Name: "default", Document: document(policy.Key, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
			"Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}}`)},
		Identity: []decision.Policy{{Name: "use", ARN: "arn:aws:iam::111122223333:policy/use", Document: document(policy.Identity,
			`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
			"Condition": {"StringEquals": {"kms:EncryptionContext:dept": "it"}}}}`)}},
		SCP: [][]decision.Policy{{{Name: "most", Document: document(policy.SCP, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`)}}},
		Grants: []decision.Grant{{ID: "g1", Grantee: decision.Party{Via: decision.ViaUser, ID: "AIDABOB"}, Operations: []string{"Decrypt"},
			Equals: map[string]string{"Dept": "marker-3"}, IssuingAccount: "111122223333"}},
		Child: &decision.Child{Operations: []string{"Decrypt"}, Subset: map[string]string{"x": "marker-4"}},
	}
}

// logged decides questions and returns their lines.
func logged(t *testing.T, plain bool, questions ...decision.Question) []string {
	t.Helper()
	e, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(t, err)
	var out []byte
	l := decisionlog.Lines{Labels: map[string]string{"id": "i1"}, Plain: plain}
	for n, q := range questions {
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err)
		out = l.AppendDecision(out, call, n, d)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// parsed reads a line as OPA's own collectors would.
func parsed(t *testing.T, line string) logs.EventV1 {
	t.Helper()
	var e logs.EventV1
	require.NoError(t, json.Unmarshal([]byte(line), &e))
	return e
}

func TestALineIsAnEventOfOPA(t *testing.T) {
	lines := logged(t, false, asked(t), asked(t))
	e := parsed(t, lines[0])
	assert.Equal(t, "keyreeve/answer/decision", e.Path)
	assert.Equal(t, map[string]string{"id": "i1"}, e.Labels)
	assert.Equal(t, call.Time, e.Timestamp)
	assert.Equal(t, "192.0.2.7", e.RequestedBy)
	assert.Equal(t, "w1", e.Bundles["keyreeve"].Revision)
	assert.Equal(t, map[string]any{"request_id": "r1", "operation": "Decrypt"}, e.Custom)
	assert.Equal(t, uuid.NewSHA1(uuid.MustParse(call.ID), []byte("0")).String(), e.DecisionID)
	assert.NotEqual(t, e.DecisionID, parsed(t, lines[1]).DecisionID, "each decision has its own")
	result := (*e.Result).(map[string]any)
	assert.Equal(t, false, result["allowed"])
	assert.Equal(t, "no-allow", result["reason"])

	var raw map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &raw))
	assert.Equal(t, "openpolicyagent.org/decision_logs", raw["type"])
	assert.Equal(t, "Decision Log", raw["msg"])
}

func TestTheInputIsAQuestionForABundle(t *testing.T) {
	input := *parsed(t, logged(t, true, asked(t))[0]).Input
	text, err := schema.Text(schema.Answer)
	require.NoError(t, err)
	found, err := rego.New(rego.Query("x = json.match_schema(input.it, input.schema)"),
		rego.Input(map[string]any{"it": input, "schema": json.RawMessage(text)})).Eval(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found[0].Bindings["x"].([]any)[1])
	assert.Equal(t, map[string]any{
		"identity": []any{[]any{"arn:aws:iam::111122223333:policy/use"}}, "resource": []any{[]any{"default"}}, "scp": []any{[]any{"most"}},
	}, input.(map[string]any)["policies"])
}

func TestValuesOfEncryptionContextsAreMasked(t *testing.T) {
	line := logged(t, false, asked(t))[0]
	assert.NotContains(t, line, "marker")
	e := parsed(t, line)
	assert.Equal(t, []string{
		"/input/context/kms:encryptioncontext:a%2Fb", "/input/context/kms:encryptioncontext:dept",
		"/input/encryption_context/Dept", "/input/encryption_context/a%2Fb", "/input/grants/0/equals/Dept", "/input/child/subset/x",
		"/result/nearestMiss/actual",
	}, e.Masked)
	context := (*e.Input).(map[string]any)["context"].(map[string]any)
	assert.Equal(t, []any{"**REDACTED**"}, context["kms:encryptioncontext:dept"])
	assert.Equal(t, []any{"Dept", "a/b"}, context["kms:encryptioncontextkeys"], "names are no values")
	assert.Equal(t, []any{"192.0.2.7"}, context["aws:sourceip"])
}

func TestAPlainLogMasksNothing(t *testing.T) {
	line := logged(t, true, asked(t))[0]
	assert.Empty(t, parsed(t, line).Masked)
	for n := 1; n <= 4; n++ {
		assert.Contains(t, line, fmt.Sprintf("marker-%d", n))
	}
}

// What is masked in a line must not be in what the decision goes on to tell.
func TestMaskingLeavesTheDecisionAlone(t *testing.T) {
	e, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(t, err)
	d, err := e.Decide(t.Context(), asked(t))
	require.NoError(t, err)
	new(decisionlog.Lines).AppendDecision(nil, call, 0, d)
	assert.Equal(t, asked(t).Context, d.Question().Context)
	assert.Equal(t, asked(t).Grants, d.Question().Grants)
	assert.Equal(t, []string{"marker-1"}, d.Evidence().Nearest.Actual)
}

func TestLinesAreBounded(t *testing.T) {
	q := asked(t)
	for i := range 2000 {
		g := q.Grants[0]
		g.ID = fmt.Sprintf("grant-%d", i)
		q.Grants = append(q.Grants, g)
	}
	line := logged(t, false, q)[0]
	assert.Less(t, len(line), 70<<10)
	e := parsed(t, line)
	assert.Equal(t, []string{"/result/layers", "/input/grants"}, e.Erased)
	assert.NotContains(t, (*e.Result), "layers")
	assert.NotContains(t, (*e.Input), "grants")
	for _, m := range e.Masked {
		assert.NotContains(t, m, "/input/grants/")
	}
}

func TestACallThatWasNotDecidedHasALineToo(t *testing.T) {
	line := new(decisionlog.Lines).AppendRefusal(nil, call, decisionlog.Refusal{Principal: "s3.amazonaws.com", Listener: "inside", Reason: "nobody lets it"})
	e := parsed(t, string(line))
	assert.Equal(t, "keyreeve/call/refused", e.Path)
	assert.Equal(t, map[string]any{"principal": "s3.amazonaws.com", "listener": "inside"}, *e.Input)
	assert.Equal(t, map[string]any{"allowed": false, "reason": "nobody lets it"}, *e.Result)
}
