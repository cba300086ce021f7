package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/keyreeve/keyreeve/"

// chain is the order of the top directories: each may import those after its
// own place and, within a directory, what makes no cycle (the compiler sees to
// that). Directories of one rank do not import each other.
var chain = map[string]int{"cmd": 0, "examples": 0, "policytests": 1, "engine": 2, "store": 3, "crypto": 4, "rego": 4}

// leaves are exceptions to the chain: cmd may import what examples ships.
var leaves = map[string][]string{"examples": {"cmd"}}

// homes names the packages that may import a replaceable dependency.
var homes = map[string][]string{
	"github.com/labstack/echo/":            {"engine/server"},
	"github.com/dgraph-io/badger/":         {"store"},
	"github.com/open-policy-agent/opa/":    {"engine/decision", "rego/", "policytests/repl"},
	"github.com/cloudflare/circl/":         {"crypto/"},
	"github.com/miekg/pkcs11":              {"crypto/material/pkcs11"},
	"github.com/pires/go-proxyproto":       {"engine/server"},
	"github.com/prometheus/client_golang/": {"engine/metrics", "engine/server"},
	"github.com/aws/aws-sdk-go-v2":         {"engine/enginetest", "examples/", "policytests/dump"},
	"github.com/spf13/cobra":               {"cmd/"},
	"github.com/mattn/go-runewidth":        {"policytests/report"},
}

// topLevel is all that may lie at the root of the repository.
var topLevel = []string{
	".ci", ".git", ".gitignore", ".golangci.yml", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md",
	"cmd", "crypto", "engine", "examples", "go.mod", "go.sum", "policytests", "rego", "store",
}

// ignored tells whether running things leaves a name behind, as .gitignore
// says.
func ignored(t *testing.T, name string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", ".gitignore"))
	require.NoError(t, err)
	return slices.ContainsFunc(strings.Fields(string(text)), func(pattern string) bool {
		matched, err := filepath.Match(strings.Trim(pattern, "/"), name)
		require.NoError(t, err)
		return matched
	})
}

// imports calls visit for each import of each Go file of the repository.
func imports(t *testing.T, visit func(file, dir, path string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil || strings.HasPrefix(file, ".") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			visit(file, filepath.ToSlash(filepath.Dir(file)), name)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestImportsGoDownTheChain(t *testing.T) {
	seen := 0
	imports(t, func(file, dir, path string) {
		rest, ours := strings.CutPrefix(path, module)
		if !ours {
			return
		}
		from, to := top(dir), top(rest)
		if from == to || slices.Contains(leaves[to], from) || isTest(file) && to == "engine" && strings.HasPrefix(rest, "engine/enginetest") {
			return
		}
		seen++
		assert.Less(t, chain[from], chain[to], "%s imports %s", file, path)
	})
	assert.NotZero(t, seen)
}

func TestEachReplaceableDependencyHasOneHome(t *testing.T) {
	imports(t, func(file, dir, path string) {
		if isTest(file) {
			return
		}
		for dependency, allowed := range homes {
			if !strings.HasPrefix(path, dependency) {
				continue
			}
			at := slices.ContainsFunc(allowed, func(home string) bool {
				return dir == home || strings.HasSuffix(home, "/") && strings.HasPrefix(dir+"/", home)
			})
			assert.True(t, at, "%s imports %s, whose home is %v", file, path, allowed)
		}
	})
}

func TestTheTopLevelHoldsTheDirectoriesAndTheLawOnly(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	require.NoError(t, err)
	for _, e := range entries {
		assert.True(t, slices.Contains(topLevel, e.Name()) || ignored(t, e.Name()), "%s at the top level", e.Name())
	}
}

func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.go") }
