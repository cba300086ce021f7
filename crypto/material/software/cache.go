package software

import "sync"

// A cache keeps values that weigh most together at most, and among them those
// used last. It has two cohorts of half the weight each: what is used moves
// to the young one, and when that is full, the old one is dropped and the young
// one grows old. A value that weighs more than half is kept until another
// comes. Safe for concurrent use.
type cache[K comparable, V any] struct {
	half int

	mu           sync.Mutex
	young, old   cohort[K, V]
	hits, misses uint64
}

// A cohort has the values that came into it since the one before.
type cohort[K comparable, V any] struct {
	values map[K]weighed[V]
	weight int
}

type weighed[V any] struct {
	value  V
	weight int
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{half: max(1, most/2), young: newCohort[K, V](), old: newCohort[K, V]()}
}

func newCohort[K comparable, V any]() cohort[K, V] {
	return cohort[K, V]{values: map[K]weighed[V]{}}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.find(k)
	if ok {
		c.hits++
	} else {
		c.misses++
	}
	return v, ok
}

// getOrPut returns the value of k, which it is given if it has none.
func (c *cache[K, V]) getOrPut(k K, v V, weight int) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.find(k); ok {
		return found
	}
	c.put(k, weighed[V]{v, weight})
	return v
}

func (c *cache[K, V]) remove(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young.take(k)
	c.old.take(k)
}

// size is how many values there are, and what they weigh.
func (c *cache[K, V]) size() (values, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.young.values) + len(c.old.values), c.young.weight + c.old.weight
}

// counts is how often get found a value, and how often not.
func (c *cache[K, V]) counts() (hits, misses uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

func (c *cache[K, V]) find(k K) (V, bool) {
	if w, ok := c.young.values[k]; ok {
		return w.value, true
	}
	w, ok := c.old.take(k)
	if ok {
		c.put(k, w)
	}
	return w.value, ok
}

func (c *cache[K, V]) put(k K, w weighed[V]) {
	if c.young.weight+w.weight > c.half && len(c.young.values) > 0 {
		c.young, c.old = newCohort[K, V](), c.young
	}
	c.young.values[k] = w
	c.young.weight += w.weight
}

// take removes a value and returns it.
func (g *cohort[K, V]) take(k K) (weighed[V], bool) {
	w, ok := g.values[k]
	if ok {
		delete(g.values, k)
		g.weight -= w.weight
	}
	return w, ok
}
