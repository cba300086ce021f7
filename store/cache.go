package store

import "sync"

// Bounds of the caches of a generation, in bytes as encoded; decoded they take
// about three times that.
const (
	recordCacheBytes    = 8 << 20
	candidateCacheBytes = 2 << 20
)

// A cache keeps what Views found. It is found again only together with the
// commit that wrote it, so there is nothing to invalidate.
type cache struct {
	max int

	mu    sync.RWMutex
	found map[string]cached
	bytes int
}

type cached struct {
	version uint64 // the commit
	size    int
	value   any
}

func newCache(maxBytes int) *cache { return &cache{max: maxBytes, found: map[string]cached{}} }

func (c *cache) get(key []byte, version uint64) (any, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.found[string(key)]
	return e.value, ok && e.version == version
}

// put keeps a value, unless a later one is there.
func (c *cache) put(key []byte, e cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.found[string(key)]
	if ok && old.version >= e.version {
		return
	}
	c.bytes += e.size - old.size
	c.found[string(key)] = e
	for other, o := range c.found { // in no particular order
		if c.bytes <= c.max {
			return
		}
		delete(c.found, other)
		c.bytes -= o.size
	}
}
