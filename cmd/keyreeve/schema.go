package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	worldschema "github.com/keyreeve/keyreeve/engine/world/schema"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/policy/schema"
)

// schemas are the JSON Schemas by name.
func schemas() map[string]func() ([]byte, error) {
	all := map[string]func() ([]byte, error){
		"world": func() ([]byte, error) { return worldschema.World, nil },
		"cases": func() ([]byte, error) { return policytests.Schema, nil },
	}
	for k := policy.Key; k.Valid(); k++ {
		all[k.String()] = func() ([]byte, error) { return schema.Of(k) }
	}
	return all
}

func newSchema() *cobra.Command {
	names := slices.Sorted(maps.Keys(schemas()))
	return &cobra.Command{
		Use:   "schema NAME",
		Short: "Print a JSON Schema, for editors",
		Long: `schema prints a JSON Schema (draft 2020-12). NAME is
  world       world.yaml and what else describes a world
  cases       *.cases.yaml and *.cases.json
  ` + strings.Join(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "world" || n == "cases" }), ", ") + `
              a policy of that kind

Editors offer with it what can stand where, and mark what cannot. keyreeve lsp does that
and more; keyreeve lint decides.`,
		Example: `  keyreeve schema key > key-policy.schema.json
  keyreeve schema world > .vscode/world.schema.json`,
		ValidArgs: names,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("schema needs one name: %s", strings.Join(names, ", "))
			}
			of := schemas()[args[0]]
			if of == nil {
				hint := "there are " + strings.Join(names, ", ")
				if near := nearest(args[0], names); near != "" {
					hint = "did you mean " + near + "?"
				}
				return fmt.Errorf("there is no schema %q; %s", args[0], hint)
			}
			text, err := of()
			if err != nil {
				return cannot(err)
			}
			_, err = c.OutOrStdout().Write(text)
			return cannot(err)
		},
	}
}
