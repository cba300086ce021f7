// Package guardrail loads an organization's own Rego, which may refuse requests and never allow any.
package guardrail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Package is where guardrails are written: modules in it, or below it.
const Package = "keyreeve.guardrail"

// A Set is the guardrails that are in force together. It is immutable and safe
// for concurrent use.
type Set struct {
	// Footprint lists the paths below input that decide the answer, sorted:
	// "action", "principal.role", "context.kms:viaservice"; "principal" and
	// "context" where all of it may be read.
	Footprint []string
	// Clock: the footprint holds a value that is another one in each second.
	Clock bool
	// Digest identifies what the guardrails say: 64 hexadecimal digits.
	Digest string

	modules  map[string]string
	data     map[string]any
	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction
}

// LoadDir reads all .rego files below a directory but tests (_test.rego), and
// data.json or data.yaml files as OPA does. What is wrong with them comes back
// as Faults.
func LoadDir(dir string) (*Set, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("guardrails are a directory of .rego files, and %s is none", dir)
	}
	files := bundle.NewDirectoryLoader(dir).WithFilter(withoutTests)
	b, err := bundle.NewCustomReader(files).WithBaseDir(dir).WithSkipBundleVerification(true).
		WithProcessAnnotations(true).WithRegoVersion(ast.RegoV1).Read()
	if err != nil {
		return nil, fmt.Errorf("reading guardrails: %w", faultsOf(err))
	}
	return FromBundle(b)
}

func withoutTests(_ string, info os.FileInfo, _ int) bool {
	return strings.HasSuffix(info.Name(), "_test.rego")
}

// FromBundle takes the guardrails of a bundle that OPA has read. What is wrong
// with them comes back as Faults.
func FromBundle(b bundle.Bundle) (*Set, error) {
	modules := make(map[string]*ast.Module, len(b.Modules))
	texts := make(map[string]string, len(b.Modules))
	for _, m := range b.Modules {
		if strings.HasSuffix(m.Path, "_test.rego") {
			continue
		}
		modules[m.Path], texts[strings.TrimPrefix(m.RelativePath, "/")] = m.Parsed, string(m.Raw)
	}
	faults := slices.Concat(checkForm(b), checkModules(modules), checkData(b.Data))
	if len(faults) > 0 {
		return nil, faults.sorted()
	}
	c, err := compile(modules)
	if err != nil {
		return nil, err
	}
	reads := footprint(c)
	if faults := slices.Concat(checkDeny(c), reads.faults); len(faults) > 0 {
		return nil, faults.sorted()
	}
	return assemble(c, texts, b.Data, reads)
}

// Parse takes the texts of modules by file name, and data. What is wrong with
// them comes back as Faults.
func Parse(texts map[string][]byte, data map[string]any) (*Set, error) {
	b := bundle.Bundle{Data: data}
	for name, text := range texts {
		m, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, faultsOf(err)
		}
		b.Modules = append(b.Modules, bundle.ModuleFile{Path: name, RelativePath: name, Raw: text, Parsed: m})
	}
	return FromBundle(b)
}

func assemble(c *ast.Compiler, texts map[string]string, data map[string]any, reads *reads) (*Set, error) {
	digest, err := digestOf(texts, data)
	if err != nil {
		return nil, err
	}
	s := &Set{Footprint: reads.paths(), Clock: reads.clock(), Digest: digest, modules: texts, data: data, compiler: c, store: inmem.NewFromObject(data)}
	if s.txn, err = s.store.NewTransaction(context.Background()); err != nil {
		return nil, fmt.Errorf("opening the data of guardrails: %w", err)
	}
	return s, nil
}

func digestOf(texts map[string]string, data map[string]any) (string, error) {
	text, err := json.Marshal([]any{texts, data}) // members of objects are in order
	if err != nil {
		return "", fmt.Errorf("reading the data of guardrails: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Modules returns the texts of the modules by file name.
func (s *Set) Modules() map[string]string { return maps.Clone(s.modules) }

// Data returns what modules find at data.keyreeve.guardrail beside rules. It
// must not be changed.
func (s *Set) Data() map[string]any {
	own := s.data
	for part := range strings.SplitSeq(Package, ".") {
		own, _ = own[part].(map[string]any)
	}
	if own == nil {
		return map[string]any{}
	}
	return own
}

// A Fault is what is wrong at one place.
type Fault struct {
	File    string
	Line    int // 0: the whole file, or none
	Message string
}

func (f Fault) Error() string {
	switch {
	case f.File == "":
		return f.Message
	case f.Line == 0:
		return f.File + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
}

// Faults are all that is wrong with guardrails, in the order of files and
// lines.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

func (fs Faults) sorted() Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return slices.Compact(fs)
}

// fault is at a place in a module.
func fault(at *ast.Location, format string, args ...any) Fault {
	f := Fault{Message: fmt.Sprintf(format, args...)}
	if at != nil {
		f.File, f.Line = at.File, at.Row
	}
	return f
}

// faultsOf are OPA's own findings; other errors stay as they are.
func faultsOf(err error) error {
	var found ast.Errors
	if !errors.As(err, &found) {
		return err
	}
	var faults Faults
	for _, e := range found {
		faults = append(faults, fault(e.Location, "%s", e.Message))
	}
	return faults.sorted()
}
