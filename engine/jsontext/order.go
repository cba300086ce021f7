package jsontext

import (
	"maps"
	"slices"
	"sync/atomic"
)

// An Order writes maps as AppendMap does, and sorts the names only if they are
// others than those of the last map of the same size. The zero value is usable.
// Safe for concurrent use.
type Order struct {
	kept [maxOrdered]atomic.Pointer[[]orderedName]
}

// An orderedName is a name with its text in an object.
type orderedName struct{ name, text string }

// maxOrdered bounds the maps whose names are kept, maxName each name in bytes.
const maxOrdered, maxName = 48, 256

// AppendMapInOrder is AppendMap.
func AppendMapInOrder[V any](b []byte, o *Order, m map[string]V, value func(b []byte, name string, v V) []byte) []byte {
	if len(m) == 0 || len(m) >= maxOrdered {
		return AppendMap(b, m, value)
	}
	start := len(b)
	if kept := o.kept[len(m)].Load(); kept != nil {
		b = append(b, '{')
		known := true
		for i := range *kept {
			n := &(*kept)[i]
			var v V
			if v, known = m[n.name]; !known {
				break
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = value(append(b, n.text...), n.name, v)
		}
		if known { // all of them, which are as many as the map has
			return append(b, '}')
		}
	}
	keep(o, m)
	return AppendMap(b[:start], m, value)
}

// keep remembers the names of a map, unless one is very long.
func keep[V any](o *Order, m map[string]V) {
	names := make([]orderedName, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(name) > maxName {
			return
		}
		names = append(names, orderedName{name, string(append(AppendString(nil, name), ':'))})
	}
	o.kept[len(m)].Store(&names)
}
