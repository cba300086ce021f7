package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// together runs fn n times at once, and answers the errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	return errs
}

var errQuota = errors.New("quota")

func TestQuotaHoldsAgainstManyAtOnce(t *testing.T) {
	const quota, callers = 5, 24
	for _, c := range []struct {
		name  string
		count func(tx *Tx) (int, error)
		put   func(tx *Tx, i int) error
	}{
		{"keys of an account and Region",
			func(tx *Tx) (int, error) { return tx.CountKeys("222222222222", "us-east-1") },
			func(tx *Tx, i int) error {
				k := testKey(fmt.Sprint("k", i))
				k.Addr.Account = "222222222222"
				return tx.PutKey(k)
			}},
		{"aliases of a key",
			func(tx *Tx) (int, error) { return tx.CountAliases(addr("k")) },
			func(tx *Tx, i int) error { return tx.PutAlias(testAlias(fmt.Sprint("alias/", i), "k")) }},
		{"grants of a key",
			func(tx *Tx) (int, error) { return tx.CountGrants(addr("k")) },
			func(tx *Tx, i int) error { return tx.PutGrant(testGrant(addr("k"), fmt.Sprint("g", i))) }},
	} {
		s := withGrants(t)
		errs := together(callers, func(i int) error {
			return s.Update(func(tx *Tx) error {
				n, err := c.count(tx)
				if err != nil {
					return err
				}
				if n >= quota {
					return errQuota
				}
				return c.put(tx, i)
			})
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			assert.ErrorIs(t, err, errQuota, c.name)
		}
		assert.Equal(t, quota, made, c.name)
	}
}

func TestNameIsGivenOnce(t *testing.T) {
	s := withGrants(t)
	for name, create := range map[string]func(tx *Tx, i int) error{
		"an alias": func(tx *Tx, i int) error {
			if _, err := tx.Alias("111122223333", "us-east-1", "alias/a"); err == nil {
				return ErrExists
			}
			return tx.PutAlias(testAlias("alias/a", "k"))
		},
		"a grant's Name": func(tx *Tx, i int) error {
			g := testGrant(addr("k"), fmt.Sprint("g", i))
			g.Name = "n"
			return tx.PutGrant(g)
		},
		"a unique id": func(tx *Tx, i int) error { return tx.PutUniqueID(fmt.Sprint("arn:", i), "AIDA") },
	} {
		errs := together(12, func(i int) error {
			return s.Update(func(tx *Tx) error { return create(tx, i) })
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			assert.ErrorIs(t, err, ErrExists, name)
		}
		assert.Equal(t, 1, made, name)
	}
}

func TestNoUpdateIsLostOnAHotRecord(t *testing.T) {
	s := withGrants(t)
	const callers, each = 12, 4
	var runs atomic.Int64
	errs := together(callers, func(int) error {
		for range each {
			err := s.Update(func(tx *Tx) error {
				runs.Add(1)
				k, err := tx.Key(addr("k"))
				if err != nil {
					return err
				}
				k.PendingWindowDays++
				return tx.PutKey(k)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, errors.Join(errs...))
	view(t, s, func(tx *Tx) {
		k, err := tx.Key(addr("k"))
		require.NoError(t, err)
		assert.Equal(t, callers*each, k.PendingWindowDays)
	})
	assert.LessOrEqual(t, runs.Load(), int64(callers*each*(maxTries+1)))
}

func TestGrantCannotOutliveItsKey(t *testing.T) {
	for range 5 {
		s := withGrants(t)
		together(8, func(i int) error {
			return s.Update(func(tx *Tx) error {
				if i == 0 {
					return tx.DeleteKey(addr("k"))
				}
				return tx.PutGrant(testGrant(addr("k"), fmt.Sprint("g", i)))
			})
		})
		require.NoError(t, s.Check()) // a grant without a key would be found
	}
}
