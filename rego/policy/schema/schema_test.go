package schema_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/policy/schema"
)

var kinds = []policy.Kind{policy.Key, policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint, policy.Trust}

// compiled is the schema of a kind as a validator has it, which also holds it
// to the schema of schemas.
func compiled(t *testing.T, k policy.Kind) *jsonschema.Schema {
	t.Helper()
	text, err := schema.Of(k)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	require.NoError(t, c.AddResource(schema.Base+k.String()+"-policy.json", document))
	s, err := c.Compile(schema.Base + k.String() + "-policy.json")
	require.NoError(t, err)
	return s
}

func holds(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return s.Validate(v)
}

func TestNoKindIsWithoutSchema(t *testing.T) {
	_, err := schema.Of(0)
	assert.Error(t, err)
	for _, k := range kinds {
		compiled(t, k)
	}
}

// TestWhatIsParsedIsTaken holds the schemas to all policies of the repository.
func TestWhatIsParsedIsTaken(t *testing.T) {
	all := map[policy.Kind]*jsonschema.Schema{}
	for _, k := range kinds {
		all[k] = compiled(t, k)
	}
	seen := map[policy.Kind]int{}
	err := filepath.WalkDir(filepath.Join("..", "..", ".."), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".json" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			if _, err := policy.Parse(k, text); err != nil {
				continue
			}
			seen[k]++
			assert.NoError(t, holds(t, all[k], text), "%s as %s policy", name, k)
		}
		return nil
	})
	require.NoError(t, err)
	for _, k := range kinds {
		assert.NotZero(t, seen[k], "%s", k)
	}
}

// statements are made of these, each present or not.
var parts = []string{`"Principal":{"AWS":"111122223333"}`, `"Principal":"*"`, `"NotPrincipal":{"AWS":"111122223333"}`, `"Action":"kms:Decrypt"`, `"Action":"sts:AssumeRole"`,
	`"NotAction":["kms:Decrypt"]`, `"Resource":"*"`, `"NotResource":"arn:aws:kms:*:*:key/*"`, `"Sid":"a b"`, `"Effect":"Deny"`}

// TestElementsAreThoseOfTheParser tries every combination of elements: what the
// parser takes the schema takes, and what lacks an element, or has one that the
// kind does not know, neither does.
func TestElementsAreThoseOfTheParser(t *testing.T) {
	formal := map[policy.Code]bool{policy.CodeMissingEffect: true, policy.CodeMissingAction: true, policy.CodeMissingPrincipal: true, policy.CodeMissingResource: true,
		policy.CodeUnsupportedPrincipal: true, policy.CodeSCPPrincipal: true, policy.CodeTrustNotPrincipal: true, policy.CodeTrustResource: true, policy.CodeElementCombination: true,
		policy.CodeRCPNotAction: true, policy.CodeSid: true, policy.CodeMissingVersion: true}
	for _, k := range kinds {
		s := compiled(t, k)
		for set := range 1 << len(parts) {
			var chosen []string
			for i, p := range parts {
				if set&(1<<i) != 0 {
					chosen = append(chosen, p)
				}
			}
			joined := strings.Join(chosen, ",")
			if strings.Count(joined, `"Principal":`) > 1 || strings.Count(joined, `"Action":`) > 1 {
				continue // a name twice is no matter of schemas
			}
			text := fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":{%s}}`, joined)
			_, err := policy.Parse(k, text)
			refused := holds(t, s, text)
			if err == nil {
				require.NoError(t, refused, "%s: %s", k, text)
				continue
			}
			for _, fault := range err.(policy.Errors) { //nolint:errorlint // Parse answers with nothing else
				if formal[fault.Code] {
					require.Error(t, refused, "%s: %s: %s", k, text, fault)
				}
			}
		}
	}
}

func TestEveryOperatorTakesEachKeyThatItFits(t *testing.T) {
	s := compiled(t, policy.Key)
	operand := map[policy.ValueType]string{policy.StringType: `"a"`, policy.NumericType: `"1"`, policy.DateType: `"2026-01-01"`, policy.BoolType: `"True"`,
		policy.BinaryType: `"YQ=="`, policy.IPType: `"10.0.0.0/8"`, policy.ARNType: `"arn:aws:kms:*:*:*"`, policy.PresenceType: `false`}
	for _, o := range policy.Operators {
		for _, k := range policy.ConditionKeys {
			name := k.Name
			if k.Prefix() {
				name += "x"
			}
			for _, operator := range []string{o.Name, strings.ToUpper(o.Name), "foranyvalue:" + o.Name} {
				for _, value := range []string{operand[o.Type], "[" + operand[o.Type] + "]"} {
					text := fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{%q:{%q:%s}}}]}`,
						operator, name, value)
					if _, err := policy.Parse(policy.Key, text); err == nil {
						require.NoError(t, holds(t, s, text), string(text))
					}
				}
			}
		}
	}
}

func TestWrongPoliciesAreRefused(t *testing.T) {
	statement := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*",` + rest + `}]}`
	}
	s := compiled(t, policy.Key)
	for what, text := range map[string]string{
		"no object":                    `[]`,
		"no Statement":                 `{"Version":"2012-10-17"}`,
		"an unknown element":           `{"Version":"2012-10-17","Statement":[],"Statements":[]}`,
		"an unknown version":           `{"Version":"2012-10-18","Statement":[{"Effect":"Deny","Principal":"*","Action":"*"}]}`,
		"an unknown effect":            `{"Version":"2012-10-17","Statement":[{"Effect":"allow","Principal":"*","Action":"*"}]}`,
		"an unknown operator":          statement(`"Condition":{"StringEqual":{"aws:PrincipalOrgID":"o-1"}}`),
		"Null with IfExists":           statement(`"Condition":{"NullIfExists":{"aws:PrincipalOrgID":"true"}}`),
		"a condition key of no prefix": statement(`"Condition":{"StringEquals":{"PrincipalOrgID":"o-1"}}`),
		"a condition as a list":        statement(`"Condition":[]`),
		"a number as a truth value":    statement(`"Condition":{"Bool":{"aws:SecureTransport":1}}`),
		"nothing negated":              statement(`"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":[]}}`),
		"an object as a value":         statement(`"Condition":{"StringEquals":{"aws:PrincipalOrgID":{}}}`),
		"a principal of no type":       `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"aws":"111122223333"},"Action":"*"}]}`,
		"an action of no service":      `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"Decrypt"}]}`,
		"a resource that is no ARN":    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"payroll"}]}`,
		"an unknown part of statement": statement(`"Conditions":{}`),
	} {
		assert.Error(t, holds(t, s, []byte(text)), what)
	}
	assert.Error(t, holds(t, compiled(t, policy.SCP), []byte(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)), "an SCP without Version")
}
