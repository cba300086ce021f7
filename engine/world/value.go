package world

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A value is a part of a world file and its place. Its methods report what is
// wrong with it and then answer with a zero value.
type value struct {
	l     *loader
	file  string
	field string
	node  *yaml.Node
}

func (v value) failf(format string, args ...any) {
	v.l.report(Problem{File: v.file, Line: v.node.Line, Column: v.node.Column, Field: v.field, Message: fmt.Sprintf(format, args...)})
}

// An entry is one key of a mapping and its value.
type entry struct {
	key   string
	keyAt value // for problems with the key itself
	value value
}

// entries lists a mapping. A key that stands twice is a problem, and only its
// first value counts.
func (v value) entries() []entry {
	if v.node.Kind != yaml.MappingNode {
		v.failf("%s where a mapping of names to values belongs", kindOf(v.node))
		return nil
	}
	seen := make(map[string]bool)
	var all []entry
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		at := value{l: v.l, file: v.file, field: join(v.field, key.Value), node: key}
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
			at.field = v.field
			at.failf("%s where a name belongs", kindOf(key))
		case seen[key.Value]:
			at.failf("stands twice in the same mapping")
		default:
			seen[key.Value] = true
			all = append(all, entry{key: key.Value, keyAt: at, value: value{l: v.l, file: v.file, field: at.field, node: v.node.Content[i+1]}})
		}
	}
	return all
}

// A table says what to do with each field of a mapping.
type table map[string]func(value)

// fields reads a mapping with known fields; those required must be there.
func (v value) fields(t table, required ...string) {
	found := make(map[string]bool)
	for _, e := range v.entries() {
		read, known := t[e.key]
		found[e.key] = true
		switch {
		case !known:
			e.keyAt.failf("unknown field; known here: %s", strings.Join(slices.Sorted(maps.Keys(t)), ", "))
		case e.value.node.Tag == "!!null":
			e.value.failf("has no value; give it one or leave it out")
		default:
			read(e.value)
		}
	}
	if v.node.Kind != yaml.MappingNode {
		return
	}
	for _, name := range required {
		if !found[name] {
			v.failf("lacks the field %s", name)
		}
	}
}

// child is the first value that a mapping has under a key, nil without one.
func (v value) child(key string) *value {
	for i := 0; v.node.Kind == yaml.MappingNode && i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == key {
			return &value{l: v.l, file: v.file, field: join(v.field, key), node: v.node.Content[i+1]}
		}
	}
	return nil
}

// items lists a sequence.
func (v value) items() []value {
	if v.node.Kind != yaml.SequenceNode {
		v.failf("%s where a list belongs", kindOf(v.node))
		return nil
	}
	all := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		all[i] = value{l: v.l, file: v.file, field: fmt.Sprintf("%s[%d]", v.field, i), node: n}
	}
	return all
}

// text is a scalar as written: 012345678901, 1.10 and true lose nothing. An
// empty text must be asked for with quotes.
func (v value) text() string {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		v.failf("%s where a text belongs", kindOf(v.node))
		return ""
	}
	return v.node.Value
}

// A check says what is wrong with a text, "" if nothing is. It must not repeat
// the text.
type check func(string) string

func textInto(to *string, checks ...check) func(value) {
	return func(v value) {
		text := v.text()
		for _, c := range checks {
			if wrong := c(text); wrong != "" {
				v.failf("%s", wrong)
				return
			}
		}
		*to = text
	}
}

func textsInto(to *[]string, checks ...check) func(value) {
	return func(v value) {
		*to = []string{}
		for _, item := range v.items() {
			var text string
			textInto(&text, checks...)(item)
			if text != "" && slices.Contains(*to, text) {
				item.failf("stands twice in this list")
				continue
			}
			*to = append(*to, text)
		}
	}
}

func pairsInto(to *map[string]string, name, content check) func(value) {
	return func(v value) {
		*to = make(map[string]string)
		for _, e := range v.entries() {
			if wrong := name(e.key); wrong != "" {
				e.keyAt.failf("%s", wrong)
				continue
			}
			var text string
			textInto(&text, content)(e.value)
			(*to)[e.key] = text
		}
	}
}

func boolInto(to *bool) func(value) {
	return func(v value) {
		if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!bool" {
			v.failf("%s where true or false belongs", kindOf(v.node))
			return
		}
		*to = strings.EqualFold(v.node.Value, "true")
	}
}

// secondsInto reads a whole number of seconds.
func secondsInto(to *time.Duration, low, high time.Duration) func(value) {
	return func(v value) {
		n, err := strconv.Atoi(v.text())
		d := time.Duration(n) * time.Second
		if err != nil || n > 1<<30 || d < low || d > high {
			v.failf("must be a number of seconds from %d to %d", int(low.Seconds()), int(high.Seconds()))
			return
		}
		*to = d
	}
}

func timeInto(to *time.Time) func(value) {
	return func(v value) {
		t, err := time.Parse(time.RFC3339, v.text())
		if err != nil {
			v.failf("must be a time such as 2026-11-23T10:00:00Z")
			return
		}
		*to = t
	}
}

// kindOf names what stands in a place where something else belongs, without
// repeating it.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return "a scalar"
}

// join extends a field's name; parts that are not plain words are quoted.
func join(field, key string) string {
	if len(key) > 80 {
		key = key[:80] + "…"
	}
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`.[]"`, r) }) {
		key = strconv.Quote(key)
	}
	if field == "" {
		return key
	}
	return field + "." + key
}
