package store

import (
	"context"
	"errors"
	"time"
)

// maintainEvery is how often old events are looked for.
const maintainEvery = time.Minute

// maintain deletes old events until ctx ends.
func (s *Store) maintain(ctx context.Context) {
	ticker := time.NewTicker(maintainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.Retain(); err != nil && !errors.Is(err, ErrFull) {
			s.config.Log.Error("deleting old events", "err", err)
		}
	}
}

// trimBatch is how many events of the outbox one transaction deletes.
const trimBatch = 500

// Retain deletes events that are over Config.Events: of the log by age and
// size, of the outbox by age. The store does so by itself every minute.
func (s *Store) Retain() error {
	oldest := s.config.Now().Add(-s.config.Events.RetainAge)
	err := s.log.Retain()
	for more := true; more && err == nil; {
		err = s.Update(func(tx *Tx) error {
			more = false
			events, _, err := page(tx, dbKey(spaceOutbox), nil, trimBatch, true, decodeOutbox)
			if err != nil {
				return err
			}
			for _, e := range events {
				if !e.Time.Before(oldest) {
					return nil
				}
				if err := tx.kv.delete(outboxKey(e.Seq)); err != nil {
					return err
				}
			}
			more = len(events) == trimBatch
			return nil
		})
	}
	return err
}
