package decision

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// A cache keeps values until they weigh more than its bound; then it forgets
// the oldest that was not used since it last looked. It is safe for concurrent
// use, and readers do not wait for each other.
type cache[K comparable, V any] struct {
	bound int64

	mu    sync.RWMutex
	bytes int64
	order *list.List // of *item[K, V], the newest in front
	items map[K]*list.Element
}

type item[K comparable, V any] struct {
	key   K
	value V
	bytes int64
	used  atomic.Bool // since the cache last looked
}

func newCache[K comparable, V any](bound int64) *cache[K, V] {
	return &cache[K, V]{bound: bound, order: list.New(), items: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (value V, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.items[key]
	if !ok {
		return value, false
	}
	return touch[K, V](e), true
}

// lookup is get for a key that is not worth a string.
func lookup[V any](c *cache[string, V], key []byte) (value V, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.items[string(key)]
	if !ok {
		return value, false
	}
	return touch[string, V](e), true
}

func touch[K comparable, V any](e *list.Element) V {
	i := e.Value.(*item[K, V])
	if !i.used.Load() {
		i.used.Store(true)
	}
	return i.value
}

// put keeps value, which weighs bytes with its key, in the place of what was
// under key. One that weighs more than the bound is not kept.
func (c *cache[K, V]) put(key K, value V, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		c.drop(e)
	}
	if bytes > c.bound {
		return
	}
	c.items[key] = c.order.PushFront(&item[K, V]{key: key, value: value, bytes: bytes})
	c.bytes += bytes
	for c.bytes > c.bound {
		oldest := c.order.Back()
		if oldest.Value.(*item[K, V]).used.Swap(false) {
			c.order.MoveToFront(oldest)
			continue
		}
		c.drop(oldest)
	}
}

func (c *cache[K, V]) remove(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		c.drop(e)
	}
}

// drop needs the lock.
func (c *cache[K, V]) drop(e *list.Element) {
	i := c.order.Remove(e).(*item[K, V])
	delete(c.items, i.key)
	c.bytes -= i.bytes
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	clear(c.items)
	c.bytes = 0
}

// size returns how many values the cache holds, and what they weigh.
func (c *cache[K, V]) size() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.items), c.bytes
}
