package wire

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./gen

// modelText is the wire model without its prose; gen/strip.go writes it.
//
//go:embed model.json
var modelText []byte

// An Operation describes one action of the API.
type Operation struct {
	Name   string
	Input  string // shape of the input
	Output string // shape of the output; empty if the answer has no body
	Errors []Code // those that the model lists, in its order
}

// Operations returns all operations in the order of the model, which is
// alphabetical.
func Operations() []Operation { return slices.Clone(model().operations) }

// Lookup returns the operation of that name.
func Lookup(name string) (Operation, bool) {
	op, ok := model().byName[name]
	return op, ok
}

// api is the model, compiled.
type api struct {
	operations []Operation
	byName     map[string]Operation
	shapes     map[string]*shape
}

// A shape is a type of the model with its constraints.
type shape struct {
	Name      string
	Type      string `json:"type"`
	Min       *int64 `json:"min"`
	Max       *int64 `json:"max"`
	Pattern   string `json:"pattern"`
	Enum      []string
	Sensitive bool
	Required  []string
	Members   map[string]ref
	Member    *ref
	Key       *ref
	Value     *ref

	pattern *regexp.Regexp // Pattern, whole and anchored; nil without
}

type ref struct {
	Shape string `json:"shape"`
}

var model = sync.OnceValue(func() *api {
	m, err := compile(modelText)
	if err != nil {
		panic(fmt.Sprintf("wire: embedded model: %v", err)) // a test compiles it
	}
	return m
})

func compile(text []byte) (*api, error) {
	var raw struct {
		Operations map[string]struct {
			Input, Output *ref
			Errors        []struct{ Shape Code }
		}
		Shapes map[string]*shape
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	m := &api{byName: make(map[string]Operation), shapes: raw.Shapes}
	for name, o := range raw.Operations {
		op := Operation{Name: name, Input: o.Input.Shape}
		if o.Output != nil {
			op.Output = o.Output.Shape
		}
		for _, e := range o.Errors {
			op.Errors = append(op.Errors, e.Shape)
		}
		m.byName[name] = op
		m.operations = append(m.operations, op)
	}
	slices.SortFunc(m.operations, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	for name, s := range m.shapes {
		s.Name = name
		if s.Pattern == "" {
			continue
		}
		var err error
		if s.pattern, err = regexp.Compile(translate(s.Pattern)); err != nil {
			return nil, fmt.Errorf("pattern of %s: %w", name, err)
		}
	}
	return m, nil
}

// javaCodePoint and javaSpace say in Go's syntax what Java's patterns say in theirs: code
// points as \u0020, and a \s that has the vertical tab.
var (
	javaCodePoint = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)
	javaSpace     = strings.NewReplacer(`\\`, `\\`, `\s`, `\t\n\x0B\f\r `)
)

// translate returns pattern in Go's syntax, anchored at both ends: the service
// matches the whole value, with or without ^ and $.
func translate(pattern string) string {
	p := javaCodePoint.ReplaceAllString(pattern, `\x{$1}`)
	return `\A(?:` + javaSpace.Replace(p) + `)\z`
}
