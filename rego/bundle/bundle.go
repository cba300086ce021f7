// Package bundle writes compiled policies as an OPA bundle, with the Rego that decides by them.
package bundle

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/guardrail"
	"github.com/keyreeve/keyreeve/rego/lib"
	"github.com/keyreeve/keyreeve/rego/lib/schema"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Decision is the query that answers a question; Statements names the
// statements that settled it.
const (
	Decision   = "data.keyreeve.answer.decision"
	Statements = "data.keyreeve.answer.statements"
)

// Contents are what a bundle holds. The zero value is a bundle that answers
// questions to which no policies are attached.
type Contents struct {
	Policies []Policy
	World    World
	// Guardrails are the organization's own Rego; nil: none.
	Guardrails *guardrail.Set
	// Revision of the bundle, for its manifest; may be empty.
	Revision string
}

// A Policy is a document under the name that questions have for it.
type Policy struct {
	Name     string // no other policy of the bundle has it
	ARN      string // empty if it has none
	File     string // that it was read from; may be empty
	Document *policy.Document
	// Principals maps the ARNs of principals in the document to the ids that
	// they have in input.principal; one without matches nobody.
	Principals map[string]string
}

//go:embed answer.rego
var answer embed.FS

const answerFile = "answer.rego"

var errName = errors.New("policies of a bundle have different names")

// Write writes c as a gzipped tar archive: .manifest, data.json, one module for
// each different document, decide.rego, grants.rego and answer.rego. It is a
// pure function: the same contents give the same bytes. The error, if a
// document holds what keyreeve does not support, wraps policy.Errors.
func Write(w io.Writer, c Contents) error {
	b, err := build(c)
	if err != nil {
		return err
	}
	if err := bundle.NewWriter(w).DisableFormat(true).Write(b); err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	return nil
}

func build(c Contents) (bundle.Bundle, error) {
	texts, err := library()
	if err != nil {
		return bundle.Bundle{}, err
	}
	packed, err := pack(c.Policies)
	if err != nil {
		return bundle.Bundle{}, err
	}
	answerSchema, err := schema.Parsed(schema.Answer)
	if err != nil {
		return bundle.Bundle{}, err
	}
	data := map[string]any{"schema": map[string]any{"answer": answerSchema}, "world": c.World.data(packed.entries)}
	if c.Guardrails != nil {
		data["guardrail"] = c.Guardrails.Data()
		for name, content := range c.Guardrails.Modules() {
			texts = append(texts, text{path: "/keyreeve/guardrail/" + name, text: content})
		}
		slices.SortFunc(texts, byPath)
	}
	b := bundle.Bundle{Data: map[string]any{"keyreeve": data}}
	b.Manifest = bundle.Manifest{Revision: c.Revision, Roots: &[]string{"keyreeve"}}
	b.Manifest.SetRegoVersion(ast.RegoV1)
	for _, t := range slices.Concat(texts, packed.texts) {
		b.Modules = append(b.Modules, bundle.ModuleFile{URL: t.path, Path: t.path, Raw: []byte(t.text)})
	}
	return b, nil
}

// A text is a module and where it lies in the bundle.
type text struct{ path, text string }

// library is the Rego that is written by hand.
func library() ([]text, error) {
	files, err := lib.Files()
	if err != nil {
		return nil, err
	}
	own, err := answer.ReadFile(answerFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", answerFile, err)
	}
	files[answerFile] = string(own)
	var texts []text
	for name, content := range files {
		part := strings.TrimSuffix(name, ".rego")
		texts = append(texts, text{path: "/keyreeve/" + part + "/" + name, text: content})
	}
	slices.SortFunc(texts, byPath)
	return texts, nil
}

func byPath(a, b text) int { return strings.Compare(a.path, b.path) }

// packed are policies as they lie in a bundle.
type packed struct {
	texts   []text
	entries map[string]entry // by name
}

// An entry is what data.json says of a policy.
type entry struct {
	Package    string      `json:"package"` // its part below keyreeve.policies
	Kind       string      `json:"kind"`
	ARN        string      `json:"arn,omitempty"`
	File       string      `json:"file,omitempty"`
	Statements []statement `json:"statements"`
}

// A statement is how people find one of a document.
type statement struct {
	Sid    string `json:"sid,omitempty"`
	Effect string `json:"effect"`
	Path   string `json:"path"`
	Line   int    `json:"line"`
}

// pack compiles each document once, also if several policies have it.
func pack(policies []Policy) (packed, error) {
	policies = slices.SortedFunc(slices.Values(policies), func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	out := packed{entries: make(map[string]entry, len(policies))}
	packages := map[string]string{} // by digest
	taken := map[string]bool{}
	for _, p := range policies {
		if _, double := out.entries[p.Name]; double {
			return out, fmt.Errorf("%w: %s", errName, p.Name)
		}
		digest := p.digest()
		name, known := packages[digest]
		if !known {
			name = packageName(p.Name, taken)
			packages[digest] = name
			t, err := p.compile(name)
			if err != nil {
				return out, err
			}
			out.texts = append(out.texts, t)
		}
		out.entries[p.Name] = p.entry(name)
	}
	return out, nil
}

// id is the id of a principal; an ARN that has none matches nobody.
func (p Policy) id(arn string) string { return p.Principals[arn] }

// digest tells documents apart by kind, text and whom they mean: also the same
// id of a user and of a role.
func (p Policy) digest() string {
	ids := map[string]string{}
	for _, named := range p.Document.Principals() {
		if id, known := p.Principals[named.Text]; known {
			ids[named.Text] = named.Type.String() + " " + id
		}
	}
	return p.Document.DigestOf(func(arn string) string {
		if id, known := ids[arn]; known {
			return id
		}
		return arn
	})
}

func (p Policy) compile(name string) (text, error) {
	m, err := compile.Compile(p.Document, compile.Options{Package: "keyreeve.policies." + name, ID: p.id})
	if err != nil {
		return text{}, fmt.Errorf("compiling %s: %w", p.Name, err)
	}
	return text{path: "/keyreeve/policies/" + name + "/policy.rego", text: p.title() + m.Text()}, nil
}

// title says whose document a module is. The name is quoted, so that none can
// leave its comment.
func (p Policy) title() string {
	return "# METADATA\n# title: " + strconv.QuoteToASCII(p.Name) + "\n"
}

func (p Policy) entry(name string) entry {
	e := entry{Package: name, Kind: p.Document.Kind.String(), ARN: p.ARN, File: p.File, Statements: []statement{}}
	for _, s := range p.Document.Statements {
		e.Statements = append(e.Statements, statement{Sid: s.Sid, Effect: s.Effect.String(), Path: s.Pos.Path, Line: s.Pos.Line})
	}
	return e
}

// packageName makes an identifier that people recognise of a policy's name,
// which no other policy has.
func packageName(name string, taken map[string]bool) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimPrefix(name, "arn:")) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		if b.Len() >= maxName {
			break
		}
	}
	base := "p_" + strings.Trim(b.String(), "_")
	id := base
	for n := 2; taken[id]; n++ {
		id = fmt.Sprintf("%s_%d", base, n)
	}
	taken[id] = true
	return id
}

// maxName bounds the names of packages.
const maxName = 80
