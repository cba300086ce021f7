package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLastUseOfAKeyIsTheLatest(t *testing.T) {
	s := open(t, testConfig(t))
	k := testKey("k")
	use := func(event string, at time.Time) Usage {
		return Usage{Addr: k.Addr, Operation: "Encrypt", At: at, EventID: event, RequestID: "r"}
	}
	last := func() string {
		var u Usage
		view(t, s, func(tx *Tx) {
			var err error
			if u, err = tx.Usage(k.Addr); err != nil {
				require.ErrorIs(t, err, ErrNotFound)
			}
		})
		return u.EventID
	}
	put := func(event string, at time.Time) {
		update(t, s, func(tx *Tx) error { return tx.PutUsage(use(event, at)) })
	}
	put("of no key", testTime)
	assert.Empty(t, last())
	update(t, s, func(tx *Tx) error { return tx.PutKey(k) })
	put("before it was made", k.Created.Add(-time.Second))
	assert.Empty(t, last(), "of an earlier key with the same address")
	put("first", k.Created.Add(time.Hour))
	put("late", k.Created.Add(time.Minute))
	assert.Equal(t, "first", last())
	put("second", k.Created.Add(2*time.Hour))
	assert.Equal(t, "second", last())

	update(t, s, func(tx *Tx) error { return tx.DeleteKey(k.Addr) })
	assert.Empty(t, last(), "it goes with the key")
}
