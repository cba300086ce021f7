package world

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseDocument reads one YAML or JSON document, nil for a file that holds only
// comments. Anchors, aliases, tags and merge keys are refused: a world says
// everything where it stands.
func parseDocument(name string, text []byte) (*yaml.Node, error) {
	if !utf8.Valid(text) {
		return nil, Problem{File: name, Message: "not UTF-8 text"}
	}
	if strings.HasSuffix(name, ".json") {
		return parseJSON(name, text)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, yamlProblem(name, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, Problem{File: name, Line: second.Line, Column: second.Column, Message: "a file holds one document; start a second file for the next"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlProblem(name, err)
	}
	node := document.Content[0]
	if p, ok := unwelcome(node, 0); ok {
		p.File = name
		return nil, p
	}
	return node, nil
}

// maxDepth bounds the nesting of a world and of a policy inside it.
const maxDepth = 64

// unwelcome finds the first YAML feature that worlds do without.
func unwelcome(n *yaml.Node, depth int) (Problem, bool) {
	found := Problem{Line: n.Line, Column: n.Column}
	switch {
	case depth > maxDepth:
		found.Message = "nested too deeply"
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		found.Message = "anchors and aliases are not accepted; put a value that begins with & or * in quotes"
	case n.Style&yaml.TaggedStyle != 0:
		found.Message = "tags are not accepted; put a value that begins with ! in quotes"
	case n.Tag == "!!merge":
		found.Message = "merge keys are not accepted"
	}
	if found.Message != "" {
		return found, true
	}
	for _, c := range n.Content {
		if p, ok := unwelcome(c, depth+1); ok {
			return p, true
		}
	}
	return Problem{}, false
}

var yamlErrorLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// yamlProblem takes the line out of the parser's text, which is the only place
// where the parser tells it. Text that may quote the file is left out.
func yamlProblem(name string, err error) Problem {
	text := err.Error()
	m := yamlErrorLine.FindStringSubmatch(text)
	p := Problem{File: name, Line: 1, Column: 1, Message: "not YAML: " + text[len(m[0]):]} // the parser does not tell of line 1
	if line, err := strconv.Atoi(m[1]); err == nil {
		p.Line, p.Column = line, 1
	}
	if strings.Contains(text, "anchor") { // told without a line, and by a name that may be a secret
		p.Line, p.Column = 0, 0
		p.Message = "anchors and aliases are not accepted; put a value that begins with & or * in quotes"
	}
	return p
}
