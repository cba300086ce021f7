package lint_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestAFaultOfTheDocumentIsAFinding(t *testing.T) {
	found, doc := lint.CheckText(policy.Key, []byte("{\"Statement\": [{\"Effect\": \"allow\"}]"), lint.Options{})
	assert.Nil(t, doc)
	assert.Len(t, found, 1)
	assert.Equal(t, "JSON_SYNTAX_ERROR", found[0].Rule)
}
