package wire

import (
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Encode returns the body of an answer: out is an *XxxOutput. Nil members are
// left out, timestamps are epoch seconds with milliseconds, blobs are base64.
// An output without members gives {}, that of an operation without output
// nothing.
func Encode(out any) ([]byte, error) {
	if _, ok := out.(interface{ bodiless() }); ok {
		return nil, nil
	}
	v := reflect.ValueOf(out)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("encoding %T: not an output", out)
	}
	return appendStruct(make([]byte, 0, 512), v)
}

func appendStruct(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	t := v.Type()
	first := true
	for i := range t.NumField() {
		f := v.Field(i)
		if nilable(f.Kind()) && f.IsNil() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, '"'), t.Field(i).Name...), '"', ':')
		var err error
		if b, err = appendValue(b, f); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Field(i).Name, err)
		}
	}
	return append(b, '}'), nil
}

func nilable(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Map
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return appendQuoted(b, v.String())
	case reflect.Int32:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Struct:
		if v.Type() == timeType {
			return appendTime(b, v.Interface().(time.Time))
		}
		return appendStruct(b, v)
	case reflect.Slice:
		if v.Type() == bytesType {
			b = base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes())
			return append(b, '"'), nil
		}
		return appendList(b, v)
	case reflect.Map:
		return appendMap(b, v)
	}
	return nil, fmt.Errorf("type %s is not of the model", v.Type())
}

func appendList(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendMap writes a map of strings with its keys in order, so that the same
// output always gives the same bytes.
func appendMap(b []byte, v reflect.Value) ([]byte, error) {
	m, ok := v.Interface().(map[string]string)
	if !ok {
		return nil, fmt.Errorf("type %s is not of the model", v.Type())
	}
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendQuoted(b, k); err != nil {
			return nil, err
		}
		if b, err = appendQuoted(append(b, ':'), m[k]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendTime(b []byte, t time.Time) ([]byte, error) {
	ms := t.UnixMilli()
	if ms < 0 {
		return nil, fmt.Errorf("%s lies before 1970", t.UTC().Format(time.RFC3339))
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	return fmt.Appendf(b, ".%03d", ms%1000), nil
}

// appendQuoted appends s as a JSON string; it refuses text that is not UTF-8
// rather than change it.
func appendQuoted(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("text is not valid UTF-8")
	}
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"'), nil
}

// quote returns s as a JSON string, with U+FFFD for bytes that are not UTF-8.
func quote(s string) string {
	b, err := appendQuoted(nil, s)
	if err != nil {
		b, _ = appendQuoted(nil, string([]rune(s))) // runes are valid
	}
	return string(b)
}
