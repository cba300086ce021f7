package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestReadGivesWhatItCouldReadBesideTheFaults(t *testing.T) {
	text := "{\"Version\": \"2012-10-17\",\n \"Statement\": [{\"Effect\": \"allow\", \"Action\": [\"kms:*\", 1],\n" +
		"  \"Principal\": {\"AWS\": [\"x\", \"111122223333\"]}, \"Resource\": \"*\"}]}"
	doc, tree, err := policy.Read(policy.Key, []byte(text))
	var faults policy.Errors
	require.ErrorAs(t, err, &faults)
	assert.Len(t, faults, 3)
	require.Len(t, doc.Statements, 1)
	assert.Zero(t, doc.Statements[0].Effect)
	assert.Len(t, doc.Statements[0].Actions, 1)
	assert.Len(t, doc.Statements[0].Principals, 1)
	assert.Equal(t, text, doc.Text)

	member, ok := tree.Member("Statement")
	require.True(t, ok)
	assert.Equal(t, `"Statement"`, text[member.Pos.Offset:member.End.Offset])
	effect, ok := member.Value.Items[0].Member("Effect")
	require.True(t, ok)
	assert.Equal(t, `"allow"`, text[effect.Value.Pos.Offset:effect.Value.End.Offset])
	assert.Equal(t, policy.Pos{Path: "$.Statement[0].Effect", Line: 2, Column: 34, Offset: 59}, effect.Value.End)
	assert.Equal(t, policy.Pos{Path: "$", Line: 3, Column: 66, Offset: len(text)}, tree.End)
}

func TestReadGoesOnBehindFaultsOfSizeAndCharacters(t *testing.T) {
	text := `{"Statement": [], "Id": "` + "\u2603" + `"}`
	_, tree, err := policy.Read(policy.Key, []byte(text))
	require.ErrorContains(t, err, "Latin-1")
	assert.ErrorContains(t, err, "at least one statement")
	assert.NotNil(t, tree)

	_, tree, err = policy.Read(policy.Key, []byte("{\"Id\": \"\xff\"}"))
	require.Error(t, err)
	assert.Nil(t, tree, "what is not UTF-8 is no JSON")
}

func TestReadJSONReadsWhatIsNoPolicy(t *testing.T) {
	tree, err := policy.ReadJSON([]byte(`{"Grants": [{"GrantId": "1"}, {"GrantId": "2"}]}`))
	require.NoError(t, err)
	grants, ok := tree.Member("Grants")
	require.True(t, ok)
	require.Len(t, grants.Value.Each(), 2)
	assert.Equal(t, "$.Grants[1].GrantId", grants.Value.Items[1].Members[0].Value.Pos.Path)
	assert.Equal(t, "a list", grants.Value.Kind.String())

	_, err = policy.ReadJSON([]byte(`{"Grants": `))
	assert.ErrorContains(t, err, "the text ends")
}
