package store

import (
	"context"
	"errors"
	"time"
)

// How often the records are looked at for packing, and the events for old
// ones; and how long packing rests after it failed.
const (
	packEvery   = time.Second
	retainEvery = time.Minute
	packAfter   = time.Minute
)

// maintain packs records and deletes old events until ctx ends.
func (s *Store) maintain(ctx context.Context) {
	pack, retain := time.NewTicker(packEvery), time.NewTicker(retainEvery)
	defer pack.Stop()
	defer retain.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pack.C:
			if _, due := s.current().packing(s.config.repackTables); !due {
				continue
			}
			pack.Reset(packEvery)
			if err := s.repack(ctx); err != nil && ctx.Err() == nil {
				s.config.Log.Warn("packing records", "err", err)
				pack.Reset(packAfter)
			}
		case <-retain.C:
			if err := s.Retain(); err != nil && ctx.Err() == nil && !errors.Is(err, ErrFull) {
				s.config.Log.Error("deleting old events", "err", err)
			}
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
