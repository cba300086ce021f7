package eventlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is what is known of a segment file. Size is up to where it may be
// read; last is zero if it is not known.
type segment struct {
	header
	path  string
	size  int64
	last  Seq
	marks []mark
}

// A mark is a place to begin reading.
type mark struct {
	seq Seq
	at  int64
}

const suffix = ".log"

func segmentName(first Seq) string { return fmt.Sprintf("%016x%s", uint64(first), suffix) }

// An aside takes what the end of a process left torn behind a place of a segment.
type aside func(path string, at int64) error

// recoverSegments lists the segments of a directory, without what is torn.
func recoverSegments(dir string, torn aside) ([]segment, error) {
	files, err := os.ReadDir(dir) // sorted, so in order of Seq
	if err != nil {
		return nil, fmt.Errorf("listing segments: %w", err)
	}
	files = slices.DeleteFunc(files, func(f os.DirEntry) bool { return !strings.HasSuffix(f.Name(), suffix) })
	var segments []segment
	for i, f := range files {
		s, err := openSegment(filepath.Join(dir, f.Name()), torn, i == len(files)-1)
		if err != nil {
			return nil, err
		}
		if s != nil {
			segments = append(segments, *s)
		}
	}
	return segments, nil
}

// openSegment reads a segment's header; of the last one also its frames. It
// answers nil for one that holds nothing.
func openSegment(path string, torn aside, last bool) (*segment, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening segment: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening segment: %w", err)
	}
	s := &segment{path: path, size: info.Size()}
	head := make([]byte, headerSize)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading segment: %w", err)
	}
	s.header, err = decodeHeader(head[:n])
	if err == nil && segmentName(s.first) != filepath.Base(path) {
		err = fmt.Errorf("%w: segment under another name", ErrCorrupt)
	}
	if err != nil && !last {
		return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(filepath.Base(path), suffix), err)
	}
	if err != nil {
		return nil, torn(path, 0)
	}
	if !last {
		return s, nil
	}
	end, lastSeq, err := scanFrames(file)
	if err != nil {
		return nil, err
	}
	s.last = lastSeq
	if end < s.size {
		s.size = end
		return s, torn(path, end)
	}
	return s, nil
}

// scanFrames reads frames from behind the header to the last whole one.
func scanFrames(file *os.File) (end int64, last Seq, err error) {
	if _, err := file.Seek(int64(headerSize), io.SeekStart); err != nil {
		return 0, 0, fmt.Errorf("reading segment: %w", err)
	}
	end = int64(headerSize)
	r := bufio.NewReaderSize(file, 256<<10)
	for {
		e, err := readFrame(r)
		switch {
		case err == nil:
			end += frameSize(len(e.Data))
			last = e.Seq
		case errors.Is(err, io.EOF), errors.Is(err, errTorn):
			return end, last, nil
		default:
			return 0, 0, fmt.Errorf("reading segment: %w", err)
		}
	}
}

// setAside moves what is behind at to a file beside, so that nothing that
// might be evidence is destroyed; a segment without a header goes as a whole.
func setAside(path string, at int64, log *slog.Logger) error {
	aside := path + "." + strconv.FormatInt(at, 10) + ".torn"
	log.Warn("log of events ends in a torn event, which is set aside", "segment", path, "offset", at, "aside", aside)
	if err := copyTail(path, at, aside); err != nil {
		return fmt.Errorf("setting torn event aside: %w", err)
	}
	cut := func() error { return os.Truncate(path, at) }
	if at == 0 {
		cut = func() error { return os.Remove(path) }
	}
	if err := cut(); err != nil {
		return fmt.Errorf("cutting torn event: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cutting torn event: %w", err)
	}
	return nil
}

// copyTail copies what is behind at of one file to another, durably.
func copyTail(from string, at int64, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(content[at:]); err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close(), syncDir(filepath.Dir(to)))
}
