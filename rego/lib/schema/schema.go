// Package schema publishes JSON Schemas of what the Rego reads as input.
package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The schemas by name. Document is the input of compiled documents and of
// guardrails, Decide that of decide.rego and grants.rego, Answer that of
// answer.rego in a bundle.
const (
	Document = "document"
	Decide   = "decide"
	Answer   = "answer"
)

//go:embed json/*.json
var files embed.FS

// Names lists the schemas.
func Names() []string { return []string{Answer, Decide, Document} }

// Text returns a schema as it is published.
func Text(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("there is no schema %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return files.ReadFile("json/" + name + ".json")
}

// Set holds all schemas for an ast.Compiler, as `opa check --schema` does for
// the directory json: schema.document, schema.decide, schema.answer.
func Set() (*ast.SchemaSet, error) {
	set := ast.NewSchemaSet()
	for _, name := range Names() {
		parsed, err := Parsed(name)
		if err != nil {
			return nil, err
		}
		set.Put(ast.SchemaRootRef.Append(ast.StringTerm(name)), parsed)
	}
	return set, nil
}

// Parsed returns a schema as JSON values, new at each call.
func Parsed(name string) (map[string]any, error) {
	text, err := Text(name)
	if err != nil {
		return nil, err
	}
	var parsed map[string]any
	if err := json.Unmarshal(text, &parsed); err != nil {
		return nil, fmt.Errorf("reading the schema %s: %w", name, err)
	}
	return parsed, nil
}
