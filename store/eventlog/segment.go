package eventlog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// A segment is a file of the log:
//
//	header  "KREVLOG1" | first Seq, 8 bytes | time it was made, 8 bytes
//	frame   length of body, 4 bytes | CRC-32C of length and body, 4 bytes | body
//	body    Seq, 8 bytes | time, 8 bytes | data
//
// Numbers are big-endian, times are nanoseconds since 1970. Frames follow each
// other without gaps, with rising Seq.
const (
	magic       = "KREVLOG1"
	headerSize  = len(magic) + 16
	frameHeader = 8
	bodyHeader  = 16

	// MaxEvent bounds the data of one event, in bytes.
	MaxEvent = 256 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that the bytes from here on are no frame.
var errTorn = errors.New("torn frame")

type header struct {
	first Seq
	made  time.Time
}

func (h header) encode() []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.first))
	return binary.BigEndian.AppendUint64(b, uint64(h.made.UnixNano()))
}

func decodeHeader(b []byte) (header, error) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return header{}, fmt.Errorf("%w: not a segment", ErrCorrupt)
	}
	b = b[len(magic):]
	return header{
		first: Seq(binary.BigEndian.Uint64(b)),
		made:  nanos(b[8:]),
	}, nil
}

func nanos(b []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
}

// appendFrame adds the frame of e to b.
func appendFrame(b []byte, e Event) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(bodyHeader+len(e.Data)))
	b = append(b, 0, 0, 0, 0) // the checksum, below
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.UnixNano()))
	b = append(b, e.Data...)
	binary.BigEndian.PutUint32(b[start+4:], checksum(b[start:start+4], b[start+frameHeader:]))
	return b
}

func checksum(length, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, body)
}

func frameSize(data int) int64 { return int64(frameHeader + bodyHeader + data) }

// readFrame reads the next frame: io.EOF at the end of the last one, errTorn
// where there is something else.
func readFrame(r *bufio.Reader) (Event, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Event{}, tornAtEnd(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < bodyHeader || n > bodyHeader+MaxEvent {
		return Event{}, errTorn
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			return Event{}, errTorn
		}
		return Event{}, tornAtEnd(err)
	}
	if checksum(head[:4], body) != binary.BigEndian.Uint32(head[4:]) {
		return Event{}, errTorn
	}
	return Event{
		Seq:  Seq(binary.BigEndian.Uint64(body)),
		Time: nanos(body[8:]),
		Data: body[bodyHeader:],
	}, nil
}

func tornAtEnd(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}
