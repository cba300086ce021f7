package decision

import (
	"fmt"
	"sync"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCacheStaysWithinItsBound(t *testing.T) {
	c := newCache[int, string](100)
	for i := range 1000 {
		c.put(i, "value", 7)
		_, bytes := c.size()
		assert.LessOrEqual(t, bytes, int64(100))
	}
	entries, bytes := c.size()
	assert.Equal(t, 14, entries)
	assert.Equal(t, int64(98), bytes)
}

func TestCacheForgetsWhatIsNotUsed(t *testing.T) {
	c := newCache[int, int](30)
	for i := range 3 {
		c.put(i, i, 10)
	}
	c.get(0)
	c.put(3, 3, 10)
	_, ok := c.get(0)
	assert.True(t, ok, "used")
	_, ok = c.get(1)
	assert.False(t, ok, "not used")
}

func TestCacheReplacesAndRefusesTheTooLarge(t *testing.T) {
	c := newCache[string, int](10)
	c.put("a", 1, 4)
	c.put("a", 2, 5)
	v, ok := c.get("a")
	assert.True(t, ok)
	assert.Equal(t, 2, v)
	_, bytes := c.size()
	assert.Equal(t, int64(5), bytes)
	c.put("a", 3, 11)
	_, ok = c.get("a")
	assert.False(t, ok, "neither the old nor the new")
	c.put("b", 1, 1)
	c.clear()
	entries, bytes := c.size()
	assert.Zero(t, entries)
	assert.Zero(t, bytes)
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	c := newCache[string, int](1000)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				key := fmt.Sprint((i * (g + 1)) % 97)
				c.put(key, len(key), 20)
				if v, ok := c.get(key); ok {
					assert.Equal(t, len(key), v)
				}
			}
		})
	}
	wg.Wait()
	_, bytes := c.size()
	assert.LessOrEqual(t, bytes, int64(1000))
}

func TestPatternsAreKept(t *testing.T) {
	e, err := New(Config{Limit: PatientLimit})
	require.NoError(t, err)
	p := e.data.patterns
	before, _ := p.compiled.size()
	q := ask(keySays(allowIf("*", "kms:*", `{"StringLike": {"kms:ViaService": "s?.*-west-?.amazonaws.com"}}`)))
	for range 2 {
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, "allow resource", verdictOf(d))
	}
	after, bytes := p.compiled.size()
	assert.Equal(t, before+1, after)
	assert.Positive(t, bytes)

	p.Insert(ast.String("x"), 1)
	v, ok := p.Get(ast.String("x"))
	assert.True(t, ok)
	assert.Equal(t, 1, v)
	p.Delete(ast.String("x"))
	_, ok = p.Get(ast.String("x"))
	assert.False(t, ok)
	_, ok = p.Get(ast.Boolean(true))
	assert.False(t, ok)
	assert.Nil(t, p.GetCache("any"))
}

func TestRuleCacheKeepsFramesApart(t *testing.T) {
	c := new(ruleCache)
	a, call := ast.MustParseRef("data.p.a"), ast.MustParseRef(`data.p.f["x"]`)
	c.Put(a, ast.StringTerm("outer"))
	c.Put(call, nil)
	value, undefined := c.Get(a)
	assert.Equal(t, ast.String("outer"), value.Value)
	assert.False(t, undefined)
	_, undefined = c.Get(call)
	assert.True(t, undefined)

	c.Push()
	value, undefined = c.Get(a)
	assert.Nil(t, value)
	assert.False(t, undefined)
	c.Put(a, ast.StringTerm("inner"))
	c.Push()
	c.Pop()
	value, _ = c.Get(a)
	assert.Equal(t, ast.String("inner"), value.Value)
	c.Pop()

	value, _ = c.Get(a)
	assert.Equal(t, ast.String("outer"), value.Value)
	c.Put(a, ast.StringTerm("newer"))
	value, _ = c.Get(a)
	assert.Equal(t, ast.String("newer"), value.Value)
	assert.Equal(t, []ast.Ref{a}, c.Keys())
	_, undefined = c.Get(ast.MustParseRef("data.q.a"))
	assert.False(t, undefined)

	c.release()
	value, _ = c.Get(a)
	assert.Nil(t, value)
}
