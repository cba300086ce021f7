package decision

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
)

// remembered is an earlier answer of OPA.
type remembered[V any] interface {
	equal(other V) bool
	bytes() int64 // that it occupies
}

// A memory keeps OPA's answers under all that they depend on, so there is
// nothing to invalidate: an equal question has an equal answer. It is safe for
// concurrent use.
type memory[V remembered[V]] struct {
	cache *cache[string, V]
	every uint64 // how many hits to one that is evaluated again; zero: none
	log   *slog.Logger

	hits, misses, differences atomic.Uint64
}

func newMemory[V remembered[V]](c Config) *memory[V] {
	return &memory[V]{cache: newCache[string, V](c.CacheBytes), every: uint64(max(0, c.VerifyEvery)), log: c.Log}
}

var errRemembered = errors.New("a remembered answer differs from the one that is true now")

// recall returns what is remembered under key. With doubt, it is one of the hits
// to be evaluated again and given to confirm.
func (m *memory[V]) recall(key []byte) (v V, ok, doubt bool) {
	v, ok = lookup(m.cache, key)
	if !ok {
		m.misses.Add(1)
		return v, false, false
	}
	n := m.hits.Add(1)
	return v, true, m.every != 0 && n%m.every == 0
}

// confirm compares a remembered answer with one that was evaluated now. A
// difference is an error, alarms, and empties the memory: it must not happen,
// and there is no telling which answers were served.
func (m *memory[V]) confirm(then, now V) error {
	if then.equal(now) {
		return nil
	}
	m.differences.Add(1)
	m.cache.clear()
	m.log.Error("alarm: a remembered answer differs from a fresh one")
	return errRemembered
}

func (m *memory[V]) keep(key []byte, v V) {
	m.cache.put(string(key), v, v.bytes()+int64(len(key))+entryBytes)
}

// entryBytes is about what a cache needs for an entry beside key and value.
const entryBytes = 256

func (v *verdict) equal(o *verdict) bool { return v.code == o.code }

func (v *verdict) bytes() int64 {
	return int64(128 + len(v.code) + 32*(len(v.allow)+len(v.deny)))
}

func (out *outcome) equal(o *outcome) bool {
	return out.allowed == o.allowed && out.reason == o.reason && out.layer == o.layer &&
		slices.Equal(out.grants, o.grants)
}

func (out *outcome) bytes() int64 {
	n := 1024 // with its explanation, which comes later
	for _, g := range out.grants {
		n += 16 + len(g)
	}
	return int64(n)
}
