package store

import "sync"

// answersBytes bounds the answers of a generation, about as they are in memory.
const answersBytes = 16 << 20

// answers are what Views found in one snapshot, by what they asked: equal
// snapshots of a generation hold the same records. With the first View after a
// commit all of them are dropped, so there is nothing to invalidate. Safe for
// concurrent use.
type answers struct {
	mu       sync.RWMutex
	snapshot uint64
	found    map[string]any
	bytes    int
}

// get finds an answer of a snapshot.
func (a *answers) get(snapshot uint64, question []byte) (any, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.snapshot != snapshot {
		return nil, false
	}
	v, ok := a.found[string(question)]
	return v, ok
}

// put keeps an answer of about so many bytes, unless that of a later snapshot is
// wanted by now.
func (a *answers) put(snapshot uint64, question []byte, answer any, size int) {
	const each = 100 // beside question and answer
	size += each + len(question)
	a.mu.Lock()
	defer a.mu.Unlock()
	if snapshot < a.snapshot || size > answersBytes {
		return
	}
	if snapshot > a.snapshot || a.bytes+size > answersBytes || a.found == nil {
		a.snapshot, a.found, a.bytes = snapshot, map[string]any{}, 0
	}
	a.found[string(question)] = answer
	a.bytes += size
}

// answered finds what was found in the snapshot of a View before. Without a View
// nothing is.
func answered[T any](tx *Tx, question []byte) (answer T, ok bool) {
	if tx.answers == nil {
		return answer, false
	}
	v, ok := tx.answers.get(tx.snapshot, question)
	if !ok {
		return answer, false
	}
	return v.(T), true // a space has one type of answer
}

// answer keeps what a View found.
func (tx *Tx) answer(question []byte, answer any, size int) {
	if tx.answers != nil {
		tx.answers.put(tx.snapshot, question, answer, size)
	}
}
