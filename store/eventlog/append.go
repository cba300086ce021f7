package eventlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A batch is the events of appends that came while another was written: they
// go to the disk in one write.
type batch struct {
	frames      []byte
	first, last Seq
	ends        []func()
	room        [1]func()     // of ends, while nobody has joined
	done        chan struct{} // closed when err is set; nil while nobody has joined
	err         error
}

// kept is how large a buffer of frames may be that is used again.
const kept = 64 << 10

// Append writes events, in order, before it returns; with Sync also to the
// disk. After an error none of them is in the log.
func (l *Log) Append(events ...[]byte) error {
	for _, data := range events {
		if len(data) > MaxEvent {
			return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
		}
	}
	if len(events) == 0 {
		return nil
	}
	b, leader, err := l.join(events)
	if err != nil {
		return err
	}
	if !leader {
		<-b.done
		return b.err
	}
	l.lead(b)
	return b.err
}

// join adds events to the batch that is being gathered. Who begins a batch
// leads it.
func (l *Log) join(events [][]byte) (b *batch, leader bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, false, l.err
	}
	first, end, err := l.config.Sequence.Begin(len(events))
	if err != nil {
		return nil, false, fmt.Errorf("numbering events: %w", err)
	}
	leader = l.batch == nil
	switch {
	case leader:
		l.batch = &batch{first: first, frames: l.spare}
		l.batch.ends, l.spare = l.batch.room[:0], nil
	case l.batch.done == nil:
		l.batch.done = make(chan struct{})
	}
	b = l.batch
	b.ends = append(b.ends, end)
	now := l.config.Now()
	for i, data := range events {
		b.last = first + Seq(i)
		b.frames = appendFrame(b.frames, Event{Seq: b.last, Time: now, Data: data})
	}
	return b, leader, nil
}

// lead writes b once the batch before it is written; until then others join b.
func (l *Log) lead(b *batch) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.batch = nil
	b.err = l.err
	l.mu.Unlock()
	if b.err == nil && l.config.Check != nil {
		b.err = l.config.Check()
	}
	if b.err == nil {
		b.err = l.write(b)
	}
	for _, end := range b.ends {
		end()
	}
	if b.done != nil { // nobody joins any more
		close(b.done)
	}
	if cap(b.frames) <= kept {
		l.mu.Lock()
		l.spare = b.frames[:0]
		l.mu.Unlock()
	}
}

// write puts a batch into the active segment. On an error it takes back what
// was written of it.
func (l *Log) write(b *batch) error {
	if err := l.makeRoom(b); err != nil {
		return err
	}
	size := l.segments[len(l.segments)-1].size
	_, err := l.active.WriteAt(b.frames, size)
	if err == nil && l.config.Sync {
		if err = l.active.Sync(); err != nil {
			l.fail(err)
		}
	}
	if err != nil {
		if undo := l.active.Truncate(size); undo != nil {
			l.fail(undo)
		}
		return fmt.Errorf("writing events: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	active := &l.segments[len(l.segments)-1]
	active.size += int64(len(b.frames))
	active.last = b.last
	l.written = b.last
	if l.config.Sync {
		l.synced = b.last
		return nil
	}
	select {
	case l.dirty <- struct{}{}:
	default: // a sync is due already
	}
	return nil
}

// makeRoom begins a segment if there is none, or if the active one is full or old.
func (l *Log) makeRoom(b *batch) error {
	limits, now := l.config.Limits, l.config.Now()
	if l.active != nil {
		s := l.segments[len(l.segments)-1]
		if s.size+int64(len(b.frames)) <= limits.SegmentBytes && now.Sub(s.made) < limits.SegmentAge {
			return nil
		}
		if err := l.seal(); err != nil {
			l.fail(err)
			return err
		}
	}
	head := header{first: b.first, made: now}
	path := filepath.Join(l.config.Dir, segmentName(b.first))
	file, err := createSegment(path, head)
	if err != nil {
		return err
	}
	l.syncing.Lock()
	l.active = file
	l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, segment{header: head, path: path, size: int64(headerSize)})
	return nil
}

// seal syncs and closes the active segment.
func (l *Log) seal() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.active == nil {
		return nil
	}
	err := errors.Join(syncData(l.active), l.active.Close())
	l.active = nil
	if err != nil {
		return fmt.Errorf("closing segment: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced = l.written
	return nil
}

func createSegment(path string, h header) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making segment: %w", err)
	}
	_, err = file.Write(h.encode())
	if err == nil {
		err = syncData(file)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making segment: %w", err), file.Close(), os.Remove(path))
	}
	return file, nil
}

func syncData(file *os.File) error {
	if err := file.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", filepath.Base(file.Name()), err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // it was only read
	return dir.Sync()
}
