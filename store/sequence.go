package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/keyreeve/keyreeve/store/eventlog"
)

// sequenceBlock is how many numbers are reserved on disk ahead. What is left of
// them when the process ends is not used, so that no number which a reader may
// have seen is given to another event after a power cut.
const sequenceBlock = 1 << 20

var sequenceKey = dbKey(spaceMeta, "sequence")

// A sequence numbers the events of the outbox and of the log. It implements
// eventlog.Sequence.
type sequence struct {
	reserve func(limit uint64) error

	mu       sync.Mutex
	next     uint64
	limit    uint64 // reserved up to here
	underWay map[uint64]bool
}

// openSequence continues after all numbers that were ever reserved, and
// reserves the first of its own.
func (s *Store) openSequence() (*sequence, error) {
	var limit uint64 = 1
	err := s.gen.view(func(tx kvTx) error {
		value, err := tx.get(sequenceKey)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err == nil && len(value) != 8 {
			err = fmt.Errorf("%w: sequence record", ErrCorrupt)
		}
		if err == nil {
			limit = binary.BigEndian.Uint64(value)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	q := &sequence{reserve: s.reserve, next: limit, limit: limit, underWay: map[uint64]bool{}}
	return q, q.extend(0)
}

// extend reserves a block of numbers behind the next n.
func (q *sequence) extend(n int) error {
	limit := q.next + uint64(n) + sequenceBlock
	if err := q.reserve(limit); err != nil {
		return fmt.Errorf("reserving sequence numbers: %w", err)
	}
	q.limit = limit
	return nil
}

// reserve writes down that numbers below limit may be in use. It waits for no
// other transaction, because one may be waiting for it.
func (s *Store) reserve(limit uint64) error {
	return s.write(func(tx kvTx) error {
		return tx.set(sequenceKey, binary.BigEndian.AppendUint64(nil, limit))
	})
}

// Begin takes n numbers, the first of which it answers. Readers wait at it
// until end is called.
func (q *sequence) Begin(n int) (first eventlog.Seq, end func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next+uint64(n) > q.limit-sequenceBlock/2 {
		// While numbers are left, events do not wait for space to reserve more.
		if err := q.extend(n); err != nil && q.next+uint64(n) > q.limit {
			return 0, nil, err
		}
	}
	start := q.next
	q.next += uint64(n)
	q.underWay[start] = true
	return eventlog.Seq(start), func() { q.end(start) }, nil
}

func (q *sequence) end(start uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.underWay, start)
}

// settled is the number before which no event can appear any more.
func (q *sequence) settled() eventlog.Seq {
	q.mu.Lock()
	defer q.mu.Unlock()
	lowest := q.next
	for start := range q.underWay {
		lowest = min(lowest, start)
	}
	return eventlog.Seq(lowest)
}
