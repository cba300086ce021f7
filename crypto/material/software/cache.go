package software

import "sync"

// A cache keeps at most size values, and among them the size/2 used last. It
// has two generations: what is used moves to the young one, and when that is
// full, the old one is dropped and the young one grows old.
type cache[K comparable, V any] struct {
	half int

	mu         sync.Mutex
	young, old map[K]V
}

func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{half: max(1, size/2), young: map[K]V{}, old: map[K]V{}}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(k)
}

// getOrPut returns the value of k, which it is given if it has none.
func (c *cache[K, V]) getOrPut(k K, v V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.find(k); ok {
		return found
	}
	c.put(k, v)
	return v
}

func (c *cache[K, V]) remove(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, k)
	delete(c.old, k)
}

func (c *cache[K, V]) find(k K) (V, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		delete(c.old, k)
		c.put(k, v)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	if len(c.young) >= c.half {
		c.young, c.old = make(map[K]V, c.half), c.young
	}
	c.young[k] = v
}
