package store

import "sync"

// cacheBytes bounds the cache, in bytes of encoded records; decoded they take
// about three times that.
const cacheBytes = 8 << 20

// A cache keeps decoded records for Views. A record is found only under the
// commit that wrote it, so there is nothing to invalidate.
type cache struct {
	mu      sync.RWMutex
	records map[string]cached
	bytes   int
}

type cached struct {
	version uint64
	size    int
	record  any
}

func newCache() *cache { return &cache{records: map[string]cached{}} }

func (c *cache) get(key []byte, version uint64) (any, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.records[string(key)]
	return e.record, ok && e.version == version
}

// put keeps a record, unless a later one is there.
func (c *cache) put(key []byte, e cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.records[string(key)]
	if ok && old.version >= e.version {
		return
	}
	c.bytes += e.size - old.size
	c.records[string(key)] = e
	for other, o := range c.records { // in no particular order
		if c.bytes <= cacheBytes {
			return
		}
		delete(c.records, other)
		c.bytes -= o.size
	}
}
