// Package lib holds the Rego that is written by hand: how the verdicts of single policies become one decision.
package lib

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The queries: Decision answers a question; Statements names the statements
// that settled it, and Exempt the layers that do not bind the call.
const (
	Decision   = "data.keyreeve.decide.decision"
	Statements = "data.keyreeve.decide.statements"
	Exempt     = "data.keyreeve.decide.exempt"
)

//go:embed *.rego
var files embed.FS

// Files returns the text of each module by file name; tests are left out.
func Files() (map[string]string, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("listing the Rego library: %w", err)
	}
	texts := make(map[string]string, len(entries))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.rego") {
			continue
		}
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", e.Name(), err)
		}
		texts[e.Name()] = string(text)
	}
	return texts, nil
}

// Modules returns the parsed modules by file path below the project's
// directory. Each call parses anew, so the caller may change them.
func Modules() (map[string]*ast.Module, error) {
	texts, err := Files()
	if err != nil {
		return nil, err
	}
	modules := make(map[string]*ast.Module, len(texts))
	for name, text := range texts {
		file := path.Join("rego/lib", name)
		m, err := ast.ParseModuleWithOpts(file, text, ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", file, err)
		}
		modules[file] = m
	}
	return modules, nil
}
