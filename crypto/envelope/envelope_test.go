package envelope

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/material/materialtest"
	"github.com/keyreeve/keyreeve/crypto/material/software"
	"github.com/keyreeve/keyreeve/crypto/seal"
)

var header = Header{
	Account:    "111122223333",
	KeyID:      "1234abcd-12ab-34cd-56ef-1234567890ab",
	MaterialID: strings.Repeat("ab", 32),
}

// newCipher makes material whose bytes, and then whose salts and nonces, come
// from rand.
func newCipher(t testing.TB, rand io.Reader) material.Cipher {
	t.Helper()
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), crand.Reader)
	require.NoError(t, err)
	p, err := software.New(software.Config{Root: root, Rand: rand})
	require.NoError(t, err)
	return materialtest.Cipher(t, p, materialtest.Generate(t, p, "material"))
}

// counted is material 00, 01, … 1f, then salt and nonce 80, 81, … ab.
func counted() io.Reader {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return io.MultiReader(bytes.NewReader(b[:32]), bytes.NewReader(b[0x80:0x80+44]))
}

// The known answers were computed once with pyca/cryptography 48, which shares
// no code with Go's library.
func TestBlobsAreWrittenAsDrawn(t *testing.T) {
	const drawnHeader = "6b727601" + "01" + "313131313232323233333333" + "24" +
		"31323334616263642d313261622d333463642d353665662d313233343536373839306162" +
		"abababababababababababababababababababababababababababababababab"
	const drawnRandom = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f" + "a0a1a2a3a4a5a6a7a8a9aaab"
	tests := map[string]struct {
		ec        map[string]string
		plaintext string
		want      string // ciphertext and tag
	}{
		"with a context":            {map[string]string{"dept": "finance", "Straße": "€", "Dept": ""}, "plaintext", "e6563b88517216e008" + "5be2544edf9e7f0bb393f907e3b4d646"},
		"of nothing, in no context": {nil, "", "496045843350693d9daac21701e89081"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			blob, err := Seal(t.Context(), newCipher(t, counted()), header, tt.ec, []byte(tt.plaintext))
			require.NoError(t, err)
			assert.Equal(t, drawnHeader+drawnRandom+tt.want, hex.EncodeToString(blob))

			parsed, err := Parse(blob)
			require.NoError(t, err)
			assert.Equal(t, header, parsed)
			opened, err := Open(t.Context(), newCipher(t, counted()), blob, tt.ec)
			require.NoError(t, err)
			assert.Equal(t, tt.plaintext, string(opened.Expose()))
		})
	}
}

func seals(t testing.TB, c material.Cipher, h Header, ec map[string]string, plaintext string) []byte {
	t.Helper()
	blob, err := Seal(t.Context(), c, h, ec, []byte(plaintext))
	require.NoError(t, err)
	return blob
}

func refused(t testing.TB, c material.Cipher, blob []byte, ec map[string]string, what ...any) {
	t.Helper()
	opened, err := Open(t.Context(), c, blob, ec)
	require.Equal(t, ErrOpen, err, what...)
	require.Nil(t, opened.Expose(), what...)
}

func TestDamagedBlobsDoNotOpen(t *testing.T) {
	c := newCipher(t, nil)
	for _, plaintext := range []string{"", "plaintext"} {
		blob := seals(t, c, header, map[string]string{"a": "b"}, plaintext)
		for i := range blob {
			for bit := range 8 {
				changed := bytes.Clone(blob)
				changed[i] ^= 1 << bit
				refused(t, c, changed, map[string]string{"a": "b"}, "byte %d, bit %d", i, bit)
			}
			refused(t, c, blob[:i], map[string]string{"a": "b"}, "first %d bytes", i)
			refused(t, c, blob[i+1:], map[string]string{"a": "b"}, "without the first %d bytes", i+1)
			for _, value := range []byte{0, blob[i]} {
				longer := append(append(bytes.Clone(blob[:i]), value), blob[i:]...)
				refused(t, c, longer, map[string]string{"a": "b"}, "with a byte %#x before byte %d", value, i)
			}
		}
		refused(t, c, append(bytes.Clone(blob), 0), map[string]string{"a": "b"}, "with a byte after the end")
		refused(t, c, append(bytes.Clone(blob), blob...), map[string]string{"a": "b"}, "twice")
		refused(t, c, nil, map[string]string{"a": "b"}, "nothing")
	}
}

func TestBlobOfOneKeyNeverOpensUnderAnother(t *testing.T) {
	a, b := newCipher(t, nil), newCipher(t, nil)
	blob := seals(t, a, header, nil, "plaintext")
	refused(t, b, blob, nil, "other material")

	// The same material under another header: an imported key made anew, or
	// the key of another account (SYM-08).
	ciphertext := blob[len(blob)-len("plaintext")-seal.Overhead:]
	for name, other := range map[string]Header{
		"another account":     {"111122223334", header.KeyID, header.MaterialID},
		"another key":         {header.Account, "1234abcd-12ab-34cd-56ef-1234567890ac", header.MaterialID},
		"a shorter key id":    {header.Account, "1234abcd", header.MaterialID},
		"another material id": {header.Account, header.KeyID, strings.Repeat("ac", 32)},
	} {
		forged, err := other.encode()
		require.NoError(t, err)
		refused(t, a, append(forged, ciphertext...), nil, name)
	}
	same, err := header.encode()
	require.NoError(t, err)
	_, err = Open(t.Context(), a, append(same, ciphertext...), nil)
	require.NoError(t, err, "the forgeries above differ in the header only")
}

func TestRelatedMultiRegionKeysOpenEachOthersBlobs(t *testing.T) {
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), crand.Reader)
	require.NoError(t, err)
	primary, err := software.New(software.Config{Root: root})
	require.NoError(t, err)
	replica, err := software.New(software.Config{Root: root})
	require.NoError(t, err)
	ref := materialtest.Generate(t, primary, "material")

	h := Header{header.Account, "mrk-1234abcd12ab34cd56ef1234567890ab", header.MaterialID}
	blob := seals(t, materialtest.Cipher(t, primary, ref), h, nil, "plaintext")
	opened, err := Open(t.Context(), materialtest.Cipher(t, replica, ref), blob, nil)
	require.NoError(t, err)
	assert.Equal(t, "plaintext", string(opened.Expose()))
}

func TestEncryptionContextIsExact(t *testing.T) {
	type ec = map[string]string
	tests := map[string]struct {
		sealed, opened ec
		opens          bool
	}{
		"absent is absent":                   {nil, nil, true},
		"absent is empty":                    {nil, ec{}, true},
		"empty is absent":                    {ec{}, nil, true},
		"same pairs":                         {ec{"a": "1", "b": "2"}, ec{"b": "2", "a": "1"}, true},
		"name in other case":                 {ec{"Dept": "x"}, ec{"dept": "x"}, false},
		"value in other case":                {ec{"dept": "X"}, ec{"dept": "x"}, false},
		"one pair less":                      {ec{"a": "1", "b": "2"}, ec{"a": "1"}, false},
		"one pair more":                      {ec{"a": "1"}, ec{"a": "1", "b": "2"}, false},
		"none for some":                      {ec{"a": "1"}, nil, false},
		"some for none":                      {nil, ec{"a": "1"}, false},
		"empty pair for none":                {nil, ec{"": ""}, false},
		"empty value":                        {ec{"a": ""}, ec{"a": ""}, true},
		"empty value for some":               {ec{"a": "1"}, ec{"a": ""}, false},
		"name and value exchanged":           {ec{"a": "b"}, ec{"b": "a"}, false},
		"values exchanged":                   {ec{"a": "1", "b": "2"}, ec{"a": "2", "b": "1"}, false},
		"border of name and value moved":     {ec{"ab": "c"}, ec{"a": "bc"}, false},
		"border of pairs moved":              {ec{"a": "1b2"}, ec{"a": "1", "b": "2"}, false},
		"trailing space":                     {ec{"a": "1"}, ec{"a": "1 "}, false},
		"zero byte":                          {ec{"a": "1"}, ec{"a": "1\x00"}, false},
		"Unicode":                            {ec{"Straße": "€"}, ec{"Straße": "€"}, true},
		"composed and decomposed characters": {ec{"a": "\u00e9"}, ec{"a": "e\u0301"}, false},
	}
	c := newCipher(t, nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			blob := seals(t, c, header, tt.sealed, "plaintext")
			if !tt.opens {
				refused(t, c, blob, tt.opened)
				return
			}
			opened, err := Open(t.Context(), c, blob, tt.opened)
			require.NoError(t, err)
			assert.Equal(t, "plaintext", string(opened.Expose()))
		})
	}
}

func TestBlobsStayWithinTheirLimit(t *testing.T) { // SYM-02, SYM-03, XK-013
	c := newCipher(t, nil)
	h := header
	h.KeyID = strings.Repeat("k", maxKeyID)
	plaintext := strings.Repeat("p", 4096)
	blob := seals(t, c, h, map[string]string{"name": strings.Repeat("v", 10_000)}, plaintext)
	assert.Less(t, len(blob)-len(plaintext), 204, "overhead, also within what an external key store leaves")
	opened, err := Open(t.Context(), c, blob, map[string]string{"name": strings.Repeat("v", 10_000)})
	require.NoError(t, err)
	assert.Equal(t, plaintext, string(opened.Expose()))

	overhead := len(blob) - len(plaintext)
	largest := seals(t, c, h, nil, strings.Repeat("p", MaxBlob-overhead))
	assert.Len(t, largest, MaxBlob)
	_, err = Open(t.Context(), c, largest, nil)
	require.NoError(t, err)
	for _, n := range []int{MaxBlob - overhead + 1, MaxBlob, 1 << 20} {
		_, err = Seal(t.Context(), c, h, nil, make([]byte, n))
		require.Error(t, err, "%d bytes", n)
		require.NotErrorIs(t, err, ErrOpen)
	}

	refused(t, c, append(largest, 0), nil)
	_, err = Parse(append(largest, 0))
	assert.Equal(t, ErrOpen, err)
}

func TestAssociatedDataStaysShort(t *testing.T) { // XK-013
	ec := map[string]string{}
	for i := range 1000 {
		ec[fmt.Sprint(i)] = strings.Repeat("v", 100)
	}
	assert.Len(t, associatedData(make([]byte, 86), ec), 86+32)
}

func TestProviderThatCannotBeAskedIsNotABadBlob(t *testing.T) {
	c := newCipher(t, nil)
	blob := seals(t, c, header, nil, "plaintext")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, c, blob, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, ErrOpen)
	_, err = Seal(ctx, c, header, nil, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// decode reads what canonical wrote, which shows that no two contexts are
// written alike.
func decode(t testing.TB, b []byte) map[string]string {
	t.Helper()
	number := func() int {
		require.GreaterOrEqual(t, len(b), 4)
		n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		b = b[4:]
		return n
	}
	text := func() string {
		n := number()
		require.GreaterOrEqual(t, len(b), n)
		s := string(b[:n])
		b = b[n:]
		return s
	}
	n := number()
	ec, last := map[string]string{}, ""
	for i := range n {
		name := text()
		require.True(t, i == 0 || name > last, "names are sorted")
		ec[name], last = text(), name
	}
	require.Empty(t, b)
	return ec
}

func FuzzCanonicalContext(f *testing.F) {
	f.Add("a", "1", "b", "2")
	f.Add("", "", "a\x00", "\xff")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		ec := map[string]string{n1: v1, n2: v2}
		require.True(t, maps.Equal(ec, decode(t, canonical(ec))))
	})
}

func TestCanonicalContextIsWrittenAsDrawn(t *testing.T) {
	assert.Equal(t, "00000000", hex.EncodeToString(canonical(nil)))
	assert.Equal(t,
		"00000003"+"00000004"+"44657074"+"00000000"+ // "Dept" before "dept": byte order
			"00000007"+"53747261c39f65"+"00000003"+"e282ac"+
			"00000004"+"64657074"+"00000007"+"66696e616e6365",
		hex.EncodeToString(canonical(map[string]string{"dept": "finance", "Straße": "€", "Dept": ""})))
}
