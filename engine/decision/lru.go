package decision

import (
	"container/list"
	"sync"
)

// An lru is a cache that forgets what was not used for longest when it holds
// more than its bound of bytes. It is safe for concurrent use.
type lru[K comparable, V any] struct {
	bound int64

	mu    sync.Mutex
	used  int64
	order *list.List // of *item[K, V]; the front was used last
	items map[K]*list.Element
}

type item[K comparable, V any] struct {
	key   K
	value V
	bytes int64
}

func newLRU[K comparable, V any](bound int64) *lru[K, V] {
	return &lru[K, V]{bound: bound, order: list.New(), items: map[K]*list.Element{}}
}

func (c *lru[K, V]) get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*item[K, V]).value, true
}

// put keeps value, which weighs bytes with its key, in the place of what was
// under key. One that weighs more than the bound is not kept.
func (c *lru[K, V]) put(key K, value V, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		c.drop(e)
	}
	if bytes > c.bound {
		return
	}
	c.items[key] = c.order.PushFront(&item[K, V]{key, value, bytes})
	c.used += bytes
	for c.used > c.bound {
		c.drop(c.order.Back())
	}
}

func (c *lru[K, V]) drop(e *list.Element) {
	i := c.order.Remove(e).(*item[K, V])
	delete(c.items, i.key)
	c.used -= i.bytes
}

// size returns how many entries and bytes the cache holds.
func (c *lru[K, V]) size() (entries int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.items), c.used
}
