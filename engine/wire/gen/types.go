package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// name returns the Go name of a structure: EncryptInput for EncryptRequest, the
// model's own for those that are nested.
func (m *api) name(shape string) string {
	if n := m.names[shape]; n != "" {
		return n
	}
	return shape
}

// goType returns the Go type of a member. Optional scalars and structures are
// pointers; nil is the absent value of blobs, lists and maps.
func (m *api) goType(shape string, required bool) string {
	s := m.Shapes[shape]
	t := ""
	switch s.Type {
	case "string":
		t = "string"
	case "integer":
		t = "int32"
	case "boolean":
		t = "bool"
	case "timestamp":
		t = "time.Time"
	case "structure":
		t = m.name(shape)
	case "blob":
		return "[]byte"
	case "list":
		return "[]" + m.goType(s.Member.Shape, true)
	case "map":
		return "map[" + m.goType(s.Key.Shape, true) + "]" + m.goType(s.Value.Shape, true)
	}
	if required {
		return t
	}
	return "*" + t
}

// structure returns the declaration of a structure, with methods that keep
// secrets from printing where it has any.
func (m *api) structure(shape, doc string) string {
	s, name := m.Shapes[shape], m.name(shape)
	var b strings.Builder
	fmt.Fprintf(&b, "\n// %s\ntype %s struct {\n", doc, name)
	hides := false
	for _, member := range slices.Sorted(maps.Keys(s.Members)) {
		target := s.Members[member].Shape
		required := slices.Contains(s.Required, member)
		tag := ""
		if m.hidden(target) {
			hides, tag = true, " `wire:\"secret\"`"
		}
		fmt.Fprintf(&b, "%s %s%s%s\n", member, m.goType(target, required), tag, m.remark(target, required))
	}
	b.WriteString("}\n")
	if hides {
		for _, method := range []string{
			"String() string { return describe(v) }",
			"Format(f fmt.State, _ rune) { writeDescription(f, v) }",
			"LogValue() slog.Value { return slog.StringValue(describe(v)) }",
			"MarshalJSON() ([]byte, error) { return []byte(quote(describe(v))), nil }",
		} {
			sig, body, _ := strings.Cut(method, " { ")
			fmt.Fprintf(&b, "\n// %s names the members that are set, and shows no secret.\nfunc (v %s) %s { %s\n", sig[:strings.Index(sig, "(")], name, sig, body)
		}
	}
	return b.String()
}

// hidden says whether a shape is, or is a list of, secrets.
func (m *api) hidden(shape string) bool {
	s := m.Shapes[shape]
	if s.Type == "list" {
		return m.hidden(s.Member.Shape)
	}
	return s.Sensitive || secret[shape]
}

// output returns the declaration of an operation's output; an operation whose
// answer has no body has one too, which Encode knows by its method.
func (m *api) output(name string, op operation) string {
	if op.Output != nil && m.names[op.Output.Shape] != name+"Output" {
		return fmt.Sprintf("\n// %[1]sOutput is the output of %[1]s too.\ntype %[1]sOutput = %[2]s\n", name, m.names[op.Output.Shape])
	}
	if op.Output != nil {
		return m.structure(op.Output.Shape, name+"Output is the output of "+name+".")
	}
	return fmt.Sprintf("\n// %[1]sOutput is the output of %[1]s, an answer without body.\ntype %[1]sOutput struct{}\n\nfunc (%[1]sOutput) bodiless() {}\n", name)
}

// remark returns the comment beside a member: the constraints of its shape.
func (m *api) remark(shape string, required bool) string {
	s := m.Shapes[shape]
	var words []string
	if required {
		words = append(words, "required")
	}
	unit := map[string]string{"string": " characters", "blob": " bytes", "list": " elements"}[s.Type]
	switch {
	case s.Min != nil && s.Max != nil && *s.Min == *s.Max:
		words = append(words, fmt.Sprintf("%d%s", *s.Min, unit))
	case s.Min != nil && s.Max != nil:
		words = append(words, fmt.Sprintf("%d to %d%s", *s.Min, *s.Max, unit))
	}
	if len(s.Enum) > 0 {
		words = append(words, "one of "+shape)
	}
	if len(words) == 0 {
		return ""
	}
	return " // " + strings.Join(words, "; ")
}

// codes returns the error codes of the model.
func (m *api) codes() string {
	var consts, faults strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.Shapes)) {
		s := m.Shapes[name]
		if !s.Exception {
			continue
		}
		code := strings.TrimSuffix(name, "Exception")
		if _, taken := m.Shapes[code]; taken {
			code += "Fault" // TagException beside the structure Tag
		}
		fmt.Fprintf(&consts, "%s Code = %q\n", code, name)
		fmt.Fprintf(&faults, "%s: %t,\n", code, s.Fault)
	}
	return "\n// The error codes of the model.\nconst (\n" + consts.String() + ")\n\n" +
		"// faults says of each code of the model whether it is a fault of the server.\n" +
		"var faults = map[Code]bool{\n" + faults.String() + "}\n"
}

// registry returns the table of constructors.
func (m *api) registry() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		fmt.Fprintf(&b, "%q: {func() any { return new(%[2]sInput) }, func() any { return new(%[2]sOutput) }},\n", name, name)
	}
	return "\n// messages makes the zero input and output of each operation.\n" +
		"var messages = map[string]struct{ input, output func() any }{\n" + b.String() + "}\n"
}
