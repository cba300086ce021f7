package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds on what a client may send, in bytes.
const (
	maxBody       = 16 << 20
	maxHeaderLine = 1 << 10
	maxHeaders    = 16
)

// errFrame says that the stream is not what it should be, so that where the
// next message begins is not known.
var errFrame = errors.New("the client does not speak the base protocol")

// readFrame reads one message:
//
//	Content-Length: 17\r\n
//	\r\n
//	{"jsonrpc":"2.0"}
//
// The error is io.EOF where the stream ends between messages.
func readFrame(in *bufio.Reader) ([]byte, error) {
	length := -1
	for i := 0; ; i++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF) && i == 0 && line == "":
			return nil, io.EOF
		case err != nil:
			return nil, err
		case line == "" && length < 0:
			return nil, fmt.Errorf("%w: a header without Content-Length", errFrame)
		case line == "":
			body := make([]byte, length)
			_, err := io.ReadFull(in, body)
			return body, err
		case i == maxHeaders:
			return nil, fmt.Errorf("%w: more than %d header fields", errFrame, maxHeaders)
		}
		name, value, found := strings.Cut(line, ":")
		switch {
		case !found:
			return nil, fmt.Errorf("%w: a header field without colon", errFrame)
		case strings.EqualFold(name, "Content-Length"):
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			if err != nil || n > maxBody {
				return nil, fmt.Errorf("%w: Content-Length is a number up to %d", errFrame, maxBody)
			}
			length = int(n)
		}
	}
}

// readLine reads a line of a header, without its end.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		c, err := in.ReadByte()
		switch {
		case err != nil && len(line) > 0 && errors.Is(err, io.EOF):
			return string(line), io.ErrUnexpectedEOF
		case err != nil:
			return string(line), err
		case c == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case len(line) == maxHeaderLine:
			return "", fmt.Errorf("%w: a header line of more than %d bytes", errFrame, maxHeaderLine)
		}
		line = append(line, c)
	}
}

// writeFrame writes one message.
func writeFrame(out io.Writer, body []byte) error {
	frame := make([]byte, 0, len(body)+32)
	frame = fmt.Appendf(frame, "Content-Length: %d\r\n\r\n", len(body))
	_, err := out.Write(append(frame, body...))
	return err
}
