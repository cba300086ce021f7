package decision

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
)

// remembered is an earlier answer of OPA.
type remembered interface {
	comparable
	equal(other any) bool
	bytes() int64 // that it occupies
}

// A memory keeps OPA's answers under all that they depend on, so there is
// nothing to invalidate: an equal question has an equal answer. It is safe for
// concurrent use.
type memory[V remembered] struct {
	cache *cache[string, V]
	every uint64 // how many hits to one that is evaluated again; zero: none
	log   *slog.Logger

	hits, misses, differences atomic.Uint64
}

func newMemory[V remembered](c Config) *memory[V] {
	return &memory[V]{cache: newCache[string, V](c.CacheBytes), every: uint64(max(0, c.VerifyEvery)), log: c.Log}
}

var errRemembered = errors.New("a remembered answer differs from the one that is true now")

// remember answers from memory or, at a miss, by evaluate. Every n-th hit is
// checked against again; a difference is an error, alarms, and empties the
// memory: it must not happen, and there is no telling which answer was served.
func remember[V remembered](m *memory[V], key []byte, evaluate, again func() (V, error)) (V, error) {
	var none V
	if v, ok := m.cache.get(string(key)); ok {
		if n := m.hits.Add(1); m.every == 0 || n%m.every != 0 {
			return v, nil
		}
		now, err := again()
		if err != nil {
			return none, err
		}
		if !v.equal(now) {
			m.differences.Add(1)
			m.cache.clear()
			m.log.Error("alarm: a remembered answer differs from a fresh one")
			return none, errRemembered
		}
		return v, nil
	}
	m.misses.Add(1)
	v, err := evaluate()
	if err != nil {
		return none, err
	}
	m.cache.put(string(key), v, v.bytes()+int64(len(key))+entryBytes)
	return v, nil
}

// entryBytes is about what a cache needs for an entry beside key and value.
const entryBytes = 256

func (v *verdict) equal(other any) bool {
	o, ok := other.(*verdict)
	return ok && v.code == o.code
}

func (v *verdict) bytes() int64 {
	return int64(128 + len(v.code) + 32*(len(v.allow)+len(v.deny)))
}

func (out *outcome) equal(other any) bool {
	o, ok := other.(*outcome)
	return ok && out.allowed == o.allowed && out.reason == o.reason && out.layer == o.layer &&
		slices.Equal(out.grants, o.grants)
}

func (out *outcome) bytes() int64 {
	n := 1024 // with its explanation, which comes later
	for _, g := range out.grants {
		n += 16 + len(g)
	}
	return int64(n)
}
