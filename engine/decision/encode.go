package decision

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Cache keys are written so that different facts never make equal keys: each
// value starts with what it is, and whatever has a length starts with it.
//
//	absent:  0
//	string:  1, length, bytes
//	boolean: 2, 0 or 1
//	set:     3, number of members, the members as strings in order
//	bag:     3, as a set, with each member as often as it is there
//	pairs:   4, number of pairs, name and value of each as strings, by name
//	list:    5, number of members, the members as strings
const (
	markAbsent byte = iota
	markString
	markBoolean
	markSet
	markPairs
	markList
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
	return appendMembers(b, markSet, slices.Compact(inOrder(values)))
}

// appendBag writes values in order, each as often as it is there, since
// programs count the values of a variable; nil is absent.
func appendBag(b []byte, values []string) []byte {
	return appendMembers(b, markSet, inOrder(values))
}

func inOrder(values []string) []string {
	if len(values) > 1 {
		values = slices.Clone(values)
		slices.Sort(values)
	}
	return values
}

// appendList writes values in their own order; nil is absent.
func appendList(b []byte, values []string) []byte { return appendMembers(b, markList, values) }

func appendMembers(b []byte, mark byte, values []string) []byte {
	if values == nil {
		return append(b, markAbsent)
	}
	b = appendNumber(append(b, mark), len(values))
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

// readFootprint finds the fields that a program reads, and the condition keys
// among them.
func readFootprint(paths []string) (fields []field, keys []contextKey, err error) {
	for _, path := range paths {
		if key, ok := strings.CutPrefix(path, "context."); ok {
			keys = append(keys, contextKey{key, ast.StringTerm(key)})
			continue
		}
		f, ok := footprint[path]
		if !ok {
			return nil, nil, fmt.Errorf("a program reads input.%s, which is no part of a question", path)
		}
		fields = append(fields, f)
	}
	return fields, keys, nil
}

// key is the values of all that the program reads.
func (pr *program) key(b []byte, q *Question) []byte {
	b = appendNumber(b, int(pr.id))
	for _, f := range pr.footprint {
		b = f(b, q)
	}
	for _, k := range pr.context {
		b = appendBag(b, q.Context[k.name])
	}
	return b
}

var footprint = map[string]field{
	"action":             func(b []byte, q *Question) []byte { return appendString(b, q.Action) },
	"resource":           func(b []byte, q *Question) []byte { return appendString(b, q.Resource.ARN) },
	"principal.type":     func(b []byte, q *Question) []byte { return appendString(b, string(q.Principal.Type)) },
	"principal.account":  func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Account) },
	"principal.user":     func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.User) },
	"principal.role":     func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Role) },
	"principal.session":  func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Session) },
	"principal.services": func(b []byte, q *Question) []byte { return appendList(b, q.Principal.Services) },
	"principal.provider": func(b []byte, q *Question) []byte { return appendOptional(b, q.Principal.Provider) },
	"principal.boundary": func(b []byte, q *Question) []byte { return appendBoolean(b, q.Boundary != nil) },
	"principal":          appendPrincipal,
	"context":            appendContext,
}

// appendPrincipal writes all that documents see of the caller.
func appendPrincipal(b []byte, q *Question) []byte {
	p := &q.Principal
	b = appendString(b, string(p.Type))
	for _, id := range []string{p.Account, p.User, p.Role, p.Session, p.Provider} {
		b = appendOptional(b, id)
	}
	return appendBoolean(appendList(b, p.Services), q.Boundary != nil)
}

// appendContext writes all condition keys.
func appendContext(b []byte, q *Question) []byte {
	b = appendNumber(b, len(q.Context))
	for _, name := range slices.Sorted(maps.Keys(q.Context)) {
		b = appendList(appendString(b, name), q.Context[name])
	}
	return b
}

// decideKey is all that decideInput holds.
func decideKey(b []byte, q *Question, a *attachments) []byte {
	b = append(b, byte(q.Rule))
	b = appendString(b, q.Action)
	b = appendBoolean(b, q.CrossAccountPossible)
	b = appendString(b, string(q.Principal.Type))
	b = appendOptional(b, q.Principal.Account)
	b = appendBoolean(b, q.Principal.Management)
	b = appendString(b, q.Resource.Account)
	b = appendBoolean(b, q.Resource.Management)
	b = appendBoolean(b, q.Resource.AWSManaged)
	b = appendGrants(b, q)
	if q.Child == nil {
		b = append(b, markAbsent)
	} else {
		b = appendSet(b, q.Child.Operations)
		b = appendPairs(appendPairs(b, q.Child.Equals), q.Child.Subset)
	}
	b = appendNumber(b, a.refusal.count())
	next := 0
	for layer, levels := range a.levels {
		b = appendNumber(b, levels+1) // notAttached is -1
		for level := range max(0, levels) {
			first := next
			for next < len(a.slots) && a.slots[next].layer == layer && a.slots[next].level == level {
				next++
			}
			b = appendNumber(b, next-first)
			for i := first; i < next; i++ {
				b = append(b, a.slots[i].verdict.code...)
			}
		}
	}
	return b
}

// appendGrants writes the grants with what they are held against.
func appendGrants(b []byte, q *Question) []byte {
	b = appendNumber(b, len(q.Grants))
	if len(q.Grants) == 0 {
		return b
	}
	p := &q.Principal
	for _, id := range []string{p.User, p.Role, p.Session, p.Provider} {
		b = appendOptional(b, id)
	}
	b = appendSet(b, p.Services)
	b = appendNumber(b, len(q.EncryptionContext))
	if len(q.EncryptionContext) > 0 {
		b = appendPairs(b, q.EncryptionContext)
	}
	for i := range q.Grants {
		g := &q.Grants[i]
		b = appendString(b, g.ID)
		for _, party := range []Party{g.Grantee, g.Retiree} {
			b = appendString(appendString(b, string(party.Via)), party.ID)
		}
		b = appendString(b, g.IssuingAccount)
		b = appendSet(b, g.Operations)
		b = appendPairs(appendPairs(b, g.Equals), g.Subset)
	}
	return b
}
