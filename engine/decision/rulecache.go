package decision

import (
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// A ruleCache keeps the values of rules during one query. OPA's own builds a
// tree for each query; this one is a list, which is less work for the few dozen
// rules that a decision takes, and is used again by later queries. It is a
// topdown.VirtualCache.
type ruleCache struct {
	entries []ruleValue
	terms   []*ast.Term // of all keys, one after the other
	frames  []int       // where the frames below the top one begin among entries
	first   int         // where the top one begins
}

type ruleValue struct {
	hash     int
	from, to int       // of its key, among terms
	value    *ast.Term // nil: undefined
}

var ruleCaches = sync.Pool{New: func() any { return new(ruleCache) }}

// release empties the cache, so that it holds on to no values, and gives it to
// later queries.
func (c *ruleCache) release() {
	clear(c.entries)
	clear(c.terms)
	c.entries, c.terms, c.frames, c.first = c.entries[:0], c.terms[:0], c.frames[:0], 0
	ruleCaches.Put(c)
}

// Push begins a frame, in which nothing is known.
func (c *ruleCache) Push() {
	c.frames = append(c.frames, c.first)
	c.first = len(c.entries)
}

// Pop forgets the frame and returns to the one before.
func (c *ruleCache) Pop() {
	if len(c.entries) > c.first {
		c.terms = c.terms[:c.entries[c.first].from]
	}
	c.entries = c.entries[:c.first]
	c.first = c.frames[len(c.frames)-1]
	c.frames = c.frames[:len(c.frames)-1]
}

// Get returns the value of the rule at ref; undefined is true if it is known
// to have none.
func (c *ruleCache) Get(ref ast.Ref) (value *ast.Term, undefined bool) {
	if e := c.find(ref); e != nil {
		return e.value, e.value == nil
	}
	return nil, false
}

// Put keeps the value of the rule at ref; nil if it is undefined.
func (c *ruleCache) Put(ref ast.Ref, value *ast.Term) {
	if e := c.find(ref); e != nil {
		e.value = value
		return
	}
	from := len(c.terms)
	c.terms = append(c.terms, ref...)
	c.entries = append(c.entries, ruleValue{hash: hashRef(ref), from: from, to: len(c.terms), value: value})
}

// Keys returns the rules of the frame that have a value.
func (c *ruleCache) Keys() []ast.Ref {
	var keys []ast.Ref
	for _, e := range c.entries[c.first:] {
		if e.value != nil {
			keys = append(keys, append(ast.Ref(nil), c.terms[e.from:e.to]...))
		}
	}
	return keys
}

func (c *ruleCache) find(ref ast.Ref) *ruleValue {
	hash := hashRef(ref)
	for i := c.first; i < len(c.entries); i++ {
		if e := &c.entries[i]; e.hash == hash && equalRef(c.terms[e.from:e.to], ref) {
			return e
		}
	}
	return nil
}

// hashRef tells most references apart: rules of one package by their name,
// calls of one function by the argument.
func hashRef(ref ast.Ref) int {
	n := len(ref)
	hash := n
	for _, t := range ref[max(0, n-2):] {
		hash = hash*31 + t.Value.Hash()
	}
	return hash
}

func equalRef(a []*ast.Term, b ast.Ref) bool {
	if len(a) != len(b) {
		return false
	}
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] && !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// noData is the topdown.BaseCache of queries that find no data beside rules.
type noData struct{}

func (noData) Get(ast.Ref) ast.Value  { return nil }
func (noData) Put(ast.Ref, ast.Value) {}
