package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/export"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/lib/schema"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// fileKinds tells the kind of a policy by the middle of its file's name:
// payroll.key.json.
var fileKinds = map[string]string{
	"key": "key", "iam": "identity", "identity": "identity", "boundary": "boundary", "session": "session",
	"scp": "scp", "rcp": "rcp", "vpce": "endpoint", "endpoint": "endpoint", "trust": "trust",
}

// compileFlags are the flags of compile.
type compileFlags struct {
	kind, pkg string
	bundle    bool
	rails     string // guardrails
	out       string
	schema    string
}

func newCompile() *cobra.Command {
	var f compileFlags
	c := &cobra.Command{
		Use:   "compile FILE | compile --bundle WORLD",
		Short: "Print the Rego that a policy document compiles to, or write a world as an OPA bundle",
		Long: `compile prints the Rego module of one policy document: the one that decides in the
engine, with Sid and JSON path of each statement. It runs in a stock OPA.

The kind of the policy is told by --kind, or by the name of the file:
payroll.key.json, .iam., .boundary., .session., .scp., .rcp., .vpce., .trust.

With --bundle it writes all policies of a world, the Rego that decides by them
and what the world calls its principals and keys as an OPA bundle. Stock OPA then
answers as keyreeve does. --schema prints what the Rego reads as input.`,
		Example: `  keyreeve compile payroll.key.json
  keyreeve compile --kind identity admin.json
  aws kms get-key-policy --key-id $KEY --query Policy --output text | keyreeve compile --kind key -

  keyreeve compile --bundle world/ -o bundle.tar.gz
  echo '{"caller": "user/bob", "action": "kms:Decrypt", "target": "key/payroll"}' > input.json
  opa eval -b bundle.tar.gz -i input.json data.keyreeve.answer.decision`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(args); err != nil {
				return fmt.Errorf("%w; see keyreeve compile --help", err)
			}
			switch {
			case f.schema != "":
				return printSchema(c.OutOrStdout(), f.schema)
			case f.bundle:
				return cannot(f.compileWorld(c.OutOrStdout(), c.ErrOrStderr(), args[0]))
			}
			return compileFile(c, args[0], f)
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.kind, "kind", "", "key, identity, boundary, session, scp, rcp, endpoint or trust")
	flags.StringVar(&f.pkg, "package", "keyreeve.policy", "package of the module")
	flags.BoolVar(&f.bundle, "bundle", false, "write an OPA bundle of a world: a directory or .txtar file")
	flags.StringVar(&f.rails, "guardrails", "", "`directory` of guardrails that go into the bundle")
	flags.StringVarP(&f.out, "output", "o", "", "`file` for the bundle; - is standard output")
	flags.StringVar(&f.schema, "schema", "", "print the JSON Schema of an input: `document` (compiled documents, guardrails), decide or answer (bundles)")
	complete(c, "kind", strings.Fields(strings.NewReplacer(",", " ", " and ", " ").Replace(kinds)))
	complete(c, "schema", []string{"document", "decide", "answer"})
	return c
}

// check refuses arguments that contradict each other.
func (f compileFlags) check(args []string) error {
	switch {
	case f.schema != "" && (len(args) > 0 || f.bundle):
		return errors.New("--schema stands alone")
	case f.schema != "":
		return nil
	case len(args) == 0:
		return errors.New("compile needs a policy document, or --bundle and a world")
	case f.bundle && f.kind != "":
		return errors.New("--kind is for one document; a world tells the kinds of its policies")
	case f.bundle && f.out == "":
		return errors.New("--bundle needs -o FILE")
	case f.kind != "" && !isKind(f.kind):
		return fmt.Errorf("--kind: there is no kind %q of policy; there are %s", f.kind, kinds)
	case !f.bundle && f.rails != "":
		return errors.New("--guardrails is for --bundle")
	case !f.bundle && f.out != "":
		return errors.New("-o is for --bundle; the module of one document is printed")
	}
	return nil
}

func compileFile(c *cobra.Command, path string, f compileFlags) error {
	text, err := readInput(c.InOrStdin(), path)
	if err != nil {
		return cannot(err)
	}
	k, err := kindOf(f.kind, path)
	if err != nil {
		return fmt.Errorf("%w; see keyreeve compile --help", err)
	}
	if path == "-" {
		path = "standard input"
	}
	return compileOne(c.OutOrStdout(), path, k, text, f.pkg)
}

func printSchema(out io.Writer, name string) error {
	text, err := schema.Text(name)
	if err != nil {
		return fmt.Errorf("--schema: %w", err)
	}
	_, err = out.Write(text)
	return cannot(err)
}

// compileWorld writes the bundle of a world to a file, which is not touched if
// there is something wrong with the world, and says on notes that it did.
func (f compileFlags) compileWorld(out, notes io.Writer, path string) error {
	rails, err := loadGuardrails(f.rails)
	if err != nil {
		return err
	}
	w, err := world.Load(path, nil)
	var problems world.Problems
	if errors.As(err, &problems) {
		return fmt.Errorf("the world %s is wrong:\n%w", path, problems.In(path))
	}
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := export.Bundle(&archive, w, rails); err != nil {
		return err
	}
	if f.out == "-" {
		_, err := out.Write(archive.Bytes())
		return err
	}
	if err := os.WriteFile(f.out, archive.Bytes(), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(notes, "wrote %s: the world %s as an OPA bundle, %d bytes\n", f.out, path, archive.Len())
	return err
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
	k, _ := policy.KindOf(name)
	return k, nil
}

// kinds are the values of --kind.
const kinds = "key, identity, boundary, session, scp, rcp, endpoint and trust"

func isKind(name string) bool {
	_, known := policy.KindOf(name)
	return known
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
