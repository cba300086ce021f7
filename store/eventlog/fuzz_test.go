package eventlog

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzOpen opens a log whose only segment has any bytes: it answers only
// events that are whole, goes on working, and finds the same when opened again.
func FuzzOpen(f *testing.F) {
	head := header{first: 1, made: testTime}.encode()
	one := appendFrame(head, Event{Seq: 1, Time: testTime, Data: []byte("one")})
	f.Add([]byte{})
	f.Add(head)
	f.Add(one)
	f.Add(appendFrame(one, Event{Seq: 2, Time: testTime}))
	f.Add(one[:len(one)-1])
	f.Fuzz(func(t *testing.T, content []byte) {
		c := testConfig(t)
		require.NoError(t, os.MkdirAll(c.Dir, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, segmentName(1)), content, 0o600))
		c.Sequence = &counter{next: 1 << 40}
		l, err := Open(c)
		require.NoError(t, err)
		found := all(t, l)
		appendAll(t, l, "more")
		require.NoError(t, l.Close())
		l, err = Open(c)
		require.NoError(t, err)
		assert.Equal(t, append(found, "more"), all(t, l))
		require.NoError(t, l.Close())
	})
}

// FuzzFrame reads any bytes as a frame: what is read is written the same again.
func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, Event{Seq: 1, Time: testTime, Data: []byte("one")}))
	f.Add(appendFrame(nil, Event{Seq: math.MaxUint64, Time: testTime}))
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := readFrame(bufio.NewReader(bytes.NewReader(content)))
		if err != nil {
			return
		}
		again := appendFrame(nil, e)
		assert.Equal(t, content[:len(again)], again)
	})
}
