package question_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/question"
)

// ask decides lines and returns the answers.
func ask(t testing.TB, lines ...string) (answers []question.Answer, undecided int) {
	t.Helper()
	e, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(t, err)
	var out bytes.Buffer
	undecided, err = question.Run(t.Context(), e, strings.NewReader(strings.Join(lines, "\n")), &out)
	require.NoError(t, err)
	dec := json.NewDecoder(&out)
	for dec.More() {
		var a question.Answer
		require.NoError(t, dec.Decode(&a))
		answers = append(answers, a)
	}
	return answers, undecided
}

const keyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// decryptBy is a question whether a caller may decrypt with a key that bob and
// the role payroll may use.
func decryptBy(caller, context string) string {
	return fmt.Sprintf(`{"id":"q","rule":"key_policy","action":"kms:Decrypt","resource":{"arn":%q},"principal":%s,"context":%s,
		"policies":{"resource":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/bob","arn:aws:iam::111122223333:role/payroll"]},
		"Action":"kms:Decrypt","Resource":"*","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}}]}}}`, keyARN, caller, context)
}

// withMFA is decryptBy under a condition on a truth value.
func withMFA(caller, present string) string {
	return strings.Replace(decryptBy(caller, `{"aws:MultiFactorAuthPresent":`+present+`}`), `{"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}`,
		`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, 1)
}

func TestQuestionsAreDecided(t *testing.T) {
	bob := `{"type":"user","arn":"arn:aws:iam::111122223333:user/bob"}`
	eve := `{"type":"user","arn":"arn:aws:iam::111122223333:user/eve"}`
	payroll := `{"type":"role","arn":"arn:aws:sts::111122223333:assumed-role/payroll/s","role":"arn:aws:iam::111122223333:role/payroll"}`
	for name, c := range map[string]struct {
		line    string
		allowed bool
	}{
		"a user that the policy names":              {decryptBy(bob, `{"aws:MultiFactorAuthAge":30}`), true},
		"a session of a role that the policy names": {decryptBy(payroll, `{"AWS:multifactorauthage":["30"]}`), true},
		"a user that it does not name":              {decryptBy(eve, `{"aws:MultiFactorAuthAge":30}`), false},
		"a condition that fails":                    {decryptBy(bob, `{"aws:MultiFactorAuthAge":90}`), false},
		"a truth value as JSON has it":              {withMFA(bob, `true`), true},
		"a truth value as Python has it":            {withMFA(bob, `["True"]`), true},
		"a truth value that is false":               {withMFA(bob, `"FALSE"`), false},
		"a truth value that is none":                {withMFA(bob, `"yes"`), false},
	} {
		t.Run(name, func(t *testing.T) {
			answers, undecided := ask(t, strings.Join(strings.Fields(c.line), " "))
			require.Len(t, answers, 1)
			require.Zero(t, undecided, answers[0].Error)
			assert.Equal(t, c.allowed, *answers[0].Allowed)
			assert.Equal(t, "q", answers[0].ID)
			assert.Equal(t, c.allowed, answers[0].Sentence == "", "only a refusal has a sentence")
		})
	}
}

func TestWhatCannotBeDecidedSaysWhy(t *testing.T) {
	for line, want := range map[string]string{
		`{`: "not a question",
		`{"rule":"key_policy","action":"kms:Decrypt","resource":{"arn":"*"},"principal":{"type":"user","arn":"a"},"policies":{},"extra":1}`:                                                             "extra",
		`{"rule":"other","action":"kms:Decrypt","resource":{"arn":"*"},"principal":{"type":"user","arn":"a"},"policies":{}}`:                                                                            `rule: "other"`,
		`{"rule":"key_policy","action":"kms:Nothing","resource":{"arn":"*"},"principal":{"type":"user","arn":"a"},"policies":{}}`:                                                                       "action",
		`{"rule":"key_policy","action":"kms:Decrypt","resource":{"arn":"*"},"principal":{"type":"user","arn":"a"},"policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}]}}`: "policies.identity[0]",
	} {
		answers, undecided := ask(t, line)
		require.Len(t, answers, 1)
		assert.Equal(t, 1, undecided)
		assert.Nil(t, answers[0].Allowed, line)
		assert.Contains(t, answers[0].Error, want)
	}
}

func TestSchemaIsJSON(t *testing.T) {
	assert.True(t, json.Valid(question.Schema))
}

func FuzzRun(f *testing.F) {
	f.Add(strings.Join(strings.Fields(decryptBy(`{"type":"user","arn":"arn:aws:iam::111122223333:user/bob"}`, `{"a":[1,"b",true]}`)), " "))
	e, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, line string) {
		var out bytes.Buffer
		_, err := question.Run(t.Context(), e, strings.NewReader(line), &out)
		require.NoError(t, err)
	})
}

func BenchmarkRun(b *testing.B) {
	e, err := decision.New(decision.Config{Cache: true})
	require.NoError(b, err)
	line := strings.Join(strings.Fields(decryptBy(`{"type":"user","arn":"arn:aws:iam::111122223333:user/bob"}`, `{"aws:MultiFactorAuthAge":30}`)), " ")
	input := strings.Repeat(line+"\n", 1000)
	for b.Loop() {
		var out bytes.Buffer
		_, err := question.Run(b.Context(), e, strings.NewReader(input), &out)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "questions/s")
}

func TestFaultsOfAQuestionNameTheirField(t *testing.T) {
	for line, says := range map[string]string{
		`{"resource":"x"}`: `$.resource is an object, not a string`,
		`{"action":1}`:     `$.action is a string, not a number`,
		`{"nope":1}`:       `unknown field "nope"`,
		`{"caller":"a"}`:   `unknown field "caller"; names are for the input of a bundle`,
	} {
		e, err := decision.New(decision.Config{})
		require.NoError(t, err)
		var out strings.Builder
		undecided, err := question.Run(t.Context(), e, strings.NewReader(line), &out)
		require.NoError(t, err)
		assert.Equal(t, 1, undecided)
		var answer question.Answer
		require.NoError(t, json.Unmarshal([]byte(out.String()), &answer))
		assert.Contains(t, answer.Error, says)
	}
}
