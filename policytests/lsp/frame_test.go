package lsp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFramesAreBounded(t *testing.T) {
	for what, text := range map[string]string{
		"no length":           "\r\n{}",
		"a negative length":   "Content-Length: -1\r\n\r\n",
		"a length in words":   "Content-Length: many\r\n\r\n",
		"a length too large":  fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody+1),
		"a line too long":     strings.Repeat("a", maxHeaderLine+1),
		"too many fields":     strings.Repeat("A: b\r\n", maxHeaders+1),
		"a field without end": "Content-Length\r\n\r\n",
	} {
		_, err := readFrame(bufio.NewReader(strings.NewReader(text)))
		assert.ErrorIs(t, err, errFrame, what)
	}
	for what, text := range map[string]string{"a header that ends": "Content-Le", "a body that ends": "Content-Length: 3\r\n\r\n{}"} {
		_, err := readFrame(bufio.NewReader(strings.NewReader(text)))
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, what)
	}
	_, err := readFrame(bufio.NewReader(strings.NewReader("")))
	assert.ErrorIs(t, err, io.EOF)
	body, err := readFrame(bufio.NewReader(strings.NewReader("content-type: x\ncontent-length: 2\n\n{}")))
	require.NoError(t, err)
	assert.Equal(t, "{}", string(body))
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("Content-Length: 17\r\n\r\n{\"jsonrpc\":\"2.0\"}"))
	f.Add([]byte("Content-Type: a\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		in := bufio.NewReader(bytes.NewReader(stream))
		read := 0
		for {
			body, err := readFrame(in)
			if err != nil {
				assert.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errFrame), "%v", err)
				return
			}
			read += len(body)
			require.LessOrEqual(t, read, len(stream))
			var again bytes.Buffer
			require.NoError(t, writeFrame(&again, body))
			back, err := readFrame(bufio.NewReader(&again))
			require.NoError(t, err)
			require.Equal(t, string(body), string(back))
		}
	})
}

// FuzzMessages sends a server what it must survive: it answers or is silent,
// and ends as the stream does.
func FuzzMessages(f *testing.F) {
	f.Add(`{"jsonrpc":"2.0","id":2,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///a.key.json"},"position":{"line":-1,"character":99}}}`)
	f.Add(`{"jsonrpc":"2.0","id":"a","method":"textDocument/completion","params":{"textDocument":{"uri":"file:///a.key.json"},"position":{"line":0,"character":9}}}`)
	f.Add(`{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///a.key.json"},"contentChanges":[{"range":{"start":{"line":9},"end":{"line":0}},"text":"{"}]}}`)
	f.Add(`{"jsonrpc":"2.0","id":3,"method":"workspace/executeCommand","params":{"command":"keyreeve.test","arguments":["file:///a.key.json",1]}}`)
	f.Add(`{"jsonrpc":"2.0","id":{},"method":"exit"}`)
	f.Add(`[1]`)
	f.Fuzz(func(t *testing.T, sent string) {
		var in, out bytes.Buffer
		for _, m := range []string{
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`,
			`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a.key.json","version":1,"text":"{\"Statement\": [{\"Action\": [\"kms:Dec"}}}`,
			sent,
		} {
			require.NoError(t, writeFrame(&in, []byte(m)))
		}
		err := Serve(context.Background(), Config{In: &in, Out: &out, Now: time.Now, Pause: time.Hour})
		if err != nil {
			require.ErrorIs(t, err, ErrNoShutdown)
		}
		answers := bufio.NewReader(&out)
		for err = nil; err == nil; {
			_, err = readFrame(answers)
		}
		require.ErrorIs(t, err, io.EOF, "what is written can be read")
		require.NotContains(t, out.String(), "failed: ", "no panic")
	})
}

// FuzzTexts looks at documents of any text at any place.
func FuzzTexts(f *testing.F) {
	f.Add(`{"Statement": [{"Action": "kms:Sign", "Condition": {"StringEquals": {"`, 20)
	f.Add("allow role/a kms:De\n  key/b ", 25)
	f.Add("-- world.yaml --\naccounts: {}\n-- a.cases --\nallow ", 52)
	f.Fuzz(func(t *testing.T, body string, offset int) {
		s := &server{found: map[string]diagnosed{}, worlds: map[string]loaded{}}
		for _, name := range []string{"untitled:a.key.json", "untitled:a.cases", "untitled:a.cases.yaml", "untitled:a.txtar"} {
			d := newDocument(name, 1, body)
			v := &view{server: s, docs: documents{name: d}}
			at := d.text.position(offset)
			require.Equal(t, at, d.text.position(d.text.offset(at)), "places are found again")
			_, err := v.hover(t.Context(), d, d.text.offset(at))
			require.NoError(t, err)
			_, err = v.complete(t.Context(), d, d.text.offset(at))
			require.NoError(t, err)
			_, err = v.symbols(t.Context(), d)
			require.NoError(t, err)
			_, _ = v.format(t.Context(), d)
			_, _, _ = endOfIgnore(body)
		}
	})
}

func TestPlacesCountInUTF16(t *testing.T) {
	x := newText("a😀b\r\nc")
	assert.Equal(t, position{0, 3}, x.position(5))
	assert.Equal(t, 5, x.offset(position{0, 3}))
	assert.Equal(t, 6, x.offset(position{0, 99}), "the end of the line")
	assert.Equal(t, len(x.body), x.offset(position{9, 0}))
	assert.Equal(t, 0, x.offset(position{-1, 0}))
	assert.Equal(t, "aXb\r\nc", x.changed(&span{position{0, 1}, position{0, 3}}, "X").body)
	assert.Equal(t, "new", x.changed(nil, "new").body)
}

func TestWhatIsWaitingCanBeCancelled(t *testing.T) {
	s := &server{slots: make(chan struct{}, 1)}
	s.slots <- struct{}{} // somebody is being served
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.serve(ctx, nil, message{}, func(context.Context, *view, message) (any, error) {
		t.Fatal("served all the same")
		return nil, nil
	})
	var refused *rpcError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, codeCancelled, refused.Code)
}

func TestAPanicIsAnAnswer(t *testing.T) {
	var out bytes.Buffer
	s := &server{slots: make(chan struct{}, 1), cfg: Config{Out: &out}}
	_, err := s.serve(t.Context(), nil, message{Method: "m"}, func(context.Context, *view, message) (any, error) { panic("oh") })
	assert.ErrorContains(t, err, "report")
	assert.Contains(t, out.String(), "oh")
	assert.Empty(t, s.slots, "the next can be served")
}

func TestWhereAnEntryIsAdded(t *testing.T) {
	for what, row := range map[string]struct {
		text   string
		offset int
		indent int
		ok     bool
	}{
		"behind the last entry":   {"version: 1\nignore:\n  - rules: [a]\n    reason: b\nfail-on: error\n", 48, 2, true},
		"entries without indent":  {"version: 1\nignore:\n- rules: [a]\n", 32, 0, true},
		"no entries yet":          {"version: 1\n", 11, -1, true},
		"a list in brackets":      {"ignore: []\n", 0, 0, false},
		"what is no mapping":      {"- a\n", 0, 0, false},
		"what is no YAML":         {"a: [", 0, 0, false},
		"without end of the line": {"ignore:\n  - rules: [a]", 22, 2, true},
	} {
		offset, indent, ok := endOfIgnore(row.text)
		assert.Equal(t, row.ok, ok, what)
		assert.Equal(t, row.offset, offset, what)
		assert.Equal(t, row.indent, indent, what)
	}
}
