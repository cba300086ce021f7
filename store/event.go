package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keyreeve/keyreeve/store/eventlog"
)

// A Seq orders all events of a store. Numbers may be left out.
type Seq = eventlog.Seq

// An Event is what AppendEvent or Append was given, with its place and time.
type Event = eventlog.Event

// AppendEvent adds the event of a mutation: it is kept if, and only if, the
// changes of the transaction are.
func (tx *Tx) AppendEvent(data []byte) error {
	if !tx.kv.writable() {
		return ErrReadOnly
	}
	if len(data) > maxValue-eventHeader {
		return fmt.Errorf("%w: event of %d bytes", ErrTooLarge, len(data))
	}
	tx.events = append(tx.events, slices.Clone(data))
	return nil
}

// The value of an event in the outbox:
//
//	time, nanoseconds since 1970, 8 bytes | data
const eventHeader = 8

// storeEvents numbers the events of a transaction that is about to commit.
func (s *Store) storeEvents(tx *Tx) (done func(), err error) {
	if len(tx.events) == 0 {
		return func() {}, nil
	}
	first, end, err := s.seqs.Begin(len(tx.events))
	if err != nil {
		return nil, err
	}
	now := s.config.Now()
	for i, data := range tx.events {
		value := binary.BigEndian.AppendUint64(make([]byte, 0, eventHeader+len(data)), uint64(now.UnixNano()))
		if err := tx.kv.set(outboxKey(first+Seq(i)), append(value, data...)); err != nil {
			end()
			return nil, err
		}
	}
	return end, nil
}

func outboxKey(seq Seq) []byte { return dbKey(spaceOutbox, ordered(uint64(seq))) }

func decodeOutbox(key, value []byte) (Event, error) {
	seq, err := parseOrdered(lastPart(key))
	if err != nil {
		return Event{}, err
	}
	if len(value) < eventHeader {
		return Event{}, fmt.Errorf("%w: event %d", ErrCorrupt, seq)
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(value))).UTC()
	return Event{Seq: Seq(seq), Time: at, Data: value[eventHeader:]}, nil
}

// Append writes the events of a call that changes no record. When it returns
// they outlive the process; a power cut they outlive 100 ms later, or at once
// with Config.SyncEvents. After an error none of them is kept, and what they
// tell of must not happen.
func (s *Store) Append(events ...[]byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.users.Done()
	if len(events) == 0 {
		return s.InPlace()
	}
	err := s.log.Append(events...) // which asks InPlace
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EMFILE):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, eventlog.ErrFailed):
		return fmt.Errorf("%w: %w", ErrFailed, err)
	case errors.Is(err, eventlog.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	default:
		return err
	}
}

// Events finds up to limit events after the number after, of mutations and of
// other calls, in order. An event that it has passed over never appears later.
//
// With an *eventlog.CorruptError it answers the events that are left up to the
// number Resume in that error; the caller may go on after it.
func (s *Store) Events(after Seq, limit int) ([]Event, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.users.Done()
	before := s.seqs.settled()
	g := s.use()
	defer g.users.Done()
	return eventsOf(g, s.log, after, before, limit)
}

// eventsOf finds events in the outbox of a generation, if there is one, and in
// a log.
func eventsOf(g *generation, log *eventlog.Log, after, before Seq, limit int) ([]Event, error) {
	events, err := g.outbox(after, before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading outbox: %w", err)
	}
	logged, err := log.Read(after, before, limit)
	var gap *eventlog.CorruptError
	if errors.As(err, &gap) {
		events = slices.DeleteFunc(events, func(e Event) bool { return e.Seq > gap.Resume })
	} else if err != nil {
		return nil, fmt.Errorf("reading log: %w", err)
	}
	events = append(events, logged...)
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Seq, b.Seq) })
	if len(events) >= limit {
		return events[:limit], nil
	}
	return events, err
}

// outbox finds the events of mutations between two numbers.
func (g *generation) outbox(after, before Seq, limit int) ([]Event, error) {
	if g == nil {
		return nil, nil
	}
	var events []Event
	err := g.view(func(kv kvTx) error {
		var err error
		events, _, err = page(&Tx{kv: kv}, dbKey(spaceOutbox), outboxKey(after), limit, true, decodeOutbox)
		return err
	})
	return slices.DeleteFunc(events, func(e Event) bool { return e.Seq >= before }), err
}
