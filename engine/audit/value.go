package audit

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// dateLayout is that of dates in parameters and answers, which are English
// text in UTC (CT-042).
const dateLayout = "Jan 2, 2006, 3:04:05 PM"

// errBlob keeps all blobs out of all records: none of the API's is public
// enough to be recorded (CT-070 to CT-075).
var errBlob = errors.New("a blob or secret must not be recorded")

var timeType = reflect.TypeFor[time.Time]()

// appendValue writes a value of the API: members of structures with the first
// letter lowered (CT-041), what is not set left out.
func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return jsontext.AppendString(b, v.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Slice:
		return appendList(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Struct:
		if v.Type() == timeType {
			return jsontext.AppendString(b, v.Interface().(time.Time).UTC().Format(dateLayout)), nil
		}
		return appendStruct(b, v)
	default:
		return nil, fmt.Errorf("a value of type %s cannot be recorded", v.Type())
	}
}

func appendList(b []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil, errBlob
	}
	b = append(b, '[')
	var err error
	for i := range v.Len() {
		if b, err = appendValue(comma(b), v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendMap(b []byte, v reflect.Value) ([]byte, error) {
	m, ok := v.Interface().(map[string]string)
	if !ok {
		return nil, fmt.Errorf("a value of type %s cannot be recorded", v.Type())
	}
	return jsontext.AppendMap(b, m, func(b []byte, _, value string) []byte { return jsontext.AppendString(b, value) }), nil
}

func appendStruct(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	t := v.Type()
	var err error
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("wire") == "secret" {
			return nil, errBlob
		}
		if !isSet(v.Field(i)) {
			continue
		}
		b = append(jsontext.AppendString(comma(b), lower(t.Field(i).Name)), ':')
		if b, err = appendValue(b, v.Field(i)); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// comma separates what follows from what came before in an object or list.
func comma(b []byte) []byte {
	if last := b[len(b)-1]; last == '{' || last == '[' {
		return b
	}
	return append(b, ',')
}

// lower lowers the first letter only: AWSAccountId is aWSAccountId.
func lower(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[n:]
}
