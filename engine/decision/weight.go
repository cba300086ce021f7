package decision

import "github.com/open-policy-agent/opa/v1/ast"

// What a program keeps, as measured by BenchmarkPrograms: so much for itself,
// for each node of its module, and for each byte of its document's text.
const (
	programBytes  = 9_000
	nodeBytes     = 65
	documentBytes = 4
)

// weight estimates the bytes that the program of m and its document occupy. The
// regular expressions are counted where they are kept.
func weight(m *ast.Module, document string) int64 {
	var nodes, text int64
	ast.NewGenericVisitor(func(x any) bool {
		nodes++
		if s, ok := x.(ast.String); ok {
			text += int64(len(s))
		}
		return false
	}).Walk(m)
	return programBytes + nodeBytes*nodes + text + documentBytes*int64(len(document))
}
