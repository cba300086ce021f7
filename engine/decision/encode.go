package decision

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Cache keys are written so that different facts never make equal keys: each
// value starts with what it is, and whatever has a length starts with it.
//
//	absent:  0
//	string:  1, length, bytes
//	boolean: 2, 0 or 1
//	set:     3, number of members, the members as strings in order
//	pairs:   4, number of pairs, name and value of each as strings, by name
const (
	markAbsent byte = iota
	markString
	markBoolean
	markSet
	markPairs
)

func appendNumber(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

func appendString(b []byte, s string) []byte {
	b = appendNumber(append(b, markString), len(s))
	return append(b, s...)
}

// appendOptional writes a string that is absent when empty.
func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, markAbsent)
	}
	return appendString(b, s)
}

func appendBoolean(b []byte, v bool) []byte {
	if v {
		return append(b, markBoolean, 1)
	}
	return append(b, markBoolean, 0)
}

// appendSet writes values in order and once each; nil is absent.
func appendSet(b []byte, values []string) []byte {
	if values == nil {
		return append(b, markAbsent)
	}
	if len(values) > 1 {
		values = slices.Clone(values)
		slices.Sort(values)
		values = slices.Compact(values)
	}
	b = appendNumber(append(b, markSet), len(values))
	for _, v := range values {
		b = appendString(b, v)
	}
	return b
}

// appendPairs writes pairs; nil is absent.
func appendPairs(b []byte, pairs map[string]string) []byte {
	if pairs == nil {
		return append(b, markAbsent)
	}
	b = appendNumber(append(b, markPairs), len(pairs))
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		b = appendString(appendString(b, name), pairs[name])
	}
	return b
}

// A field is a place in the input of documents. It writes its value.
type field func(b []byte, q *Question) []byte

// readFootprint finds the fields that a program reads.
func readFootprint(paths []string) ([]field, error) {
	fields := make([]field, 0, len(paths))
	for _, path := range paths {
		if key, ok := strings.CutPrefix(path, "context."); ok {
			fields = append(fields, func(b []byte, q *Question) []byte { return appendSet(b, q.Context[key]) })
			continue
		}
		f, ok := footprint[path]
		if !ok {
			return nil, fmt.Errorf("a program reads input.%s, which is no part of a question", path)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

var footprint = map[string]field{
	"action":             func(b []byte, q *Question) []byte { return appendString(b, q.Action) },
	"resource":           func(b []byte, q *Question) []byte { return appendString(b, q.Resource.ARN) },
	"principal.type":     func(b []byte, q *Question) []byte { return appendString(b, string(q.Principal.Type)) },
	"principal.account":  func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Account) },
	"principal.user":     func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.User) },
	"principal.role":     func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Role) },
	"principal.session":  func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Session) },
	"principal.services": func(b []byte, q *Question) []byte { return appendSet(b, q.Principal.Services) },
	"principal.provider": func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Provider) },
	"principal.boundary": func(b []byte, q *Question) []byte { return appendBoolean(b, q.Boundary != nil) },
}
