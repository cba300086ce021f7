package tlsprobe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readHello takes a probe's hello off the connection and returns its session
// id.
func readHello(conn net.Conn) []byte {
	header := make([]byte, recordHeaderSize)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil
	}
	hello := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(conn, hello); err != nil {
		return nil
	}
	return hello[4+2+32+1:][:32]
}

func record(kind byte, content ...byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(content) >> 8), byte(len(content))}, content...)
}

// forged is a ServerHello with some of it wrong.
type forged struct {
	random     []byte
	session    []byte
	suite      CipherSuite
	extensions []byte
}

func (f forged) record() []byte {
	if f.random == nil {
		f.random = make([]byte, 32)
	}
	if f.suite == 0 {
		f.suite = aes128
	}
	body := append([]byte{3, 3}, f.random...)
	body = append(append(body, byte(len(f.session))), f.session...)
	body = binary.BigEndian.AppendUint16(body, uint16(f.suite))
	body = append(body, 0)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(f.extensions))), f.extensions...)
	return record(recordHandshake, append([]byte{kindServerHello, 0, byte(len(body) >> 8), byte(len(body))}, body...)...)
}

// extensionBytes writes an extension that is at most 65,535 bytes long.
func extensionBytes(id uint16, data ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

func TestServersThatBreakTheProtocolAreFaults(t *testing.T) {
	tls13 := extensionBytes(extensionSupportedVersions, 3, 4)
	share := func(g Group, size int) []byte {
		data := binary.BigEndian.AppendUint16(nil, uint16(g))
		data = binary.BigEndian.AppendUint16(data, uint16(size))
		return extensionBytes(extensionKeyShare, append(data, bytes.Repeat([]byte{4}, size)...)...)
	}
	hello := func(f forged) func([]byte) []byte {
		return func(session []byte) []byte {
			if f.session == nil {
				f.session = session
			}
			return f.record()
		}
	}
	plain := func(b ...byte) func([]byte) []byte { return func([]byte) []byte { return b } }

	tests := map[string]struct {
		answer func(session []byte) []byte
		want   string
	}{
		"nothing":               {plain(), "EOF"},
		"HTTP":                  {plain([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...), "does not answer in TLS"},
		"SSH":                   {plain([]byte("SSH-2.0-OpenSSH_9.9\r\n")...), "does not answer in TLS"},
		"SSL 2":                 {plain(0x80, 0x2e, 4, 1, 0, 2), "does not answer in TLS"},
		"half a header":         {plain(22, 3), "unexpected EOF"},
		"half a record":         {plain(22, 3, 3, 0, 100, 2), "unexpected EOF"},
		"a giant record":        {plain(22, 3, 3, 0xff, 0xff), "does not answer in TLS"},
		"a long plain record":   {plain(append([]byte{22, 3, 3, 0x40, 1}, make([]byte, 0x4001)...)...), "out of place"},
		"an empty handshake":    {plain(record(recordHandshake)...), "empty handshake record"},
		"a giant message":       {plain(record(recordHandshake, kindServerHello, 0xff, 0xff, 0xff)...), "more than a handshake can need"},
		"half an alert":         {plain(record(recordAlert, 2)...), "malformed alert"},
		"an unknown alert":      {plain(record(recordAlert, 2, 0xfe)...), "alert 254"},
		"a bad cipher change":   {plain(record(recordChangeCipherSpec, 2)...), "malformed change of cipher spec"},
		"early protected data":  {plain(record(recordApplicationData, 1, 2, 3)...), "out of place"},
		"another message":       {plain(record(recordHandshake, kindFinished, 0, 0, 0)...), "handshake message 20, want one of [2]"},
		"an empty hello":        {plain(record(recordHandshake, kindServerHello, 0, 0, 0)...), "hello is cut short"},
		"TLS 1.2":               {hello(forged{}), "chose TLS 1.2, which was not offered"},
		"a later version":       {hello(forged{extensions: extensionBytes(extensionSupportedVersions, 3, 5)}), "chose 0x0305, which was not offered"},
		"a malformed version":   {hello(forged{extensions: extensionBytes(extensionSupportedVersions, 3)}), "choice of version is malformed"},
		"an extension twice":    {hello(forged{extensions: append(bytes.Clone(tls13), tls13...)}), "extension 43 twice"},
		"half an extension":     {hello(forged{extensions: tls13[:5]}), "extensions are cut short"},
		"another suite":         {hello(forged{suite: 0x1304, extensions: tls13}), "0x1304, which was not offered"},
		"another session":       {hello(forged{session: make([]byte, 32), extensions: tls13}), "does not repeat our session id"},
		"no key share":          {hello(forged{extensions: tls13}), "chose group 0x0000, which was not offered"},
		"another group":         {hello(forged{extensions: append(bytes.Clone(tls13), share(P256, 65)...)}), "chose P-256, which was not offered"},
		"half a key share":      {hello(forged{extensions: append(bytes.Clone(tls13), extensionBytes(extensionKeyShare, 0, 29, 0, 32)...)}), "key share is malformed"},
		"a short key share":     {hello(forged{extensions: append(bytes.Clone(tls13), share(X25519MLKEM768, 1119)...)}), "too short"},
		"a long key share":      {hello(forged{extensions: append(bytes.Clone(tls13), share(X25519MLKEM768, 1121)...)}), "too long"},
		"a retry":               {hello(forged{random: retryRandom, extensions: append(bytes.Clone(tls13), extensionBytes(extensionKeyShare, 0, 29)...)}), "asks for another hello"},
		"a share and then none": {hello(forged{extensions: append(bytes.Clone(tls13), share(X25519MLKEM768, 1120)...)}), "EOF"},
		"plain text after the hello": {func(session []byte) []byte {
			return append(hello(forged{extensions: append(bytes.Clone(tls13), share(X25519MLKEM768, 1120)...)})(session), record(recordHandshake, 8, 0, 0, 2, 0, 0)...)
		}, "out of place"},
		"noise after the hello": {func(session []byte) []byte {
			return append(hello(forged{extensions: append(bytes.Clone(tls13), share(X25519MLKEM768, 1120)...)})(session), record(recordApplicationData, make([]byte, 100)...)...)
		}, "does not open under the secret"},
		"a message across the keys": {func(session []byte) []byte {
			b := hello(forged{extensions: append(bytes.Clone(tls13), share(X25519MLKEM768, 1120)...)})(session)
			binary.BigEndian.PutUint16(b[3:], binary.BigEndian.Uint16(b[3:])+1)
			return append(b, kindEncryptedExtensions)
		}, "across a change of keys"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			addr := listen(t, func(conn net.Conn) { _, _ = conn.Write(tt.answer(readHello(conn))) })
			report, err := Probe(t.Context(), addr, Config{Groups: []Group{X25519MLKEM768}})
			require.ErrorContains(t, err, tt.want)
			assert.Zero(t, report)
			assert.Equal(t, strings.Contains(name, "unknown alert"), errors.Is(err, ErrRefused))
		})
	}
}

func TestSilentServerTimesOut(t *testing.T) {
	addr := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	for name, probe := range map[string]func(Config) error{
		"1.3": func(c Config) error { _, err := Probe(t.Context(), addr, c); return err },
		"1.2": func(c Config) error { _, err := ProbeVersion(t.Context(), addr, tls.VersionTLS12, c); return err },
	} {
		err := probe(Config{Timeout: 50 * time.Millisecond})
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
}

func TestEndlessServerIsCutOff(t *testing.T) {
	for name, piece := range map[string][]byte{
		"of cipher changes":    record(recordChangeCipherSpec, 1),
		"of a message's bytes": record(recordHandshake, kindServerHello),
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan int, 1)
			addr := listen(t, func(conn net.Conn) {
				_ = readHello(conn)
				total := 0
				for {
					n, err := conn.Write(bytes.Repeat(piece, 100))
					total += n
					if err != nil {
						sent <- total
						return
					}
				}
			})
			_, err := Probe(t.Context(), addr, Config{})
			require.ErrorIs(t, err, errTooLong)
			assert.Less(t, <-sent, 64<<20, "what sockets hold")
		})
	}
}

// flipped changes one byte of what the server sends, and ends it after all.
type flipped struct {
	net.Conn
	at, all int
	sent    int
}

func (c *flipped) Write(b []byte) (int, error) {
	b = bytes.Clone(b)
	if i := c.at - c.sent; i >= 0 && i < len(b) {
		b[i] ^= 0x01
	}
	n, err := c.Conn.Write(b)
	if c.sent += n; c.sent == c.all { // or both would wait, if we changed a length
		err = errors.Join(err, c.Conn.(*net.TCPConn).CloseWrite())
	}
	return n, err
}

// TestTamperingIsNoticed flips each byte of a server's flight in turn. Only
// the record version of records that are not protected is nobody's concern
// (RFC 8446 section 5.1).
func TestTamperingIsNoticed(t *testing.T) {
	cert := certificate(t, ed25519Key(t)) // signatures of one length, so that each run has as many bytes
	offer := Config{Groups: []Group{X25519}}

	var flight *flipped
	addr, results := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c net.Conn) net.Conn {
		flight = &flipped{Conn: c, at: -1}
		return flight
	})
	_, err := Probe(t.Context(), addr, offer)
	require.NoError(t, err)
	require.NoError(t, (<-results).err) // the server has sent all

	at := make(chan int, 1)
	addr, _ = serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c net.Conn) net.Conn {
		return &flipped{Conn: c, at: <-at, all: flight.sent}
	})
	const helloSize = recordHeaderSize + 4 + 118 // ServerHello, then a cipher change
	unnoticed := []int{}
	for i := range flight.sent {
		at <- i
		_, err := Probe(t.Context(), addr, offer)
		if err == nil {
			unnoticed = append(unnoticed, i)
		}
	}
	assert.Equal(t, []int{2, helloSize + 2}, unnoticed)
	assert.Greater(t, flight.sent, 500)
}
