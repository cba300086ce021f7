package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxViolations = 100   // told in one answer
	maxEcho       = 16384 // bytes of a value that is repeated to its sender
)

// A decoder gathers what is wrong with an input.
type decoder struct {
	mistyped string // the first value of a wrong type
	told     []string
	count    int
}

// violations returns all broken constraints as one error.
func (d *decoder) violations() *Error {
	noun := "errors"
	if d.count == 1 {
		noun = "error"
	}
	return Errorf(Validation, "%d validation %s detected: %s", d.count, noun, strings.Join(d.told, "; "))
}

// note tells one broken constraint. value is what stands between "Value " and
// " at", with a space after it, or empty.
func (d *decoder) note(value, path, constraint string) {
	if d.count++; len(d.told) < maxViolations {
		d.told = append(d.told, "Value "+value+"at '"+path+"' failed to satisfy constraint: "+constraint)
	}
}

func (d *decoder) missing(s *shape, path string) {
	value := "null "
	if concealed(s) {
		value = ""
	}
	d.note(value, path, "Member must not be null")
}

// constrain notes each constraint of s that v does not meet.
func (d *decoder) constrain(s *shape, v reflect.Value, path string) {
	if d.mistyped != "" {
		return
	}
	for _, f := range faultsOf(s, v) {
		d.note(echo(s, v), path, f)
	}
}

// elements notes that a list or map at path holds a value that breaks a
// constraint of its shape s, or is null; the service then tells all of them.
func (d *decoder) elements(s *shape, v reflect.Value, path, words string, null bool) {
	all := limits(s)
	if null {
		all = append(all, "Member must not be null")
	}
	value := ""
	if !concealed(s) {
		value = show(v)
	}
	d.note(value, path, words+"["+strings.Join(all, ", ")+"]")
}

// faultsOf returns the constraints of s that v does not meet. Lengths are in
// code points, bytes or elements.
func faultsOf(s *shape, v reflect.Value) []string {
	var out []string
	n, counted := size(s, v)
	if counted && s.Max != nil && n > *s.Max {
		out = append(out, atMost(s))
	}
	if counted && s.Min != nil && n < *s.Min {
		out = append(out, atLeast(s))
	}
	if s.pattern != nil && !s.pattern.MatchString(v.String()) {
		out = append(out, matching(s))
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v.String()) {
		out = append(out, among(s))
	}
	return out
}

// limits returns all constraints of s.
func limits(s *shape) []string {
	var out []string
	if s.Max != nil {
		out = append(out, atMost(s))
	}
	if s.Min != nil {
		out = append(out, atLeast(s))
	}
	if s.pattern != nil {
		out = append(out, matching(s))
	}
	if len(s.Enum) > 0 {
		out = append(out, among(s))
	}
	return out
}

// size returns what Min and Max of s bound.
func size(s *shape, v reflect.Value) (int64, bool) {
	switch s.Type {
	case "string":
		return int64(utf8.RuneCountInString(v.String())), true
	case "blob", "list", "map":
		return int64(v.Len()), true
	case "integer":
		return v.Int(), true
	}
	return 0, false
}

func measure(s *shape) string {
	if s.Type == "integer" {
		return "value"
	}
	return "length"
}

func atMost(s *shape) string {
	return fmt.Sprintf("Member must have %s less than or equal to %d", measure(s), *s.Max)
}

func atLeast(s *shape) string {
	return fmt.Sprintf("Member must have %s greater than or equal to %d", measure(s), *s.Min)
}

func matching(s *shape) string {
	return "Member must satisfy regular expression pattern: " + s.Pattern
}

func among(s *shape) string {
	return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
}

// unechoed shapes are not repeated to their sender although the model does not
// call them sensitive: errors end up in logs.
var unechoed = map[string]bool{"GrantTokenType": true, "GrantTokenList": true, "PolicyType": true}

func concealed(s *shape) bool { return s.Sensitive || unechoed[s.Name] }

// echo returns the value in quotes and a space, or nothing for values that are
// not repeated.
func echo(s *shape, v reflect.Value) string {
	if concealed(s) || s.Type == "blob" {
		return ""
	}
	return show(v)
}

// show writes a value as the service does: 'text', '7', '[a, b]', '{k=v}'.
func show(v reflect.Value) string {
	var text string
	switch v.Kind() {
	case reflect.String:
		text = v.String()
	case reflect.Int32:
		text = strconv.FormatInt(v.Int(), 10)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.String {
			return ""
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = v.Index(i).String()
		}
		text = "[" + strings.Join(parts, ", ") + "]"
	default:
		return ""
	}
	if len(text) > maxEcho {
		return ""
	}
	return "'" + text + "' "
}

// targets are the names of Go's types in messages about values of another type.
var targets = map[string]string{
	"string":    "a String",
	"blob":      "a Blob",
	"integer":   "an Integer",
	"boolean":   "a Boolean",
	"timestamp": "milliseconds since epoch",
}

var tokens = map[kind]string{
	kindTrue: "TRUE_VALUE", kindFalse: "FALSE_VALUE", kindNumber: "NUMBER_VALUE", kindString: "STRING_VALUE",
}

// mismatch notes that n cannot become a value of the model's type want.
func (d *decoder) mismatch(n *node, want string) {
	switch {
	case d.mistyped != "":
	case n.kind == kindList:
		d.mistyped = "Start of list found where not expected"
	case n.kind == kindObject:
		d.mistyped = "Start of structure or map found where not expected."
	case want == "list":
		d.mistyped = "Expected list or null"
	case want == "map":
		d.mistyped = "Expected map or null"
	case want == "structure":
		d.mistyped = "Expected null"
	default:
		d.mistyped = tokens[n.kind] + " can not be converted to " + targets[want]
	}
}
