package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// fileKinds tells the kind of a policy by the middle of its file's name:
// payroll.key.json.
var fileKinds = map[string]string{
	"key": "key", "iam": "identity", "identity": "identity", "boundary": "boundary", "session": "session",
	"scp": "scp", "rcp": "rcp", "vpce": "endpoint", "endpoint": "endpoint", "trust": "trust",
}

func newCompile() *cobra.Command {
	var kind, pkg string
	c := &cobra.Command{
		Use:   "compile FILE",
		Short: "Print the Rego that a policy document compiles to",
		Long: `compile prints the Rego module of one policy document: the one that decides in the
engine, with Sid and JSON path of each statement. It runs in a stock OPA.

The kind of the policy is told by --kind, or by the name of the file:
payroll.key.json, .iam., .boundary., .session., .scp., .rcp., .vpce., .trust.`,
		Example: `  keyreeve compile payroll.key.json
  keyreeve compile --kind identity admin.json
  aws kms get-key-policy --key-id alias/payroll --query Policy --output text | keyreeve compile --kind key -`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := kindOf(kind, args[0])
			if err != nil {
				return err
			}
			text, err := readInput(c.InOrStdin(), args[0])
			if err != nil {
				return cannot(err)
			}
			return compileOne(c.OutOrStdout(), args[0], k, text, pkg)
		},
	}
	c.Flags().StringVar(&kind, "kind", "", "key, identity, boundary, session, scp, rcp, endpoint or trust")
	c.Flags().StringVar(&pkg, "package", "keyreeve.policy", "package of the module")
	return c
}

func kindOf(flag, path string) (policy.Kind, error) {
	name := flag
	if name == "" {
		parts := strings.Split(filepath.Base(path), ".")
		if len(parts) >= 3 {
			name = fileKinds[parts[len(parts)-2]]
		}
	}
	if name == "" {
		return 0, errors.New("tell the kind of the policy with --kind, or by a name such as payroll.key.json")
	}
	k, known := policy.KindOf(name)
	if !known {
		return 0, fmt.Errorf("--kind: there is no kind %q of policy", name)
	}
	return k, nil
}

func readInput(in io.Reader, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}

func compileOne(out io.Writer, path string, k policy.Kind, text []byte, pkg string) error {
	doc, err := policy.Parse(k, text)
	if err != nil {
		return &exitError{exitFindings, fmt.Errorf("%s is not accepted:\n%w", path, err)}
	}
	m, err := compile.Compile(doc, compile.Options{Package: pkg})
	if err != nil {
		return &exitError{exitFindings, fmt.Errorf("%s is not accepted:\n%w", path, err)}
	}
	_, err = io.WriteString(out, m.Text())
	return cannot(err)
}
