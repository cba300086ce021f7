package query_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
)

// engine is one for all tests: what it remembers does not depend on a world.
var engine = func() *decision.Engine {
	e, err := decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit})
	if err != nil {
		panic(err)
	}
	return e
}()

// open opens a world of testdata.
func open(t testing.TB, name string) *query.Base {
	t.Helper()
	b, err := query.Open("testdata/"+name, query.Config{Engine: engine})
	require.NoError(t, err)
	return b
}

// one parses a line about one request.
func one(t testing.TB, line string) caseline.Request {
	t.Helper()
	all, err := query.Parse(line)
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}
