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
	key   *yaml.Node // nil outside of mappings
}

func (v value) failf(format string, args ...any) { v.fail(v.node, format, args...) }

// keyFailf reports what is wrong with the key that v stands under.
func (v value) keyFailf(format string, args ...any) { v.fail(v.key, format, args...) }

func (v value) fail(at *yaml.Node, format string, args ...any) {
	v.l.report(Problem{File: v.file, Line: at.Line, Column: at.Column, Field: v.field, Message: fmt.Sprintf(format, args...)})
}

// named reports a key that is no good name, and tells whether it is one.
func (v value) named(c check) bool {
	wrong := c(v.key.Value)
	if wrong != "" {
		v.keyFailf("%s", wrong)
	}
	return wrong == ""
}

// entries lists the values of a mapping. A key that stands twice is a problem,
// and only its first value counts.
func (v value) entries() []value {
	if v.node.Kind != yaml.MappingNode {
		v.failf("%s where a mapping of names to values belongs", kindOf(v.node))
		return nil
	}
	seen := make(map[string]bool)
	var all []value
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		e := value{l: v.l, file: v.file, field: join(v.field, key.Value), node: v.node.Content[i+1], key: key}
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
			v.fail(key, "%s where a name belongs", kindOf(key))
		case seen[key.Value]:
			e.keyFailf("stands twice in the same mapping")
		default:
			seen[key.Value] = true
			all = append(all, e)
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
		read, known := t[e.key.Value]
		found[e.key.Value] = true
		switch {
		case !known:
			e.keyFailf("unknown field; known here: %s", strings.Join(slices.Sorted(maps.Keys(t)), ", "))
		case e.node.Tag == "!!null":
			e.failf("has no value; give it one or leave it out")
		default:
			read(e)
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
			return &value{l: v.l, file: v.file, field: join(v.field, key), node: v.node.Content[i+1], key: v.node.Content[i]}
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

// text is a scalar as written: 012345678901, 1.10 and true lose nothing.
func (v value) text() (text string, ok bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		v.failf("%s where a text belongs", kindOf(v.node))
		return "", false
	}
	return v.node.Value, true
}

// A check says what is wrong with a text, "" if nothing is. It must not repeat
// the text.
type check func(string) string

func textInto(to *string, checks ...check) func(value) {
	return func(v value) {
		text, ok := v.text()
		if !ok {
			return
		}
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
		seen := make(map[string]bool)
		for _, item := range v.items() {
			var text string
			textInto(&text, checks...)(item)
			if text != "" && seen[text] {
				item.failf("stands twice in this list")
				continue
			}
			seen[text] = true
			*to = append(*to, text)
		}
	}
}

func pairsInto(to *map[string]string, name, content check) func(value) {
	return func(v value) {
		*to = make(map[string]string)
		for _, e := range v.entries() {
			if e.named(name) {
				var text string
				textInto(&text, content)(e)
				(*to)[e.key.Value] = text
			}
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

// numberInto reads a whole number.
func numberInto(to *int, low, high int) func(value) {
	return func(v value) {
		text, ok := v.text()
		if !ok {
			return
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			v.failf("must be a number from %d to %d", low, high)
			return
		}
		*to = n
	}
}

// secondsInto reads a whole number of seconds.
func secondsInto(to *time.Duration, low, high time.Duration) func(value) {
	return func(v value) {
		text, ok := v.text()
		if !ok {
			return
		}
		n, err := strconv.ParseInt(text, 10, 32)
		d := time.Duration(n) * time.Second
		if err != nil || d < low || d > high {
			v.failf("must be a number of seconds from %d to %d", int(low.Seconds()), int(high.Seconds()))
			return
		}
		*to = d
	}
}

func timeInto(to *time.Time) func(value) {
	return func(v value) {
		text, ok := v.text()
		if !ok {
			return
		}
		t, err := time.Parse(time.RFC3339, text)
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
