package software

import (
	"crypto/rand"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
)

// TestLargeKeysWeighWhatTheyTake holds the weights of the specs that take much
// memory against the heap.
func TestLargeKeysWeighWhatTheyTake(t *testing.T) {
	for s := range openedBytes {
		k := kinds[s]
		secret, err := k.generate(rand.Reader)
		require.NoError(t, err)
		keys := make([]material.Key, 64)
		before := heap()
		for i := range keys {
			keys[i], err = k.open(secret, rand.Reader)
			require.NoError(t, err)
		}
		each := float64(heap()-before) / float64(len(keys))
		runtime.KeepAlive(keys)
		assert.InEpsilon(t, each, k.bytes, .5, "%s: a key takes %.0f bytes", s, each)
	}
}

// heap is what is in use of it, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newCache[int, string](10)
	c.getOrPut(1, "one", 3)
	c.getOrPut(2, "two", 3)
	c.getOrPut(3, "three", 3)
	_, there := c.get(2)
	assert.True(t, there)
	c.getOrPut(4, "four", 3)
	_, there = c.get(1)
	assert.False(t, there, "the one that was not used")
	values, weight := c.size()
	assert.Equal(t, 3*values, weight)
	assert.LessOrEqual(t, weight, 10)
	c.getOrPut(5, "larger than all", 100)
	_, there = c.get(5)
	assert.True(t, there, "until another comes, or it would be opened again each time")
	c.getOrPut(6, "six", 3)
	c.getOrPut(7, "seven", 3)
	_, weight = c.size()
	assert.LessOrEqual(t, weight, 10)
	c.remove(7)
	_, after := c.size()
	assert.Equal(t, weight-3, after)
}
