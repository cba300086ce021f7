package condition

import (
	"maps"
	"slices"
	"sync/atomic"
)

// maxMemo is how many contexts a Memo keeps: one for each action of each of a
// caller's clients, on each kind of resource.
const maxMemo = 8

// maxKept is how many bytes of what a client says of itself are kept.
const maxKept = 1 << 10

// A Memo keeps the part that the contexts of one caller's requests have in
// common. The zero value is usable. Safe for concurrent use.
type Memo struct{ kept atomic.Pointer[[]*commonPart] }

type commonPart struct {
	request    Request  // without Principal, Now and Memo
	resource   Resource // without Tags and Aliases
	vocabulary *Vocabulary
	context    Context

	last atomic.Pointer[whole] // that was made of it
}

// A whole is a context with all that it was made of beside the common part.
type whole struct {
	second   int64
	side     Side
	tags     map[string]string
	aliases  []string
	complete Context
}

// common is what is the same for requests that differ in time and side, for
// resources that differ in tags and aliases. Without a
// Memo or a vocabulary it is nil.
func (m *Memo) common(r Request, v *Vocabulary, res Resource) *commonPart {
	if m == nil || v == nil || len(r.UserAgent)+len(r.Referer) > maxKept {
		return nil
	}
	all := m.kept.Load()
	if all != nil {
		for i := range *all {
			if p := (*all)[i]; p.vocabulary == v && p.request.same(&r) && p.about(&res) {
				return p
			}
		}
	}
	b := builder{Context: make(Context, 24), values: make([]string, 0, 24), vocabulary: v}
	r.fill(&b)
	res.fill(&b)
	made := &commonPart{request: r, resource: res, vocabulary: v, context: b.Context}
	made.request.Principal, made.request.Memo = nil, nil
	if res.Key != nil {
		key := *res.Key
		key.Tags, key.Aliases = nil, nil
		made.resource.Key = &key
	}
	next := []*commonPart{made}
	if all != nil {
		next = append(next, (*all)[:min(len(*all), maxMemo-1)]...)
	}
	m.kept.CompareAndSwap(all, &next) // one that was made meanwhile will do
	return made
}

// same tells whether requests of one caller differ in their time at most.
func (r *Request) same(o *Request) bool {
	return r.SourceIP == o.SourceIP && r.Endpoint == o.Endpoint && r.Secure == o.Secure &&
		r.UserAgent == o.UserAgent && r.Referer == o.Referer && r.Region == o.Region
}

// about tells whether the resource differs from p's in tags and aliases at most.
func (p *commonPart) about(o *Resource) bool {
	r := &p.resource
	if r.Account != o.Account || r.OrgID != o.OrgID || r.OrgPath != o.OrgPath || (r.Key == nil) != (o.Key == nil) {
		return false
	}
	return r.Key == nil || r.Key.Spec == o.Key.Spec && r.Key.Usage == o.Key.Usage && r.Key.Origin == o.Key.Origin &&
		r.Key.MultiRegion == o.Key.MultiRegion && r.Key.MultiRegionKeyType == o.Key.MultiRegionKeyType
}

// again is the context of a request that differs in nothing from the last; else
// nil.
func (p *commonPart) again(second int64, s Side, res Resource) Context {
	if p == nil {
		return nil
	}
	w := p.last.Load()
	if w == nil || w.second != second || w.side.Alias != s.Alias || !maps.Equal(w.side.EncryptionContext, s.EncryptionContext) ||
		!maps.EqualFunc(w.side.Keys, s.Keys, slices.Equal) {
		return nil
	}
	if k := res.Key; k != nil && (!maps.Equal(w.tags, k.Tags) || !slices.Equal(w.aliases, k.Aliases)) {
		return nil
	}
	return w.complete
}

// keep keeps a context for the next request, unless there is much that it was
// made of.
func (p *commonPart) keep(second int64, s Side, res Resource, complete Context) {
	if p == nil {
		return
	}
	w := &whole{second: second, side: s, complete: complete}
	if res.Key != nil {
		w.tags, w.aliases = res.Key.Tags, res.Key.Aliases
	}
	if w.bytes() <= maxKept {
		p.last.Store(w)
	}
}

func (w *whole) bytes() (n int) {
	for _, pairs := range [...]map[string]string{w.side.EncryptionContext, w.tags} {
		for name, value := range pairs {
			n += len(name) + len(value)
		}
	}
	for name, values := range w.side.Keys {
		n += len(name) + size(values)
	}
	return n + size(w.aliases)
}

func size(values []string) (n int) {
	for _, v := range values {
		n += len(v)
	}
	return n
}
