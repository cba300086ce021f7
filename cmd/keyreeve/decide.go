package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/question"
)

func newDecide() *cobra.Command {
	var schema bool
	c := &cobra.Command{
		Use:   "decide [FILE]",
		Short: "Decide self-contained questions, one JSON object a line",
		Long: `decide reads questions as JSON Lines from FILE or standard input (principal,
action, resource, context, policies by layer, grants) and writes a decision with
its evidence for each, in the same order. It needs no server and no world.

A line that cannot be decided answers with "error", which is neither a yes nor a
no; the exit code is then 3.`,
		Example: `  keyreeve decide questions.jsonl > decisions.jsonl
  keyreeve decide --schema > question.schema.json`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if schema {
				_, err := c.OutOrStdout().Write(question.Schema)
				return cannot(err)
			}
			in := c.InOrStdin()
			if len(args) == 1 {
				f, err := os.Open(args[0])
				if err != nil {
					return cannot(err)
				}
				defer func() { _ = f.Close() }() // only read
				in = f
			}
			return cannot(decide(c, in))
		},
	}
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of a question")
	return c
}

func decide(c *cobra.Command, in io.Reader) error {
	engine, err := decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit})
	if err != nil {
		return fmt.Errorf("starting the decision engine: %w", err)
	}
	undecided, err := question.Run(c.Context(), engine, in, c.OutOrStdout())
	if err == nil && undecided > 0 {
		err = fmt.Errorf("%d questions could not be decided; see \"error\" in their answers", undecided)
		if undecided == 1 {
			err = errors.New("1 question could not be decided; see \"error\" in its answer")
		}
	}
	return err
}
