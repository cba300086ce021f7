package wire

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// describe returns "Name{A B:secret}": which members of a struct are set, and
// no value, because a struct that holds one secret is not printed at all.
func describe(v any) string {
	var b strings.Builder
	writeDescription(&b, v)
	return b.String()
}

func writeDescription(w io.Writer, v any) {
	r := reflect.ValueOf(v)
	t := r.Type()
	var set []string
	for i := range t.NumField() {
		if r.Field(i).IsZero() {
			continue
		}
		name := t.Field(i).Name
		if t.Field(i).Tag.Get("wire") == "secret" {
			name += ":secret"
		}
		set = append(set, name)
	}
	_, _ = fmt.Fprintf(w, "%s{%s}", t.Name(), strings.Join(set, " ")) // a description is best effort
}
