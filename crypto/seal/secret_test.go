package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forms are the ways in which careless code would show bytes.
func forms(b []byte) []string {
	return []string{
		string(b),
		fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% x", b), fmt.Sprintf("%q", b),
		fmt.Sprintf("%v", b), fmt.Sprintf("%#v", b), fmt.Sprintf("%o", b), fmt.Sprintf("%b", b), fmt.Sprintf("%U", b),
	}
}

// printed shows v in every way that a program prints or logs a value.
func printed(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{"Sprint": fmt.Sprint(v), "Sprintln": fmt.Sprintln(v)}
	for _, verb := range "vsqxXdobcUtTeEfFgGpw" {
		for _, flags := range []string{"", "+", "#", " ", "0", "-40.20"} {
			format := "%" + flags + string(verb)
			out[format] = fmt.Sprintf(format, v)
		}
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("m", "v", v, slog.Group("g", "v", v))
		out[name] = b.String()
	}
	text, err := json.Marshal(v)
	require.NoError(t, err)
	out["json"] = string(text)
	return out
}

func TestSecretNeverPrints(t *testing.T) {
	raw := []byte("hunter2-hunter2-hunter2-hunter2!")
	s := NewSecret(bytes.Clone(raw))
	type exported struct{ S Secret }
	type unexported struct{ s Secret }
	key, err := NewKey(s, "label", bytes.NewReader(nil))
	require.NoError(t, err)
	root, err := newRootKey(s, nil)
	require.NoError(t, err)

	for name, v := range map[string]any{
		"itself":              s,
		"by pointer":          &s,
		"in a struct":         exported{s},
		"in a struct pointer": &exported{s},
		"unexported":          unexported{s},
		"unexported, pointer": &unexported{s},
		"in a slice":          []Secret{s},
		"in a map":            map[string]Secret{"k": s},
		"in an interface":     []any{s, unexported{s}},
		"in an error":         fmt.Errorf("with %v", s).Error(),
		"in a key":            key,
		"in a key's value":    *key,
		"in a root key":       root,
		"in a root key value": *root,
	} {
		t.Run(name, func(t *testing.T) {
			for how, text := range printed(t, v) {
				for _, form := range forms(raw) {
					assert.NotContains(t, text, form, how)
					assert.NotContains(t, text, form[1:len(form)-1], how)
				}
			}
		})
	}
}

func TestSecretPrintsAsSecret(t *testing.T) {
	s := NewSecret([]byte("x"))
	assert.Equal(t, "secret", s.String())
	assert.Equal(t, "secret", s.GoString())
	assert.Equal(t, "secret secret secret secret", fmt.Sprintf("%v %s %x %#v", s, s, s, s))
	assert.Equal(t, "secret", s.LogValue().String())
	text, err := json.Marshal(map[string]Secret{"s": s})
	require.NoError(t, err)
	assert.JSONEq(t, `{"s":"secret"}`, string(text))
}

func TestSecretsCompareByContent(t *testing.T) {
	a := NewSecret([]byte("abc"))
	assert.True(t, a.Equal(NewSecret([]byte("abc"))))
	assert.False(t, a.Equal(NewSecret([]byte("abd"))))
	assert.False(t, a.Equal(NewSecret([]byte("ab"))))
	assert.False(t, a.Equal(Secret{}))
	assert.True(t, Secret{}.Equal(NewSecret(nil)))
	assert.Equal(t, []byte("abc"), a.Expose())
	assert.Nil(t, Secret{}.Expose())
}

func TestRootKeyPrintsItsID(t *testing.T) {
	root, err := newRootKey(NewSecret(counting(0, SecretSize)), nil)
	require.NoError(t, err)
	assert.Equal(t, "root key 0cbc58faf2659068", fmt.Sprint(root))
	assert.Equal(t, "root key 0cbc58faf2659068", fmt.Sprintf("%#v", root))
	assert.Equal(t, "root key 0cbc58faf2659068", root.LogValue().String())
}
