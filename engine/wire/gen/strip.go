package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// origin stands in the model file, beside what was taken from there.
const origin = "AWS KMS API model 2014-11-01, as shipped in botocore 1.43.11, Apache-2.0"

// kept are the properties of operations and shapes that constrain a message.
// Everything else, all prose above all, is left behind.
var kept = []string{
	"input", "output", "errors", "shape", "type", "members", "required", "member", "key", "value",
	"min", "max", "pattern", "enum", "sensitive", "exception", "fault",
}

// strip returns the table of a botocore service model: one operation or shape
// a line, sorted by name.
func strip(text []byte) ([]byte, error) {
	var in struct {
		Metadata   struct{ APIVersion string }
		Operations map[string]map[string]any
		Shapes     map[string]map[string]any
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	if in.Metadata.APIVersion != "2014-11-01" {
		return nil, fmt.Errorf("API version %q is not the one that origin names", in.Metadata.APIVersion)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"source\": %q,\n\"operations\": {\n", origin)
	if err := lines(&b, in.Operations); err != nil {
		return nil, err
	}
	b.WriteString("},\n\"shapes\": {\n")
	if err := lines(&b, in.Shapes); err != nil {
		return nil, err
	}
	b.WriteString("}\n}\n")
	return b.Bytes(), nil
}

func lines(b *bytes.Buffer, entries map[string]map[string]any) error {
	for i, name := range slices.Sorted(maps.Keys(entries)) {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, "%q: ", name)
		e := json.NewEncoder(&trimmed{b})
		e.SetEscapeHTML(false)
		if err := e.Encode(reduce(entries[name])); err != nil {
			return err
		}
	}
	b.WriteByte('\n')
	return nil
}

// reduce returns the kept properties of an operation, a shape or a reference.
func reduce(entry map[string]any) map[string]any {
	out := make(map[string]any)
	for _, k := range kept {
		v, ok := entry[k]
		if !ok {
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			if k == "members" {
				out[k] = references(v)
				continue
			}
			out[k] = reduce(v)
		case []any:
			out[k] = elements(v)
		default:
			out[k] = v
		}
	}
	return out
}

// references reduces a map whose keys are names of members, not properties.
func references(members map[string]any) map[string]any {
	out := make(map[string]any, len(members))
	for name, m := range members {
		out[name] = reduce(m.(map[string]any))
	}
	return out
}

func elements(list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
		if m, ok := v.(map[string]any); ok {
			out[i] = reduce(m)
		}
	}
	return out
}

// trimmed drops the line end that json.Encoder appends.
type trimmed struct{ b *bytes.Buffer }

func (t *trimmed) Write(p []byte) (int, error) {
	_, _ = t.b.Write(bytes.TrimSuffix(p, []byte("\n"))) // a Buffer's Write never fails
	return len(p), nil
}
