package condition

import "sync/atomic"

// maxMemo is how many contexts a Memo keeps: one for each action of each of a
// caller's clients.
const maxMemo = 8

// maxKept is how many bytes of what a client says of itself are kept.
const maxKept = 1 << 10

// A Memo keeps the part that the contexts of one caller's requests have in
// common. The zero value is usable. Safe for concurrent use.
type Memo struct{ kept atomic.Pointer[[]commonPart] }

type commonPart struct {
	request    Request // without Principal, Now and Memo
	vocabulary *Vocabulary
	context    Context
}

// common is that of a request, which must not be changed.
func (m *Memo) common(r Request, v *Vocabulary) Context {
	all := m.kept.Load()
	if all != nil {
		for i := range *all {
			if p := &(*all)[i]; p.vocabulary == v && p.request.same(&r) {
				return p.context
			}
		}
	}
	if len(r.UserAgent)+len(r.Referer) > maxKept {
		return r.common(v)
	}
	made := commonPart{request: r, vocabulary: v, context: r.common(v)}
	made.request.Principal, made.request.Memo = nil, nil
	next := []commonPart{made}
	if all != nil {
		next = append(next, (*all)[:min(len(*all), maxMemo-1)]...)
	}
	m.kept.CompareAndSwap(all, &next) // one that was made meanwhile will do
	return made.context
}

// same tells whether requests of one caller differ in their time at most.
func (r *Request) same(o *Request) bool {
	return r.SourceIP == o.SourceIP && r.Endpoint == o.Endpoint && r.Secure == o.Secure &&
		r.UserAgent == o.UserAgent && r.Referer == o.Referer && r.Region == o.Region
}
