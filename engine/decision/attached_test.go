package decision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestPoliciesOfAQuestionAreFoundByLayerAndStatement(t *testing.T) {
	doc, err := policy.Parse(policy.SCP, []byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`))
	require.NoError(t, err)
	p := func(name string) decision.Policy { return decision.Policy{Name: name, Document: doc} }
	boundary, endpoint, own := p("boundary"), p("endpoint"), p("own")
	q := decision.Question{
		SCP: [][]decision.Policy{{p("root")}, {p("a"), p("b")}}, RCP: [][]decision.Policy{{p("rcp")}}, Endpoint: &endpoint, Boundary: &boundary,
		Session: []decision.Policy{p("session")}, Identity: []decision.Policy{p("identity")}, KeyPolicy: &own,
	}
	for _, row := range []struct {
		layer decision.Layer
		level int
		want  []string
	}{
		{decision.LayerSCP, 0, []string{"root"}}, {decision.LayerSCP, 1, []string{"a", "b"}}, {decision.LayerSCP, 2, nil}, {decision.LayerSCP, -1, nil},
		{decision.LayerRCP, 0, []string{"rcp"}}, {decision.LayerEndpoint, 0, []string{"endpoint"}}, {decision.LayerBoundary, 0, []string{"boundary"}},
		{decision.LayerSession, 0, []string{"session"}}, {decision.LayerIdentity, 0, []string{"identity"}}, {decision.LayerResource, 0, []string{"own"}},
		{decision.LayerGrant, 0, nil}, {decision.LayerRoot, 0, nil}, {decision.LayerGuardrail, 0, nil},
	} {
		var got []string
		for _, x := range q.Policies(row.layer, row.level) {
			got = append(got, x.Name)
		}
		assert.Equal(t, row.want, got, "%s %d", row.layer, row.level)
	}

	at := doc.Statements[0].Pos
	s := decision.Statement{Layer: decision.LayerSCP, Level: 1, Policy: "b", Path: at.Path, Line: at.Line}
	written, in := q.Written(s)
	require.NotNil(t, written)
	assert.Equal(t, "b", in.Name)
	assert.Equal(t, at, written.Pos)
	for _, other := range []decision.Statement{
		{Layer: decision.LayerSCP, Policy: "b", Path: at.Path, Line: at.Line},
		{Layer: decision.LayerSCP, Level: 1, Policy: "b", Index: 1, Path: at.Path, Line: at.Line},
		{Layer: decision.LayerSCP, Level: 1, Policy: "b", Path: "$", Line: at.Line},
	} {
		written, in = q.Written(other)
		assert.Nil(t, written)
		assert.Nil(t, in)
	}
}
