package decision

import (
	"github.com/open-policy-agent/opa/v1/ast"
	opacache "github.com/open-policy-agent/opa/v1/topdown/cache"
)

// patterns keeps compiled regular expressions between queries, by weight: some
// are built from values of requests. Without it OPA keeps 100 in the whole
// process. It is OPA's cache for values whose size is not known.
type patterns struct {
	compiled *cache[string, any]
}

// Get returns what was inserted for a pattern.
func (p patterns) Get(pattern ast.Value) (value any, found bool) {
	text, ok := pattern.(ast.String)
	if !ok {
		return nil, false
	}
	return p.compiled.get(string(text))
}

// Insert keeps what a pattern was compiled to. A program for RE2 takes some
// hundred bytes for each byte of its pattern.
func (p patterns) Insert(pattern ast.Value, value any) (dropped int) {
	if text, ok := pattern.(ast.String); ok {
		p.compiled.put(string(text), value, int64(4096+200*len(text)))
	}
	return 0
}

// Delete forgets a pattern.
func (p patterns) Delete(pattern ast.Value) {
	if text, ok := pattern.(ast.String); ok {
		p.compiled.remove(string(text))
	}
}

// GetCache returns no cache: built-ins that ask for one of their own are not
// among those that a decision may use.
func (p patterns) GetCache(string) opacache.InterQueryValueCacheBucket { return nil }

// UpdateConfig changes nothing: the engine's configuration sets the bound.
func (p patterns) UpdateConfig(*opacache.Config) {}
