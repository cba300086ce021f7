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
  keyreeve decide --schema > question.schema.json

  # One question, written on several lines and made one: may bob decrypt?
  tr -d '\n' <<'EOF' | keyreeve decide
  {"rule": "key_policy", "action": "kms:Decrypt",
   "resource": {"arn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
   "principal": {"type": "user", "arn": "arn:aws:iam::111122223333:user/bob"},
   "encryptionContext": {"dept": "finance"},
   "context": {"kms:EncryptionContext:dept": "finance"},
   "policies": {
    "resource": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}]},
    "identity": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
     "Condition": {"StringEquals": {"kms:EncryptionContext:dept": "finance"}}}]}]}}
  EOF`,
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
