package compile

import (
	"strconv"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// comments turns sentences into the lines of a comment.
func comments(sentences []string) []string {
	var lines []string
	for _, s := range sentences {
		lines = append(lines, "# "+printable(s))
	}
	return lines
}

// metadata is an annotation in OPA's form. Titles and values are quoted, so
// that no text of a policy can break out of the comment or of YAML.
func metadata(title string, custom [][2]string) []string {
	lines := []string{"# METADATA", "# title: " + strconv.QuoteToASCII(title), "# custom:"}
	for _, kv := range custom {
		lines = append(lines, "#   "+kv[0]+": "+strconv.QuoteToASCII(kv[1]))
	}
	return lines
}

// printable keeps a comment on its line and in ASCII.
func printable(s string) string {
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// Text prints the module as OPA's formatter does, with the comments that tell
// which part of the document each rule comes from. It is for people and for
// other OPAs; the module itself is AST.
func (m *Module) Text() string {
	var b strings.Builder
	write(&b, m.AST.Package)
	for i, p := range m.pieces {
		// The formatter joins comments that no rule follows.
		if i == 0 || p.rule != nil || m.pieces[i-1].rule != nil {
			b.WriteString("\n")
		}
		for _, line := range p.comments {
			b.WriteString(line + "\n")
		}
		if p.rule != nil {
			write(&b, layOut(p.rule))
		}
	}
	return b.String()
}

// capabilities are the same for every node; the formatter would list them
// anew for each.
var capabilities = sync.OnceValue(func() *ast.Capabilities {
	return ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
})

// write formats one node. What the formatter cannot do prints in one line.
func write(b *strings.Builder, node ast.Node) {
	text, err := format.AstWithOpts(node, format.Opts{RegoVersion: ast.RegoV1, Capabilities: capabilities()})
	if err != nil {
		text = []byte(node.String())
	}
	b.WriteString(strings.TrimRight(string(text), "\n") + "\n")
}
