package check_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/check"
)

// told gives a line for each finding: RULE, ? where it is unknown, its path.
func told(r *check.Result) []string {
	var all []string
	for _, f := range r.Findings {
		line := f.Rule
		if f.Unknown {
			line += "?"
		}
		all = append(all, line+" "+f.Span.Path)
	}
	return all
}

const public = `{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}`

func TestAFaultDoesNotSilenceTheChecksByMeaning(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want []string
		why  string
	}{
		"a faulty Allow is left out, and the rest is public all the same": {
			document(strings.Replace(delegate, `"kms:*"`, `5`, 1), public),
			[]string{"KR_UNDECIDED? $", "DATA_TYPE_MISMATCH $.Statement[0].Action", "KR_PUBLIC_KEY $.Statement[1].Principal", "KR_STAR_IS_NOT_DELEGATION $.Statement[1].Principal"},
			`without what is faulty or not settled in statement 1 ("Delegate")`},
		"a faulty Deny might refuse what is public": {
			document(delegate, public, `{"Effect": "Deny", "Principal": 7, "Action": "kms:Decrypt", "Resource": "*"}`),
			[]string{"KR_UNDECIDED? $", "KR_PUBLIC_KEY? $.Statement[1].Principal", "KR_STAR_IS_NOT_DELEGATION? $.Statement[1].Principal", "INVALID_PRINCIPAL_FORMAT $.Statement[2].Principal"},
			"in statement 3."},
		"a principal that was deleted matches nobody, so all is known": {
			document(delegate, public, `{"Effect": "Deny", "Principal": {"AWS": ["AROAEXAMPLEEXAMPLEEX"]}, "Action": "kms:Decrypt", "Resource": "*"}`),
			[]string{"KR_PUBLIC_KEY $.Statement[1].Principal", "KR_STAR_IS_NOT_DELEGATION $.Statement[1].Principal", "INVALID_ROLE_REFERENCE $.Statement[2].Principal.AWS[0]"},
			""},
		"one faulty value of a list leaves the others": {
			document(delegate, strings.Replace(public, `"*"`, `{"AWS": [3, "*"]}`, 1)),
			[]string{"KR_UNDECIDED? $", "DATA_TYPE_MISMATCH $.Statement[1].Principal.AWS[0]", "KR_PUBLIC_KEY $.Statement[1].Principal.AWS[1]",
				"KR_STAR_IS_NOT_DELEGATION $.Statement[1].Principal.AWS[1]"},
			`in statement 2 ("All")`},
		"a value of NotAction is not left out, which would allow more": {
			document(delegate, strings.Replace(public, `"Action": "kms:Decrypt"`, `"NotAction": [3, "kms:Decrypt"]`, 1)),
			[]string{"KR_UNDECIDED? $", "DATA_TYPE_MISMATCH $.Statement[1].NotAction[0]"},
			`in statement 2 ("All")`},
		"of one statement nothing is left": {
			`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": 3, "Action": "kms:Decrypt", "Resource": "*"}}`,
			[]string{"KR_UNDECIDED? $", "INVALID_PRINCIPAL_FORMAT $.Statement.Principal"},
			"were not made for this policy: its only statement has faults"},
		"what is no JSON says nothing": {
			`{"Version": "2012-10-17", "Statement": [`,
			[]string{"KR_UNDECIDED? $", "JSON_SYNTAX_ERROR $.Statement"},
			"were not made for this policy: it cannot be read"},
		"a fault of the whole policy": {
			strings.Replace(document(delegate, public), "2012-10-17", "2011-10-17", 1),
			[]string{"KR_UNDECIDED? $", "INVALID_VERSION $.Version"},
			"a fault concerns the policy as a whole"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := check.Text(t.Context(), "a.key.json", []byte(row.text), check.Options{Now: now})
			require.NoError(t, err)
			assert.Equal(t, row.want, told(r))
			if row.why != "" {
				require.NotEmpty(t, r.Findings)
				assert.Contains(t, r.Findings[0].Message, row.why)
			}
		})
	}
}

func TestAParameterDoesNotSilenceTheChecksByMeaning(t *testing.T) {
	directory(t, map[string]string{"t.yaml": `Parameters:
  Admin: {Type: String}
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: "2012-10-17"
        Statement:
        - {Sid: Admin, Effect: Allow, Principal: {AWS: !Ref Admin}, Action: "kms:*", Resource: "*"}
        - {Sid: All, Effect: Allow, Principal: "*", Action: "kms:Decrypt", Resource: "*"}
`})
	r, err := check.Paths(t.Context(), []string{"."}, check.Options{Now: now})
	require.NoError(t, err)
	assert.Equal(t, []string{"KR_UNDECIDED? $", "KR_UNSETTLED_VALUE? ", "KR_PUBLIC_KEY $.Statement[1].Principal", "KR_STAR_IS_NOT_DELEGATION $.Statement[1].Principal"}, told(r))
}

func TestAWorldThatDoesNotLoadForAFaultyPolicyIsUndecided(t *testing.T) {
	directory(t, map[string]string{"world.yaml": strings.Replace(inlineWorld, "Effect: Deny", "Effect: Denied", 1)})
	r, err := check.Paths(t.Context(), []string{"."}, check.Options{Now: now})
	require.NoError(t, err)
	assert.Empty(t, r.Problems)
	assert.Contains(t, told(r), "INVALID_EFFECT $.Statement[1].Effect")
	var whole []string
	for _, f := range r.Findings {
		if f.Rule == "KR_UNDECIDED" {
			whole = append(whole, f.Message)
		}
	}
	assert.Contains(t, strings.Join(whole, "\n"), "This world does not load until")
}
