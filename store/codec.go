package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// The value of a record:
//
//	0x01 | JSON object
//
// The first byte is the version of the encoding, the names of the members are
// the schema. A member that this program does not know, a second object or a
// byte after it are refused: they were written by something else.
const recordVersion = 1

// maxValue bounds the value of one entry, in bytes. A key with the largest
// policy takes about a quarter of it.
const maxValue = 256 << 10

func encodeRecord(record any) ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte(recordVersion)
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(record); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", record, err)
	}
	buf.Truncate(buf.Len() - 1) // the encoder's newline
	if buf.Len() > maxValue {
		return nil, fmt.Errorf("%w: %T of %d bytes", ErrTooLarge, record, buf.Len())
	}
	return buf.Bytes(), nil
}

// decodeRecord fills record from the value of an entry. Its errors do not
// quote the value.
func decodeRecord(value []byte, record any) error {
	if len(value) == 0 || value[0] != recordVersion {
		return fmt.Errorf("%w: %T has an unknown encoding", ErrCorrupt, record)
	}
	dec := json.NewDecoder(bytes.NewReader(value[1:]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(record); err != nil {
		return fmt.Errorf("%w: %T does not decode", ErrCorrupt, record)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%w: %T has bytes after its end", ErrCorrupt, record)
	}
	return nil
}
