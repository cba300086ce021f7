package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// on says what resources the record of an operation names, and in which
// order (CT-033, CT-060). The zero value is invalid.
type on int

const (
	absent    on = iota + 1 // the member is left out
	nothing                 // an empty list
	keys                    // the keys in the order in which the call touched them
	keyAlias                // key, then alias
	aliasKey                // alias, then key
	otherKind               // the resources of another service
)

// A row is what the record of one operation shows.
type row struct {
	in, out any // zero values of the input and output types; nil if there is none

	// keep has the members of the input that are recorded, drop those that
	// never are: together all of them. See parseMembers for the form of keep.
	keep, drop string

	// answer has the members of the output that are recorded; keyId=ARN is
	// the ARN of the first key (CT-044).
	answer string

	resources on
	readOnly  bool
	internal  bool // the service does it on its own: eventType AwsServiceEvent

	request, response []member // keep and answer, parsed
}

// A member is one member of an object in a record.
type member struct {
	name     string // as recorded
	field    int    // in the input or output; -1 for the ARN of the key
	twin     int    // field that stands in if the first is not set; -1 if none
	fallback string // JSON that stands in if none is set; "" leaves the member out
}

const keyARN = "keyId=ARN"

// compile parses the texts of a row against its types. The table is constant,
// so a mistake in it shows at the first start.
func (r row) compile(operation string) row {
	var err error
	if r.request, err = parseMembers(r.keep, r.in); err == nil {
		r.response, err = parseMembers(r.answer, r.out)
	}
	if err != nil || r.resources == 0 {
		panic(fmt.Sprintf("audit: row of %s: %v", operation, err))
	}
	return r
}

// parseMembers reads a list of members, separated by blanks:
//
//	keyId                     field KeyId
//	clusterId:CloudHsmClusterId   another field
//	keySpec~customerMasterKeySpec field KeySpec, or if not set that of the twin
//	limit=10                  the JSON 10 if not set (CT-043)
func parseMembers(list string, of any) ([]member, error) {
	var all []member
	for text := range strings.FieldsSeq(list) {
		if text == keyARN {
			all = append(all, member{name: "keyId", field: -1, twin: -1})
			continue
		}
		text, fallback, _ := strings.Cut(text, "=")
		text, twin, _ := strings.Cut(text, "~")
		name, source, _ := strings.Cut(text, ":")
		m := member{name: name, twin: -1, fallback: fallback}
		if source == "" {
			source = name
		}
		var err error
		if m.field, err = fieldIndex(of, source); err != nil {
			return nil, err
		}
		if twin != "" {
			if m.twin, err = fieldIndex(of, twin); err != nil {
				return nil, err
			}
		}
		if fallback != "" && !json.Valid([]byte(fallback)) {
			return nil, fmt.Errorf("default %s is not JSON", fallback)
		}
		all = append(all, m)
	}
	return all, nil
}

func fieldIndex(of any, name string) (int, error) {
	upper := []rune(name)
	upper[0] = unicode.ToUpper(upper[0])
	if of == nil {
		return 0, fmt.Errorf("member %s of nothing", name)
	}
	f, ok := reflect.TypeOf(of).FieldByName(string(upper))
	if !ok || f.Tag.Get("wire") == "secret" {
		return 0, fmt.Errorf("%T has no member %s that may be recorded", of, name)
	}
	return f.Index[0], nil
}

// object writes the members of v, a pointer to the type that they were parsed
// against. It is nil, which is recorded as null, if v is nil or no member is
// set.
func object(members []member, v, want any, arn string) (json.RawMessage, error) {
	if v == nil || len(members) == 0 {
		return nil, nil
	}
	pointer := reflect.ValueOf(v)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() || pointer.Type().Elem() != reflect.TypeOf(want) {
		return nil, fmt.Errorf("a record of %T, want *%T", v, want)
	}
	b := append(make([]byte, 0, 256), '{')
	for _, m := range members {
		start := len(b)
		b = append(jsontext.AppendString(comma(b), m.name), ':')
		var written bool
		var err error
		if b, written, err = m.appendTo(b, pointer.Elem(), arn); err != nil {
			return nil, fmt.Errorf("member %s of %T: %w", m.name, v, err)
		}
		if !written {
			b = b[:start]
		}
	}
	if len(b) == 1 {
		return nil, nil
	}
	return append(b, '}'), nil
}

func (m member) appendTo(b []byte, v reflect.Value, arn string) (_ []byte, written bool, err error) {
	if m.field < 0 {
		return jsontext.AppendString(b, arn), arn != "", nil
	}
	for _, i := range [...]int{m.field, m.twin} {
		if i >= 0 && isSet(v.Field(i)) {
			b, err = appendValue(b, v.Field(i))
			return b, true, err
		}
	}
	return append(b, m.fallback...), m.fallback != "", nil
}

// isSet tells whether a member was sent. An empty map counts as not sent: an
// absent encryption context and an empty one are the same (CT-065).
func isSet(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice:
		return !v.IsNil()
	case reflect.Map:
		return v.Len() > 0
	}
	return true
}
