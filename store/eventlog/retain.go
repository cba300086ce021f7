package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Retain deletes the oldest segments that are over the limits. The last
// segment stays.
func (l *Log) Retain() error {
	l.mu.Lock()
	n := l.expired()
	gone := l.segments[:n:n]
	l.segments = l.segments[n:]
	l.mu.Unlock()
	var errs []error
	for _, s := range gone {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("deleting old events: %w", err))
		}
	}
	return errors.Join(errs...)
}

// expired counts the segments to delete. All events of a segment are older
// than the one after it.
func (l *Log) expired() int {
	limits := l.config.Limits
	oldest := l.config.Now().Add(-limits.RetainAge)
	total := int64(0)
	for _, s := range l.segments {
		total += s.size
	}
	n := 0
	for n+1 < len(l.segments) && (total > limits.RetainBytes || l.segments[n+1].made.Before(oldest)) {
		total -= l.segments[n].size
		n++
	}
	return n
}
