package differential

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// compilerFiles are what says how operators, qualifiers, principals and
// variables become Rego.
var compilerFiles = []string{"operator.go", "condition.go", "pattern.go", "group.go", "arn.go", "principal.go", "shared.go", "resource.go", "action.go"}

const compiler = "rego/compile/"

// TestEachBranchOfTheCompilerIsTested breaks the compiler in one place after the
// other. One of its own tests must notice, or this comparison; what nobody
// notices is listed, for a person to judge: some branches only make the Rego
// faster or shorter.
func TestEachBranchOfTheCompilerIsTested(t *testing.T) {
	wanted(t, "source")
	for _, file := range compilerFiles {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", compiler, file))
			require.NoError(t, err)
			sound := sourceMutation{text: string(text)}
			require.Equal(t, "nobody", sound.noticedBy(t, compiler+file), "the tests fail as it is")
			by := map[string]int{}
			for _, m := range sourceMutations(t, file, string(text)) {
				who := m.noticedBy(t, compiler+file)
				by[who]++
				t.Logf("%s: %s", who, m.what)
			}
			t.Logf("%v", by)
			assert.NotZero(t, by["rego/compile"]+by["the comparison"])
		})
	}
}

// A sourceMutation is a changed file.
type sourceMutation struct{ what, text string }

// swaps of operators and of built-ins.
var swaps = map[string]string{
	"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||", "||": "&&",
	"LessThan": "LessThanEq", "LessThanEq": "LessThan", "GreaterThan": "GreaterThanEq", "GreaterThanEq": "GreaterThan", "Equal": "NotEqual",
	"NotEqual": "Equal", "StartsWith": "EndsWith", "EndsWith": "StartsWith", "AnyPrefixMatch": "AnySuffixMatch", "AnySuffixMatch": "AnyPrefixMatch",
	"TrimPrefix": "TrimSuffix", "TrimSuffix": "TrimPrefix", "Contains": "StartsWith", "true": "false", "false": "true",
}

// sourceMutations lists the changes of a file: contrary conditions, other
// operators, other built-ins.
func sourceMutations(t *testing.T, file, text string) []sourceMutation {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	require.NoError(t, err)
	var all []sourceMutation
	replace := func(from, to token.Pos, by string) {
		start, end := set.Position(from).Offset, set.Position(to).Offset
		all = append(all, sourceMutation{
			what: fmt.Sprintf("%s:%d: %s for %s", file, set.Position(from).Line, by, text[start:end]),
			text: text[:start] + by + text[end:],
		})
	}
	contrary := func(e ast.Expr) {
		start, end := set.Position(e.Pos()).Offset, set.Position(e.End()).Offset
		replace(e.Pos(), e.End(), "!("+text[start:end]+")")
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok != token.IMPORT
		case *ast.BinaryExpr:
			if by, ok := swaps[n.Op.String()]; ok {
				replace(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), by)
			}
		case *ast.IfStmt:
			contrary(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, c := range n.Body.List {
					for _, e := range c.(*ast.CaseClause).List {
						contrary(e)
					}
				}
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "ast" && swaps[n.Sel.Name] != "" {
				replace(n.Sel.Pos(), n.Sel.End(), swaps[n.Sel.Name])
			}
			return false
		case *ast.Ident:
			if n.Name == "true" || n.Name == "false" {
				replace(n.Pos(), n.End(), swaps[n.Name])
			}
		}
		return true
	})
	return all
}

// noticedBy tells which tests fail with the mutation.
func (m sourceMutation) noticedBy(t *testing.T, file string) string {
	t.Helper()
	overlay := overlayOf(t, file, []byte(m.text))
	if _, err := goTool(t, "build", overlay, "./"+compiler); err != nil {
		return "the Go compiler"
	}
	if _, err := goTool(t, "test", overlay, "-short", "-failfast", "-count=1", "-timeout=300s", "./"+compiler); err != nil {
		return "rego/compile"
	}
	if compared(t, overlay) {
		return "the comparison"
	}
	return "nobody"
}

// compared tells whether the comparison, with its regressions, fails.
func compared(t *testing.T, overlay string) bool {
	t.Helper()
	out, err := goTool(t, "test", overlay, "-run=Agree|Regressions", "-count=1", "-timeout=600s", "./policytests/differential", "-pairs=6000", "-shrink=false")
	if err != nil && !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic:") {
		t.Fatalf("the comparison cannot be run: %s", out)
	}
	return err != nil
}

// overlayOf has go build another text in the place of a file.
func overlayOf(t *testing.T, file string, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	changed := filepath.Join(dir, filepath.Base(file))
	require.NoError(t, os.WriteFile(changed, text, 0o600))
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, file): changed}})
	require.NoError(t, err)
	overlay := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, b, 0o600))
	return overlay
}

// goTool runs go in the root of the repository.
func goTool(t *testing.T, command, overlay string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{command, "-overlay=" + overlay}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
