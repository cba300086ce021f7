package extract

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Stand-ins for what a template leaves to its deployment. The account is one
// that nobody has, so that comparing it with others is right.
const (
	standInAccount = "000000000000"
	standInRegion  = "us-east-1"
)

// A template resolves CloudFormation's functions, as far as the template itself
// settles them.
type template struct {
	root    *node
	options Options
	notes   []string
	// ownAccount: AWS::AccountId has been replaced by its stand-in.
	ownAccount bool
	// depth of functions that are being resolved, and the calls so far.
	depth, calls int
}

// Bounds on functions within functions, which anchors of YAML can multiply.
const (
	maxFunctions = 20
	maxCalls     = 20_000
)

// note says once what stands for what.
func (t *template) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(t.notes, text) {
		t.notes = append(t.notes, text)
	}
}

// function takes a value apart into the name of a function and its argument:
// {"Fn::Sub": x} and !Sub x alike.
func function(v *node) (name string, arg *node) {
	switch {
	case v == nil:
		return "", nil
	case v.tag != "":
		plain := *v
		plain.tag = ""
		return strings.TrimPrefix(v.tag, "!"), &plain
	case v.kind == objectNode && len(v.fields) == 1:
		name := v.fields[0].name.text
		if short, ok := strings.CutPrefix(name, "Fn::"); ok {
			return short, v.fields[0].value
		}
		if name == "Ref" {
			return name, v.fields[0].value
		}
	}
	return "", nil
}

// computed tells whether a value holds a function anywhere.
func computed(v *node, depth int) bool {
	if name, _ := function(v); name != "" || depth > maxNesting {
		return true
	}
	return slices.ContainsFunc(v.fields, func(f field) bool { return computed(f.value, depth+1) }) ||
		slices.ContainsFunc(v.items, func(n *node) bool { return computed(n, depth+1) })
}

// resolve is a resolver. A value that cannot be told becomes a stand-in.
func (t *template) resolve(v *node, path []string) (*node, string) {
	name, arg := function(v)
	if name == "" {
		return v, ""
	}
	t.calls++
	if t.depth > maxFunctions || t.calls > maxCalls {
		return standIn(v, path), "there are too many functions within functions"
	}
	t.depth++
	defer func() { t.depth-- }()
	value, unknown := t.call(name, arg, v)
	if unknown != "" {
		return standIn(v, path), unknown
	}
	return value, ""
}

// call resolves one function; a nil value without a reason is AWS::NoValue.
func (t *template) call(name string, arg, at *node) (*node, string) {
	switch name {
	case "Ref":
		return t.ref(arg.str(), at)
	case "GetAtt":
		return t.attribute(arg, at)
	case "Sub":
		text, unknown := t.substitute(arg)
		return scalarAt(text, at), unknown
	case "Join":
		return t.join(arg, at)
	case "Select":
		return t.choose(arg)
	case "Split":
		return t.split(arg, at)
	case "FindInMap":
		return t.lookUp(arg)
	case "ImportValue":
		return nil, "an import of another stack is known at deployment only"
	case "If":
		return nil, "Fn::If depends on a condition that deployment decides"
	}
	return nil, "Fn::" + name + " is known at deployment only"
}

func scalarAt(text string, at *node) *node {
	return &node{kind: stringNode, text: text, start: at.start, end: at.end, yaml: at.yaml}
}

// text is the string that a value stands for.
func (t *template) text(v *node) (text, unknown string) {
	value, unknown := t.resolve(v, nil)
	switch {
	case unknown != "":
		return "", unknown
	case value == nil || value.kind == objectNode || value.kind == listNode:
		return "", "a text is expected here"
	}
	return value.text, ""
}

// string is the text that a value stands for, empty if that cannot be told.
func (t *template) string(v *node) string {
	if v == nil {
		return ""
	}
	text, _ := t.text(v)
	return text
}

// list is the list that a value stands for.
func (t *template) list(v *node) (items []*node, unknown string) {
	value, unknown := t.resolve(v, nil)
	if unknown == "" && !value.isList() {
		unknown = "a list is expected here"
	}
	if unknown != "" {
		return nil, unknown
	}
	return value.items, ""
}

func (t *template) join(arg, at *node) (*node, string) {
	if !arg.isList() || len(arg.items) != 2 {
		return nil, "Fn::Join takes a delimiter and a list"
	}
	items, unknown := t.list(arg.items[1])
	if unknown != "" {
		return nil, unknown
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], unknown = t.text(item); unknown != "" {
			return nil, unknown
		}
	}
	return scalarAt(strings.Join(texts, t.string(arg.items[0])), at), ""
}

func (t *template) split(arg, at *node) (*node, string) {
	if !arg.isList() || len(arg.items) != 2 {
		return nil, "Fn::Split takes a delimiter and a text"
	}
	text, unknown := t.text(arg.items[1])
	if unknown != "" {
		return nil, unknown
	}
	return listAt(strings.Split(text, t.string(arg.items[0])), at), ""
}

func listAt(texts []string, at *node) *node {
	list := &node{kind: listNode, start: at.start, end: at.end, yaml: at.yaml}
	for _, text := range texts {
		list.items = append(list.items, scalarAt(strings.TrimSpace(text), at))
	}
	return list
}

// choose is Fn::Select.
func (t *template) choose(arg *node) (*node, string) {
	if !arg.isList() || len(arg.items) != 2 {
		return nil, "Fn::Select takes an index and a list"
	}
	index, unknown := t.text(arg.items[0])
	if unknown != "" {
		return nil, unknown
	}
	items, unknown := t.list(arg.items[1])
	if unknown != "" {
		return nil, unknown
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		return nil, "Fn::Select has no item " + index
	}
	return t.resolve(items[i], nil)
}

// lookUp is Fn::FindInMap.
func (t *template) lookUp(arg *node) (*node, string) {
	if !arg.isList() || len(arg.items) < 3 {
		return nil, "Fn::FindInMap takes a map and two keys"
	}
	var keys [3]string
	for i := range keys {
		text, unknown := t.text(arg.items[i])
		if unknown != "" {
			return nil, unknown
		}
		keys[i] = text
	}
	if v := t.root.get("Mappings", keys[0], keys[1], keys[2]); v != nil {
		return v, ""
	}
	return nil, fmt.Sprintf("Fn::FindInMap: what %s.%s.%s is, is known at deployment only", keys[0], keys[1], keys[2])
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// substitute is Fn::Sub. ${!Name} stands for ${Name}, as policy variables need
// it.
func (t *template) substitute(arg *node) (text, unknown string) {
	var values *node
	if arg.isList() && len(arg.items) == 2 {
		arg, values = arg.items[0], arg.items[1]
	}
	if !arg.isString() {
		return "", "Fn::Sub takes a text"
	}
	text = placeholder.ReplaceAllStringFunc(arg.text, func(found string) string {
		name := strings.TrimSpace(found[2 : len(found)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		value, why := t.variable(name, values, arg)
		if why != "" {
			unknown = why
		}
		return value
	})
	return text, unknown
}

func (t *template) variable(name string, values, at *node) (text, unknown string) {
	if v := values.get(name); v != nil {
		return t.text(v)
	}
	var v *node
	if strings.Contains(name, ".") {
		v, unknown = t.attribute(scalarAt(name, at), at)
	} else {
		v, unknown = t.ref(name, at)
	}
	if unknown != "" || v == nil {
		return "", orDefault(unknown, "AWS::NoValue is no text")
	}
	return t.text(v)
}

// standIn takes the place of a value that cannot be told: well formed, so that
// the rest of the document can be checked.
func standIn(v *node, path []string) *node {
	last, before := "", ""
	if len(path) > 0 {
		last = path[len(path)-1]
	}
	if len(path) > 1 {
		before = path[len(path)-2]
	}
	text := "unresolved"
	switch {
	case last == "Statement" || last == "Principal" || last == "Condition" || before == "Condition" || len(path) == 0:
		return &node{kind: nullNode, start: v.start, end: v.end}
	case last == "Action" || last == "NotAction":
		text = "kms:DescribeKey"
	case last == "Resource" || last == "NotResource":
		text = "arn:aws:kms:" + standInRegion + ":" + standInAccount + ":key/unresolved"
	case last == "AWS":
		text = "arn:aws:iam::" + standInAccount + ":role/unresolved"
	case last == "Service":
		text = "unresolved.amazonaws.com"
	case last == "Effect":
		text = "Allow"
	}
	return scalarAt(text, v)
}

// keyID is a stand-in for the id of a key that a template makes: the same each
// time.
func keyID(logical string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(logical)) // a hash never fails
	return fmt.Sprintf("00000000-0000-0000-0000-%012x", h.Sum64()&(1<<48-1))
}
