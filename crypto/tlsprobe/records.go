package tlsprobe

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordApplicationData  = 23

	recordHeaderSize = 5
	maxPlaintext     = 1 << 14
	maxCiphertext    = maxPlaintext + 256

	// maxMessage and maxHandshake bound what a server can make us hold: a
	// long chain of certificates has a tenth of it.
	maxMessage   = 1 << 17
	maxHandshake = 1 << 18
)

var errTooLong = errors.New("server sends more than a handshake can need")

// records is the record layer, RFC 8446 section 5, of one handshake.
type records struct {
	conn    io.ReadWriter
	in, out *protection // nil: records are not protected yet
	read    int         // bytes read from conn
	pending []byte      // handshake bytes not yet taken by message
	unsent  []byte      // records not yet given to conn
}

// A message is a handshake message, RFC 8446 section 4.
type message struct {
	kind byte
	body []byte
	raw  []byte // with its header, as it enters the transcript
}

// message reads the next handshake message, over as many records as it takes.
func (r *records) message() (message, error) {
	for {
		if len(r.pending) >= 4 {
			size := 4 + int(r.pending[1])<<16 + int(r.pending[2])<<8 + int(r.pending[3])
			if size > maxMessage {
				return message{}, errTooLong
			}
			if len(r.pending) >= size {
				raw := r.pending[:size:size]
				r.pending = r.pending[size:]
				return message{kind: raw[0], body: raw[4:], raw: raw}, nil
			}
		}
		content, err := r.handshakeRecord()
		if err != nil {
			return message{}, err
		}
		r.pending = append(r.pending, content...)
	}
}

// protect turns to protected records. Messages must not span a change of keys.
func (r *records) protect(in *protection) error {
	if len(r.pending) > 0 {
		return errors.New("server sends a handshake message across a change of keys")
	}
	r.in = in
	return nil
}

// handshakeRecord returns the content of the next handshake record. An alert is
// ErrRefused.
func (r *records) handshakeRecord() ([]byte, error) {
	for {
		kind, content, err := r.record()
		if err != nil {
			return nil, err
		}
		switch kind {
		case recordHandshake:
			if len(content) == 0 {
				return nil, errors.New("server sends an empty handshake record")
			}
			return content, nil
		case recordAlert:
			if len(content) != 2 {
				return nil, errors.New("server sends a malformed alert")
			}
			return nil, fmt.Errorf("%w with alert %d: %w", ErrRefused, content[1], tls.AlertError(content[1]))
		case recordChangeCipherSpec: // RFC 8446 section D.4
		default:
			return nil, fmt.Errorf("server sends a record of type %d within the handshake", kind)
		}
	}
}

// record reads one record and opens it if it is protected.
func (r *records) record() (kind byte, content []byte, err error) {
	header := make([]byte, recordHeaderSize)
	if err := r.readFull(header); err != nil {
		return 0, nil, err
	}
	kind = header[0]
	size := int(binary.BigEndian.Uint16(header[3:]))
	if kind < recordChangeCipherSpec || kind > recordApplicationData || header[1] != 3 || size > maxCiphertext {
		return 0, nil, errors.New("server does not answer in TLS")
	}
	content = make([]byte, size)
	if err := r.readFull(content); err != nil {
		return 0, nil, err
	}
	switch {
	case kind == recordChangeCipherSpec:
		if !bytes.Equal(content, []byte{1}) {
			return 0, nil, errors.New("server sends a malformed change of cipher spec")
		}
		return kind, content, nil
	case r.in == nil && kind != recordApplicationData && size <= maxPlaintext:
		return kind, content, nil
	case r.in != nil && kind == recordApplicationData:
		return r.in.open(header, content)
	default:
		return 0, nil, fmt.Errorf("server sends a record of type %d and %d bytes out of place", kind, size)
	}
}

func (r *records) readFull(b []byte) error {
	if r.read += len(b); r.read > maxHandshake {
		return errTooLong
	}
	if _, err := io.ReadFull(r.conn, b); err != nil {
		return fmt.Errorf("reading from the server: %w", err)
	}
	return nil
}

// open takes the protection off a record: content, its type, padding.
func (p *protection) open(header, ciphertext []byte) (byte, []byte, error) {
	inner, err := p.aead.Open(nil, p.nonce(), ciphertext, header)
	if err != nil {
		return 0, nil, errors.New("server's record does not open under the secret of the key exchange")
	}
	inner = bytes.TrimRight(inner, "\x00")
	if len(inner) == 0 || len(inner) > maxPlaintext+1 {
		return 0, nil, errors.New("server sends a protected record of no type or too long")
	}
	return inner[len(inner)-1], inner[:len(inner)-1], nil
}

// write makes one record, protected if r.out is set, for flush to send.
func (r *records) write(kind byte, content []byte) {
	record := []byte{kind, 3, 3, 0, 0}
	if r.out == nil {
		record = append(record, content...)
	} else {
		record[0] = recordApplicationData
		inner := append(bytes.Clone(content), kind)
		binary.BigEndian.PutUint16(record[3:], uint16(len(inner)+r.out.aead.Overhead())) // our messages are short
		record = r.out.aead.Seal(record, r.out.nonce(), inner, record)
	}
	binary.BigEndian.PutUint16(record[3:], uint16(len(record)-recordHeaderSize))
	r.unsent = append(r.unsent, record...)
}

// flush sends what was written, all at once: a server that turns us away in
// the middle of it has still been sent the rest.
func (r *records) flush() error {
	if _, err := r.conn.Write(r.unsent); err != nil {
		return fmt.Errorf("writing to the server: %w", err)
	}
	r.unsent = nil
	return nil
}
