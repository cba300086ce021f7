package eventlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// markDistance is how many bytes lie between two marks of a segment.
const markDistance = 64 << 10

// A CorruptError says where a segment has bytes that are no event. Reading can
// go on after the number Resume, which leaves out the rest of the segment.
type CorruptError struct {
	Segment string
	Offset  int64
	Resume  Seq
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("segment %s at byte %d: no event; reading can go on after %d", e.Segment, e.Offset, e.Resume)
}

// Unwrap is ErrCorrupt.
func (*CorruptError) Unwrap() error { return ErrCorrupt }

// Read finds up to limit events after the number after and before the number
// before, in order. With a CorruptError it answers the events before that place.
func (l *Log) Read(after, before Seq, limit int) ([]Event, error) {
	var events []Event
	segments := l.segmentsAfter(after)
	for i, s := range segments {
		if len(events) >= limit || s.first >= before {
			break
		}
		found, marks, err := s.read(after, before, limit-len(events))
		l.keepMarks(s.first, marks)
		events = append(events, found...)
		if errors.Is(err, fs.ErrNotExist) {
			continue // retention was faster
		}
		if errors.Is(err, errTorn) && i+1 < len(segments) {
			err = &CorruptError{filepath.Base(s.path), s.at(marks), segments[i+1].first - 1}
		} else if errors.Is(err, errTorn) {
			err = &CorruptError{filepath.Base(s.path), s.at(marks), s.last}
		}
		if err != nil {
			return events, err
		}
	}
	return events, nil
}

// at is the last known place before the one where reading ended.
func (s *segment) at(marks []mark) int64 {
	if len(marks) > 0 {
		return marks[len(marks)-1].at
	}
	return int64(headerSize)
}

// segmentsAfter is a copy of the segments that can hold events after a number.
func (l *Log) segmentsAfter(after Seq) []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].first-1 > after })
	return slices.Clone(l.segments[max(i-1, 0):])
}

// keepMarks gives the segment that begins with first the marks that a reader made.
func (l *Log) keepMarks(first Seq, marks []mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.segments {
		if s := &l.segments[i]; s.first == first && len(marks) > len(s.marks) {
			s.marks = marks
			return
		}
	}
}

// read finds events of one segment. It answers the segment's marks, with those
// that it could add.
func (s *segment) read(after, before Seq, limit int) ([]Event, []mark, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, s.marks, fmt.Errorf("opening segment: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	at := int64(headerSize)
	if i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].seq > after+1 }); i > 0 {
		at = s.marks[i-1].at
	}
	marks := slices.Clip(s.marks)
	r := bufio.NewReaderSize(io.NewSectionReader(file, at, s.size-at), 64<<10)
	var events []Event
	for len(events) < limit {
		e, err := readFrame(r)
		if errors.Is(err, io.EOF) || err == nil && e.Seq >= before {
			break
		}
		if err != nil {
			return events, marks, err
		}
		if at-lastMark(marks) >= markDistance {
			marks = append(marks, mark{e.Seq, at})
		}
		at += frameSize(len(e.Data))
		if e.Seq > after {
			events = append(events, e)
		}
	}
	return events, marks, nil
}

func lastMark(marks []mark) int64 {
	if len(marks) == 0 {
		return int64(headerSize)
	}
	return marks[len(marks)-1].at
}
