package lint_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestAFindingPointsAtTheOffendingValue(t *testing.T) {
	text := `{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": ["kms:Encrypt", "kms:Décrypt", "kms:Decript"],
    "Resource": "*",
    "Condition": {"StringEquals": {"kms:Viaservce": "x"}}
  }]
}`
	found, _ := lint.CheckText(policy.Key, []byte(text), lint.Options{})
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s %d:%d-%d:%d %s %s %s", f.Rule, f.Span.Start.Line, f.Span.Start.Column, f.Span.End.Line, f.Span.End.Column,
			f.Span.Path, text[f.Span.Start.Offset:f.Span.End.Offset], f.Suggestion))
	}
	assert.Equal(t, []string{
		`INVALID_ACTION 6:31-6:44 $.Statement[0].Action[1] "kms:Décrypt" kms:Decrypt`,
		`INVALID_ACTION 6:46-6:59 $.Statement[0].Action[2] "kms:Decript" kms:Decrypt`,
		`INVALID_SERVICE_CONDITION_KEY 8:36-8:51 $.Statement[0].Condition.StringEquals['kms:Viaservce'] "kms:Viaservce" kms:ViaService`,
	}, got)
}

func TestWhatIsMissingIsPointedAtWhereItShouldBe(t *testing.T) {
	text := `{"Version": "2012-10-17", "Statement": [{"Action": "kms:*", "Resource": "*"}]}`
	found, _ := lint.CheckText(policy.Identity, []byte(text), lint.Options{})
	require.Len(t, found, 1)
	assert.Equal(t, `{"Action": "kms:*", "Resource": "*"}`, text[found[0].Span.Start.Offset:found[0].Span.End.Offset])
}

func TestManyFaultsAreFoundAtOnce(t *testing.T) {
	text := `{"Version": "2012-10-18", "Statement": [
		{"Effect": "allow", "Principal": {"AWS": "arn:aws::111122223333:role/A"}, "Action": "kms:Decript", "Resource": "*"},
		{"Efect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*", "Condition": {"StringEqual": {"a": "b"}}}]}`
	found, doc := lint.CheckText(policy.Key, []byte(text), lint.Options{})
	assert.Nil(t, doc)
	assert.Equal(t, []string{"INVALID_VERSION", "INVALID_EFFECT", "INVALID_PRINCIPAL_FORMAT", "INVALID_ACTION", "INVALID_POLICY_ELEMENT",
		"INVALID_CONDITION_OPERATOR"}, ids(found))
	for _, f := range found {
		assert.Equal(t, lint.Error, f.Severity)
		assert.Equal(t, policy.Key, f.Kind)
	}
	assert.Equal(t, "StringEquals", found[5].Suggestion)
}

// TestWhatParseRefusesIsNeverSilent: a policy that the service refuses has an
// error, whatever the severity of the rule, but for principals that were
// deleted, which the service itself writes.
func TestWhatParseRefusesIsNeverSilent(t *testing.T) {
	for _, r := range lint.Rules {
		for _, e := range append(r.Bad(), r.Good()...) {
			if e.Kind == 0 {
				continue
			}
			_, err := policy.Parse(e.Kind, []byte(e.Text))
			found, doc := lint.CheckText(e.Kind, []byte(e.Text), e.Options)
			assert.Equal(t, err == nil, doc != nil, r.ID)
			if err != nil && r.ID != "INVALID_USER_REFERENCE" && r.ID != "INVALID_ROLE_REFERENCE" {
				assert.Contains(t, strings.Join(told(found), "\n"), "error ", r.ID)
			}
		}
	}
}

func TestACommaTooManyOrTooFewIsMended(t *testing.T) {
	for before, after := range map[string]string{
		`{"Version": "2012-10-17",  }`:                                   `{"Version": "2012-10-17"  }`,
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",}]}`: `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}`,
		`{"Version": "2012-10-17" "Statement": []}`:                      `{"Version": "2012-10-17", "Statement": []}`,
	} {
		found, _ := lint.CheckText(policy.SCP, []byte(before), lint.Options{})
		last := found[len(found)-1]
		require.Equal(t, "JSON_SYNTAX_ERROR", last.Rule)
		require.Len(t, last.Fixes, 1)
		assert.Equal(t, after, string(last.Fixes[0].Apply([]byte(before))))
	}
}

func TestTheTextIsReadOnBehindCommasTooMany(t *testing.T) {
	text := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:Decript",], "Resource": "*",},]}`
	found, doc := lint.CheckText(policy.Identity, []byte(text), lint.Options{})
	assert.Nil(t, doc)
	assert.Equal(t, []string{"INVALID_ACTION", "JSON_SYNTAX_ERROR", "JSON_SYNTAX_ERROR", "JSON_SYNTAX_ERROR"}, ids(found))
	for _, f := range found {
		assert.Len(t, f.Fixes, 1)
	}
}

func TestWhatIsNotReadIsNotSaidToBeMissing(t *testing.T) {
	for _, text := range []string{
		`{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Conditions": {"StringEquals": {"aws:ResourceTag/a": "b"}}}`,
		`{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEqual": {"aws:ResourceTag/a": "b"}}}`,
	} {
		found, _ := lint.CheckText(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": [`+text+`]}`), lint.Options{})
		assert.Len(t, found, 1, "the misspelled word alone: %v", told(found))
	}
}

func TestSeveritiesAreWrittenAsWords(t *testing.T) {
	text, err := json.Marshal(lint.Finding{Rule: "X", Severity: lint.Security})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"severity":"security"`)
	var f lint.Finding
	require.NoError(t, json.Unmarshal(text, &f))
	assert.Equal(t, lint.Security, f.Severity)
	_, err = json.Marshal(lint.Severity(0))
	assert.Error(t, err)
}

func TestAnInvalidKindIsAnErrorNotSilence(t *testing.T) {
	found, doc := lint.CheckText(policy.Kind(99), []byte(`{}`), lint.Options{})
	assert.Nil(t, doc)
	assert.NotEmpty(t, found)
}

func TestALargerTrustPolicyThanTheQuotaIsAWarningAndOneTooLargeAnError(t *testing.T) {
	text := func(size int) []byte {
		return []byte(`{"Version": "2012-10-17", "Id": "` + strings.Repeat("x", size) + `", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}}`)
	}
	for size, want := range map[int]string{100: "", 3000: "warning", 5000: "error"} {
		found, _ := lint.CheckText(policy.Trust, text(size), lint.Options{})
		var got []string
		for _, f := range found {
			assert.Equal(t, "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", f.Rule)
			got = append(got, f.Severity.String())
		}
		assert.Equal(t, want, strings.Join(got, " "))
	}
}

func FuzzCheckText(f *testing.F) {
	for _, r := range lint.Rules {
		for _, e := range append(r.Bad(), r.Good()...) {
			f.Add(int(e.Kind), []byte(e.Text))
		}
	}
	f.Fuzz(func(t *testing.T, kind int, text []byte) {
		if kind == 0 {
			checkSpans(t, text, lint.CheckGrants(text, lint.Options{}))
			return
		}
		k := policy.Kind(kind)
		found, doc := lint.CheckText(k, text, lint.Options{Region: "eu-central-1", Account: "111122223333"})
		checkSpans(t, text, found)
		if _, err := policy.Parse(k, text); (err == nil) != (doc != nil) {
			t.Fatalf("Parse says %v, CheckText gives a document: %t", err, doc != nil)
		}
		if doc == nil && len(found) == 0 {
			t.Fatal("silent about what Parse refuses")
		}
	})
}

// checkSpans holds findings and fixes to the text.
func checkSpans(t *testing.T, text []byte, found []lint.Finding) {
	for _, x := range found {
		s := x.Span
		if s.Start.Offset < 0 || s.End.Offset > len(text) || s.Start.Offset > s.End.Offset {
			t.Fatalf("%s is outside the text: %+v", x.Rule, s)
		}
		for _, fix := range x.Fixes {
			fix.Apply(text)
		}
	}
}

// BenchmarkCheckText lints one policy of ordinary size; a hundred of them are
// to take well under 300 ms.
func BenchmarkCheckText(b *testing.B) {
	for b.Loop() {
		if found, _ := lint.CheckText(policy.Key, []byte(administrators), lint.Options{}); len(found) > 0 {
			b.Fatal(found)
		}
	}
}

// BenchmarkCheckLargePolicy lints 32 KB.
func BenchmarkCheckLargePolicy(b *testing.B) {
	one := `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/A"}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"},`
	text := `{"Version": "2012-10-17", "Statement": [` + strings.Repeat(one, 32000/len(one)-1) + strings.TrimSuffix(one, ",") + `]}`
	for b.Loop() {
		if _, doc := lint.CheckText(policy.Key, []byte(text), lint.Options{}); doc == nil {
			b.Fatal("refused")
		}
	}
}
