package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

const clerks = `{
  "Statement": {
    "Condition": {"stringequals": {"KMS:ViaService": "s3.us-west-2.amazonaws.com"}, "bool": {"kms:MultiRegion": true}, "Null": {}},
    "NotAction": "kms:Delete*", "Resource": "*",
    "Principal": {"Service": "a.amazonaws.com", "AWS": "arn:aws:iam::111122223333:role/Clerk"},
    "Effect": "Allow", "Sid": ""
  }
}`

func TestCanonicalFormWritesEverythingOneWay(t *testing.T) {
	doc := parse(t, policy.Key, clerks)
	assert.Equal(t, `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/Clerk"],`+
		`"Service":["a.amazonaws.com"]},"NotAction":["kms:Delete*"],"Resource":["*"],"Condition":{"StringEquals":{"kms:viaservice":`+
		`["s3.us-west-2.amazonaws.com"]},"Bool":{"kms:multiregion":["true"]}}}]}`, doc.String())
}

func TestCanonicalFormKeepsWhatIsAbsentAbsent(t *testing.T) {
	const id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
	doc := parse(t, policy.Key, `{"Id":"<é>","Statement":[{"Effect":"Deny","Action":[],"NotPrincipal":{"CanonicalUser":"`+id+`","Federated":["a.b"],"AWS":"*"}},
		{"Effect":"Allow","Sid":"s","Principal":{"AWS":"*"},"Action":"*","NotResource":"*"},{"Effect":"Allow","Principal":{},"Action":"*","Resource":[]}]}`)
	assert.Equal(t, `{"Version":"2008-10-17","Id":"<é>","Statement":[`+
		`{"Effect":"Deny","NotPrincipal":{"AWS":["*"],"CanonicalUser":["`+id+`"],"Federated":["a.b"]},"Action":[]},`+
		`{"Sid":"s","Effect":"Allow","Principal":"*","Action":["*"],"NotResource":["*"]},`+
		`{"Effect":"Allow","Principal":{},"Action":["*"],"Resource":[]}]}`, doc.String())
}

func TestDocumentsThatSayTheSameShareADigest(t *testing.T) {
	doc := parse(t, policy.Key, clerks)
	again := parse(t, policy.Key, strings.ReplaceAll(strings.ReplaceAll(clerks, "  ", "\t"), `"bool"`, `"BOOL"`))
	assert.Equal(t, doc.Digest(), again.Digest())
	assert.Len(t, doc.Digest(), 64)
	assert.NotEqual(t, doc.Digest(), parse(t, policy.Key, strings.Replace(clerks, "Clerk", "Clark", 1)).Digest())
	assert.NotEqual(t, doc.Digest(), parse(t, policy.Endpoint, clerks).Digest(), "another kind means something else")
}

func TestDigestFollowsWhomThePrincipalsStandFor(t *testing.T) {
	doc := parse(t, policy.Key, clerks)
	id := func(id string) func(string) string {
		return func(arn string) string {
			assert.Equal(t, "arn:aws:iam::111122223333:role/Clerk", arn)
			return id
		}
	}
	assert.Equal(t, doc.DigestOf(id("AROA1")), doc.DigestOf(id("AROA1")))
	assert.NotEqual(t, doc.DigestOf(id("AROA1")), doc.DigestOf(id("AROA2")), "a recreated role is another one")
}

// FuzzParse gives any text to every kind: it is refused with faults that have
// codes and places, or it becomes a document whose canonical form is a fixed
// point of the same meaning.
func FuzzParse(f *testing.F) {
	for k := policy.Key; k <= policy.Trust; k++ {
		f.Add(int(k), fill(k))
		f.Add(int(k), fill(k, condition(`"ForAnyValue:StringLikeIfExists":{"kms:A":["${aws:username, 'x'}*?${*}"]},"DateLessThan":{"kms:b":7}`)))
	}
	f.Add(int(policy.Key), clerks)
	f.Add(int(policy.Key), fill(policy.Key, `-"Principal"`, `"NotPrincipal":{"AWS":["111122223333","*"],"Federated":"a.b"}`))
	f.Add(int(policy.RCP), fill(policy.RCP, `"Effect":"Allow"`, `"Action":"*"`))
	f.Add(int(policy.Key), `{"Id":"\u00e9","Statement":[],"x":1}`)
	f.Fuzz(func(t *testing.T, kind int, text string) {
		k := policy.Kind(kind)
		if !k.Valid() {
			return
		}
		doc, err := policy.Parse(k, []byte(text))
		if err != nil {
			checkFaults(t, text, err)
			return
		}
		again, err := policy.Parse(k, doc.Canonical())
		if policy.LimitExceeded(err) {
			return // the canonical form may be longer than the text
		}
		require.NoError(t, err, doc.String())
		assert.Equal(t, doc.String(), again.String())
		assert.Equal(t, doc.Digest(), again.Digest())
		assert.Equal(t, bare(doc), bare(again))
	})
}

func checkFaults(t *testing.T, text string, err error) {
	t.Helper()
	var all policy.Errors
	require.ErrorAs(t, err, &all)
	require.NotEmpty(t, all)
	assert.NotEmpty(t, all.Summary())
	for i, e := range all {
		assert.NotEmpty(t, e.Code)
		assert.NotEmpty(t, e.Message)
		assert.True(t, strings.HasPrefix(e.Pos.Path, "$"))
		assert.Equal(t, 1+strings.Count(text[:e.Pos.Offset], "\n"), e.Pos.Line)
		assert.True(t, i == 0 || all[i-1].Pos.Offset <= e.Pos.Offset, "faults are in order")
	}
}

// bare is what a document says without where it says so: principals as a set,
// keys in lower case.
func bare(doc *policy.Document) []policy.Statement {
	all := append([]policy.Statement(nil), doc.Statements...)
	for i := range all {
		s := &all[i]
		s.Pos = policy.Pos{}
		s.Principals = nil
		s.Actions, s.Resources = bareValues(s.Actions), bareValues(s.Resources)
		s.Conditions = append([]policy.Condition(nil), s.Conditions...)
		for j := range s.Conditions {
			c := &s.Conditions[j]
			c.KeyText, c.Pos, c.Values = "", policy.Pos{}, bareValues(c.Values)
		}
	}
	return all
}

func bareValues(values []policy.Value) []policy.Value {
	all := []policy.Value{}
	for _, v := range values {
		v.Pos = policy.Pos{}
		all = append(all, v)
	}
	return all
}
