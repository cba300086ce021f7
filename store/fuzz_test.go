package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stable tells whether what decodes from a value is written as it decodes again.
func stable[T any](t *testing.T, value []byte) {
	t.Helper()
	record, err := decodeEntry[T](nil, value)
	if err != nil {
		require.ErrorIs(t, err, ErrCorrupt)
		return
	}
	again, err := encodeRecord(record)
	if err != nil {
		require.ErrorIs(t, err, ErrTooLarge)
		return
	}
	second, err := decodeEntry[T](nil, again)
	require.NoError(t, err)
	third, err := encodeRecord(second)
	require.NoError(t, err)
	assert.Equal(t, string(again), string(third)) // an empty list is written as none
}

// FuzzRecords decodes any bytes as each kind of record.
func FuzzRecords(f *testing.F) {
	key := testKey("k")
	key.Tags = map[string]string{"a": "b"}
	key.Materials = []Material{{ID: "m", Ref: MaterialRef{Sealed: []byte{1}}}}
	grant := storedGrant{Grant: testGrant(addr("k"), "g"), Pair: "a"}
	grant.Subset = map[string]string{"a": "1"}
	grant.Tokens = []TokenDigest{DigestToken("t")}
	for _, record := range []any{key, grant, testAlias("alias/a", "k"), Principal{ARN: "arn:a", ID: "AIDA"}} {
		value, err := encodeRecord(record)
		require.NoError(f, err)
		f.Add(value)
		f.Add(append(value, ' ', '{', '}'))
		f.Add(value[1:])
	}
	f.Add([]byte("\x01{\"unknown\":1}"))
	f.Fuzz(func(t *testing.T, value []byte) {
		stable[Key](t, value)
		stable[storedGrant](t, value)
		stable[Alias](t, value)
		stable[Principal](t, value)
	})
}

// FuzzEntries decodes any bytes as the other kinds of values, and as keys.
func FuzzEntries(f *testing.F) {
	f.Add([]byte("0\x00g1\x00g2"))
	f.Add([]byte("3"))
	f.Add(outboxKey(7))
	f.Add(addr("k").key(spaceGrant, "g"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bucket, err := decodeBucket(b); err == nil {
			assert.Equal(t, b, bucket.encode())
		}
		if n, err := parseCount(b); err == nil {
			assert.Positive(t, n)
		}
		if list, err := parts(b); err == nil {
			assert.Equal(t, b, dbKey(space(b[0]), list...))
			assert.Equal(t, list[len(list)-1], lastPart(b))
		}
		if n, err := parseOrdered(string(b)); err == nil {
			assert.Equal(t, string(b), ordered(n))
		}
		_, _ = decodeOutbox(b, b) // must not panic
		var digest TokenDigest
		if digest.UnmarshalText(b) == nil {
			text, err := digest.MarshalText()
			require.NoError(t, err)
			assert.Equal(t, b, text)
		}
	})
}

func TestRecordOfAnotherProgramIsRefused(t *testing.T) {
	value, err := encodeRecord(testAlias("alias/a", "k"))
	require.NoError(t, err)
	for name, wrong := range map[string][]byte{
		"empty":          {},
		"other version":  append([]byte{2}, value[1:]...),
		"unknown member": append([]byte{recordVersion}, `{"account":"1","new":1}`...),
		"wrong type":     append([]byte{recordVersion}, `{"account":1}`...),
		"bytes behind":   append(value, '1'),
		"cut":            value[:len(value)-1],
		"not even JSON":  {recordVersion, 'x'},
		"a list":         {recordVersion, '[', ']'},
		"two at the end": append(value, value[1:]...),
	} {
		_, err := decodeEntry[Alias](nil, wrong)
		assert.ErrorIs(t, err, ErrCorrupt, name)
	}
}
