package lsp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// Commands that lenses carry.
const (
	runCommand    = "keyreeve.test"
	whoCanCommand = "keyreeve.whoCan"
)

var commands = map[string]func(v *view, ctx context.Context, arguments []json.RawMessage) (string, error){
	runCommand:    (*view).executeTest,
	whoCanCommand: (*view).executeWhoCan,
}

// maxLenses bounds the questions that lenses of one document ask.
const maxLenses = 50

// lenses say above each case how it came out, and above the policy of a key who
// may use it.
func (v *view) lenses(ctx context.Context, d *document) ([]codeLens, error) {
	all := []codeLens{}
	if slices.ContainsFunc(d.parts(), part.isCases) && d.saved {
		all = append(all, v.caseLenses(ctx, d)...)
	}
	if base := v.base(d); base != nil {
		all = append(all, v.keyLenses(ctx, d, base)...)
	}
	return all, ctx.Err()
}

func (v *view) caseLenses(ctx context.Context, d *document) []codeLens {
	outcome, err := v.run(ctx, d)
	if err != nil {
		return nil // diagnostics say it
	}
	byLine := map[int][]policytests.Result{}
	for _, r := range outcome.Results {
		byLine[r.Line] = append(byLine[r.Line], r)
	}
	var all []codeLens
	for line, results := range byLine {
		all = append(all, codeLens{d.text.lineSpan(line - 1), &command{verdict(results) + " · run test", runCommand, arguments(d.uri, line)}})
	}
	for _, p := range outcome.Problems {
		if at, ok := v.lineOf(d, p); ok && byLine[p.Line] == nil && p.Line > 0 {
			all = append(all, codeLens{d.text.lineSpan(at), &command{"? cannot be decided · run test", runCommand, arguments(d.uri, p.Line)}})
		}
	}
	slices.SortFunc(all, func(a, b codeLens) int { return cmp.Compare(a.Range.Start.Line, b.Range.Start.Line) })
	return all
}

// verdict says how the results of one line came out.
func verdict(results []policytests.Result) string {
	failed := 0
	for _, r := range results {
		if r.Failure != nil {
			failed++
		}
	}
	switch {
	case failed == 0 && len(results) == 1:
		return "✓ passed"
	case failed == 0:
		return fmt.Sprintf("✓ %d passed", len(results))
	case len(results) == 1:
		return "✗ wanted " + results[0].Failure.Wanted + ", got " + results[0].Failure.Got
	}
	return fmt.Sprintf("✗ %d of %d failed", failed, len(results))
}

func arguments(all ...any) []json.RawMessage {
	raw := make([]json.RawMessage, len(all))
	for i, a := range all {
		raw[i], _ = json.Marshal(a) // texts and numbers
	}
	return raw
}

// uses is the action that stands for the use of keys of a usage.
var uses = map[string]string{"ENCRYPT_DECRYPT": "kms:Decrypt", "SIGN_VERIFY": "kms:Sign", "GENERATE_VERIFY_MAC": "kms:GenerateMac", "KEY_AGREEMENT": "kms:DeriveSharedSecret"}

func (v *view) keyLenses(ctx context.Context, d *document, base *query.Base) []codeLens {
	all := []codeLens{}
	for _, k := range base.World().Keys() {
		line, here := v.policyLine(d, k)
		if !here || len(all) >= maxLenses || ctx.Err() != nil {
			continue
		}
		for _, action := range []string{cmp.Or(uses[k.Usage], "kms:DescribeKey"), "kms:PutKeyPolicy"} {
			name := keyARN(base.World(), k)
			t, err := query.WhoCan(ctx, base, []string{action}, name, query.Filter{})
			if err != nil {
				continue
			}
			all = append(all, codeLens{d.text.lineSpan(line), &command{who(t, action, k), whoCanCommand, arguments(d.uri, name, action)}})
		}
	}
	return all
}

// policyLine is the line of a document at which the policy of a key begins.
func (v *view) policyLine(d *document, k *world.Key) (int, bool) {
	if k.Policy == nil || k.Policy.Document == nil || k.Policy.File == "" {
		return 0, false
	}
	world := d.worldOf()
	for _, p := range d.parts() {
		name := p.name
		if world != d.path {
			name = insideOf(world, d.path)
		}
		if name == k.Policy.File {
			return d.text.position(p.begin).Line + max(0, k.Policy.Line(k.Policy.Document.Statements[0].Pos)-k.Policy.Document.Statements[0].Pos.Line), true
		}
	}
	return 0, false
}

// insideOf is a path as the world around it has it.
func insideOf(world, name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), strings.ReplaceAll(world, `\`, "/")), "/")
}

// who says on one line how many principals may do something with a key, and
// names the first.
func who(t query.Table, action string, k *world.Key) string {
	const named = 3
	var names []string
	unknown, anyone := 0, false
	for _, row := range t.Rows {
		switch row.Verdict {
		case query.Never:
		case query.Unknown:
			unknown++
		default:
			anyone = anyone || row.Anyone
			names = append(names, row.Principal)
		}
	}
	text := fmt.Sprintf("%d principals may %s key/%s", len(names), strings.TrimPrefix(action, "kms:"), k.Name)
	switch len(names) {
	case 0:
		text = fmt.Sprintf("nobody may %s key/%s", strings.TrimPrefix(action, "kms:"), k.Name)
	case 1:
		text = fmt.Sprintf("1 principal may %s key/%s", strings.TrimPrefix(action, "kms:"), k.Name)
	}
	if len(names) > 0 && len(names) <= named {
		text += ": " + strings.Join(names, ", ")
	}
	if anyone {
		text += " (also of other accounts)"
	}
	if unknown > 0 {
		text += fmt.Sprintf(" (%d unknown)", unknown)
	}
	return text
}

// execute carries out the command of a lens, and shows what came of it.
func (v *view) execute(ctx context.Context, m message) (any, error) {
	var p commandParams
	if err := decodeParams(m, &p); err != nil {
		return nil, err
	}
	do := commands[p.Command]
	if do == nil {
		return nil, &rpcError{codeInvalidParams, "there is no command " + p.Command}
	}
	text, err := do(v, ctx, p.Arguments)
	if err != nil {
		return nil, err
	}
	v.notify("window/showMessage", map[string]any{"type": asInformation, "message": text})
	return text, nil
}

// documentOf is the document that the first argument of a command names, the
// others are read into to.
func (v *view) documentOf(arguments []json.RawMessage, to ...any) (*document, error) {
	var uri string
	to = append([]any{&uri}, to...)
	if len(arguments) != len(to) {
		return nil, &rpcError{codeInvalidParams, fmt.Sprintf("the command takes %d arguments", len(to))}
	}
	for i, a := range arguments {
		if err := json.Unmarshal(a, to[i]); err != nil {
			return nil, &rpcError{codeInvalidParams, fmt.Sprintf("argument %d is wrong: %v", i+1, err)}
		}
	}
	d := v.docs[uri]
	if d == nil {
		return nil, &rpcError{codeInvalidParams, "the document is not open"}
	}
	return d, nil
}

// executeTest runs the case at a line, and says all about it.
func (v *view) executeTest(ctx context.Context, arguments []json.RawMessage) (string, error) {
	var line int
	d, err := v.documentOf(arguments, &line)
	if err != nil {
		return "", err
	}
	outcome, err := v.run(ctx, d)
	if err != nil {
		return "", err
	}
	var texts []string
	for _, r := range outcome.Results {
		switch {
		case r.Line != line:
		case r.Failure == nil:
			texts = append(texts, "passed: "+r.Text)
		default:
			texts = append(texts, "FAILED: "+r.Text+"\n"+r.Failure.String())
		}
	}
	for _, p := range outcome.Problems {
		if p.Line == line || len(outcome.Results) == 0 {
			texts = append(texts, p.String())
		}
	}
	if len(texts) == 0 {
		return fmt.Sprintf("line %d has no case", line), nil
	}
	return strings.Join(texts, "\n"), nil
}

// executeWhoCan lists who may do something with a key, and when.
func (v *view) executeWhoCan(ctx context.Context, arguments []json.RawMessage) (string, error) {
	var key, action string
	d, err := v.documentOf(arguments, &key, &action)
	if err != nil {
		return "", err
	}
	base := v.base(d)
	if base == nil {
		return "", &rpcError{codeInvalidParams, "the document lies in no world that loads"}
	}
	t, err := query.WhoCan(ctx, base, []string{action}, key, query.Filter{})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.WriteText(&b, report.Style{Width: 100})
	return b.String(), err
}
