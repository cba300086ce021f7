package wire

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Decode returns the input of the operation op, as *XxxInput, from the body of
// a request. A body that is not JSON, or has a value of the wrong type, is a
// Serialization error; one that breaks constraints of the model is a
// Validation error that tells all of them. Members that the model does not
// know are ignored, null is the same as absent.
func Decode(op string, body []byte) (any, *Error) {
	message, ok := messages[op]
	if !ok {
		return nil, &Error{Code: UnknownOperation}
	}
	if len(body) > MaxBody {
		return nil, &Error{Code: RequestEntityTooLarge}
	}
	root, err := parse(body)
	if err != nil || root.kind == kindString || root.kind == kindNull {
		return nil, &Error{Code: Serialization}
	}
	in := message.input()
	d := &decoder{}
	d.structure(plans()[op], root, reflect.ValueOf(in).Elem(), "")
	switch {
	case d.mistyped != "":
		return nil, &Error{Code: Serialization, Message: d.mistyped}
	case d.count > 0:
		return nil, d.violations()
	}
	return in, nil
}

// A plan is how a structure of the model becomes a Go struct.
type plan struct {
	members []member
}

type member struct {
	name     string // in JSON, and of the Go field
	label    string // in messages: "keyId"
	index    int    // of the Go field
	required bool
	shape    *shape
	nested   *plan // of a structure, or of the structures in a list
}

// narrowed are the limits of an operation that lie inside those of its shapes:
// the model gives LimitType 1 to 1000 everywhere, but says in prose how far
// each operation goes (PAG-01).
var narrowed = map[string]map[string]int64{
	"ListAliases":         {"Limit": 100},
	"ListResourceTags":    {"Limit": 50},
	"ListGrants":          {"Limit": 100},
	"ListRetirableGrants": {"Limit": 100},
}

// plans returns the plan of each operation's input.
var plans = sync.OnceValue(func() map[string]*plan {
	out := make(map[string]*plan, len(messages))
	for _, op := range model().operations {
		t := reflect.TypeOf(messages[op.Name].input()).Elem()
		p := newPlan(model().shapes[op.Input], t)
		for i, m := range p.members {
			if limit, ok := narrowed[op.Name][m.name]; ok {
				s := *m.shape
				s.Max = &limit
				p.members[i].shape = &s
			}
		}
		out[op.Name] = p
	}
	return out
})

func newPlan(s *shape, t reflect.Type) *plan {
	p := &plan{}
	for i := range t.NumField() {
		f := t.Field(i)
		m := member{
			name:     f.Name,
			label:    strings.ToLower(f.Name[:1]) + f.Name[1:],
			index:    i,
			required: slices.Contains(s.Required, f.Name),
			shape:    model().shapes[s.Members[f.Name].Shape],
		}
		inner := m.shape
		if inner.Type == "list" {
			inner = model().shapes[inner.Member.Shape]
		}
		if inner.Type == "structure" {
			ft := f.Type
			for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
				ft = ft.Elem()
			}
			m.nested = newPlan(inner, ft)
		}
		p.members = append(p.members, m)
	}
	return p
}

// structure fills v from n, and notes what is wrong with n. path is empty or
// ends in a full stop.
func (d *decoder) structure(p *plan, n *node, v reflect.Value, path string) {
	if n.kind != kindObject {
		d.mismatch(n, "structure")
		return
	}
	for _, m := range p.members {
		x := n.member(m.name)
		switch {
		case x != nil && x.kind != kindNull:
			d.member(m, x, v.Field(m.index), path+m.label)
		case m.required:
			d.missing(m.shape, path+m.label)
		}
	}
}

func (d *decoder) member(m member, n *node, v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch m.shape.Type {
	case "structure":
		d.structure(m.nested, n, v, path+".")
	case "list":
		d.list(m, n, v, path)
	case "map":
		d.dictionary(m.shape, n, v, path)
	default:
		d.scalar(m.shape, n, v)
		d.constrain(m.shape, v, path)
	}
}

func (d *decoder) list(m member, n *node, v reflect.Value, path string) {
	if n.kind != kindList {
		d.mismatch(n, "list")
		return
	}
	element := model().shapes[m.shape.Member.Shape]
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	var broken, null bool
	for i := range n.items {
		item, at := &n.items[i], v.Index(i)
		switch {
		case m.nested == nil && item.kind == kindNull:
			null = true
		case m.nested == nil:
			d.scalar(element, item, at)
			broken = broken || len(faultsOf(element, at)) > 0
		case item.kind == kindNull:
			d.missing(element, fmt.Sprintf("%s.%d.member", path, i+1))
		default:
			d.structure(m.nested, item, at, fmt.Sprintf("%s.%d.member.", path, i+1))
		}
	}
	d.constrain(m.shape, v, path)
	if broken || null {
		d.elements(element, v, path, "Member must satisfy constraint: ", null)
	}
}

func (d *decoder) dictionary(s *shape, n *node, v reflect.Value, path string) {
	if n.kind != kindObject {
		d.mismatch(n, "map")
		return
	}
	shapes := model().shapes
	key, value := shapes[s.Key.Shape], shapes[s.Value.Shape]
	pairs, one := make(map[string]string, len(n.items)), new(string)
	v.Set(reflect.ValueOf(pairs)) // all maps of the model are of strings
	var badKey, badValue, null bool
	for i := range n.items {
		badKey = badKey || len(faultsOf(key, reflect.ValueOf(&n.names[i]).Elem())) > 0
		*one = ""
		if n.items[i].kind == kindNull {
			null = true
		} else {
			x := reflect.ValueOf(one).Elem()
			d.scalar(value, &n.items[i], x)
			badValue = badValue || len(faultsOf(value, x)) > 0
		}
		pairs[n.names[i]] = *one
	}
	d.constrain(s, v, path)
	if badKey {
		d.elements(key, v, path, "Map keys must satisfy constraint: ", false)
	}
	if badValue || null {
		d.elements(value, v, path, "Map value must satisfy constraint: ", null)
	}
}

// scalar sets v, of the Go type of s, from n.
func (d *decoder) scalar(s *shape, n *node, v reflect.Value) {
	ok := false
	switch s.Type {
	case "string":
		if ok = n.kind == kindString; ok {
			v.SetString(n.text)
		}
	case "blob":
		var b []byte
		if b, ok = blob(n); ok {
			v.SetBytes(b)
		}
	case "integer":
		if ok = n.kind == kindNumber; ok {
			v.SetInt(integer(n.text))
		}
	case "boolean":
		if ok = n.kind == kindTrue || n.kind == kindFalse; ok {
			v.SetBool(n.kind == kindTrue)
		}
	case "timestamp":
		var t time.Time
		if t, ok = timestamp(n); ok {
			v.Set(reflect.ValueOf(t))
		}
	}
	if !ok {
		d.mismatch(n, s.Type)
	}
}

// blob decodes base64 as RFC 4648, section 4, writes it, with padding and
// without line ends, which the standard decoder would skip.
func blob(n *node) ([]byte, bool) {
	if n.kind != kindString || strings.ContainsAny(n.text, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(n.text)
	return b, err == nil
}

// integer returns the 32-bit integer that the service makes of a number:
// fractions are cut off, and what is too large becomes the largest, which the
// constraints then refuse.
func integer(text string) int64 {
	f, _ := strconv.ParseFloat(text, 64) // out of range is an infinity, which clamps
	return int64(math.Trunc(min(max(f, math.MinInt32), math.MaxInt32)))
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// timestamp returns the instant of a number of epoch seconds, to the millisecond.
func timestamp(n *node) (time.Time, bool) {
	if n.kind != kindNumber {
		return time.Time{}, false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || f < 0 || f > maxSeconds {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), true
}
