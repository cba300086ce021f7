package envelope

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHeaderIsReadAsItWasWritten(t *testing.T) {
	for name, h := range map[string]Header{
		"a single-Region key":  header,
		"a multi-Region key":   {"000000000000", "mrk-1234abcd12ab34cd56ef1234567890ab", strings.Repeat("0", 64)},
		"the shortest key id":  {"999999999999", "k", strings.Repeat("f", 64)},
		"the longest key id":   {"999999999999", strings.Repeat("Z", 64), strings.Repeat("f", 64)},
		"a key id of digits":   {"999999999999", "0", strings.Repeat("f", 64)},
		"a key id of a hyphen": {"999999999999", "-", strings.Repeat("f", 64)},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := h.encode()
			require.NoError(t, err)
			got, n, err := split(append(b, "ciphertext"...))
			require.NoError(t, err)
			assert.Equal(t, h, got)
			assert.Equal(t, len(b), n)
		})
	}
}

func TestHeaderThatIsNotWellFormedIsNotSealed(t *testing.T) {
	id := header.MaterialID
	for name, h := range map[string]Header{
		"nothing":                   {},
		"no account":                {"", header.KeyID, id},
		"a short account":           {"11112222333", header.KeyID, id},
		"a long account":            {"1111222233334", header.KeyID, id},
		"letters in the account":    {"11112222333a", header.KeyID, id},
		"other digits":              {"1111222233٣", header.KeyID, id},
		"no key id":                 {header.Account, "", id},
		"a long key id":             {header.Account, strings.Repeat("k", 65), id},
		"a key ARN":                 {header.Account, "arn:aws:kms:eu-west-1:111122223333:key/1234", id},
		"other letters":             {header.Account, "schlüssel", id},
		"a zero byte":               {header.Account, "k\x00", id},
		"no material id":            {header.Account, header.KeyID, ""},
		"a short material id":       {header.Account, header.KeyID, id[:62]},
		"half a byte":               {header.Account, header.KeyID, id[:63]},
		"a long material id":        {header.Account, header.KeyID, id + "ab"},
		"an upper-case material id": {header.Account, header.KeyID, strings.ToUpper(id)},
		"other than hexadecimal":    {header.Account, header.KeyID, id[:62] + "xy"},
	} {
		t.Run(name, func(t *testing.T) {
			blob, err := Seal(t.Context(), newCipher(t, nil), h, nil, []byte("plaintext"))
			require.Error(t, err)
			require.NotErrorIs(t, err, ErrOpen)
			assert.Nil(t, blob)
		})
	}
}

func TestOtherFormatsAreNotParsed(t *testing.T) { // SYM-09
	long := strings.Repeat("\x00", 200)
	for name, blob := range map[string]string{
		"nothing":                  "",
		"zeros":                    long,
		"an AWS KMS blob":          "\x01\x02\x02\x00\x78" + long,
		"an Encryption SDK header": "\x02\x05\x78" + long,
		"an old one":               "\x01\x80\x03\x78" + long,
		"an age file":              "age-encryption.org/v1\n" + long,
		"JSON":                     `{"ciphertext":"` + long,
		"a later version":          "krv\x02\x01111122223333\x01k" + long,
		"another algorithm":        "krv\x01\x02111122223333\x01k" + long,
		"no algorithm":             "krv\x01\x00111122223333\x01k" + long,
		"no key id":                "krv\x01\x01111122223333\x00" + long,
		"a key id past the end":    "krv\x01\x01111122223333\xff" + strings.Repeat("k", 200),
		"a key id of 65 letters":   "krv\x01\x01111122223333\x41" + strings.Repeat("k", 200),
		"only a magic":             "krv\x01",
	} {
		_, err := Parse([]byte(blob))
		assert.Equal(t, ErrOpen, err, name)
	}
}

func FuzzParse(f *testing.F) {
	b, err := header.encode()
	require.NoError(f, err)
	f.Add(b)
	f.Add(append(b, make([]byte, 100)...))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, blob []byte) {
		h, n, err := split(blob)
		if err != nil {
			require.Equal(t, ErrOpen, err)
			require.Zero(t, h)
			return
		}
		again, err := h.encode()
		require.NoError(t, err, "what was read can be written")
		require.Equal(t, hex.EncodeToString(blob[:n]), hex.EncodeToString(again), "a header has one encoding")
	})
}

func FuzzOpen(f *testing.F) {
	c := newCipher(f, counted())
	good := seals(f, c, header, nil, "plaintext")
	f.Add(good)
	f.Add(good[:86])
	f.Fuzz(func(t *testing.T, blob []byte) {
		opened, err := Open(t.Context(), c, blob, nil)
		if string(blob) == string(good) {
			require.NoError(t, err)
			return
		}
		require.Equal(t, ErrOpen, err)
		require.Nil(t, opened.Expose())
	})
}
