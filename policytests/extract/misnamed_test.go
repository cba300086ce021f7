package extract_test

import (
	"encoding/binary"
	"os"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/extract"
)

// inDirectory is what is found in a directory that holds one file.
func inDirectory(t *testing.T, name string, text []byte) []string {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile(name, text, 0o600))
	return summary(read(t, ".", extract.Options{}))
}

func TestDocumentsMeantAsPoliciesAreFoundInDirectories(t *testing.T) {
	const (
		statement = `{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}`
		bucket    = `{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}`
	)
	for name, row := range map[string]struct {
		file, text string
		want       []string
	}{
		"a slip of Statement":                 {text: `{"Version": "2012-10-17", "Statemen": [` + statement + `]}`, want: []string{"1 key"}},
		"several of Statement":                {text: `{"Version": "2012-10-17", "Statements": [` + statement + `]}`, want: []string{"1 key"}},
		"all names in lower case":             {text: `{"statement": {"effect": "Allow", "principal": "*", "action": "kms:*"}}`, want: []string{"1 key"}},
		"a statement by itself, with Version": {text: `{"Version": "2012-10-17", "Effect": "Deny", "Action": "kms:*"}`, want: []string{"1 identity"}},
		"statements under another name":       {text: `{"Id": "key", "Rules": [` + statement + `]}`, want: []string{"1 key"}},
		"YAML":                                {file: "p.yaml", text: "Version: 2012-10-17\nStatemens:\n- {Effect: Allow, Principal: '*', Action: 'kms:*'}\n", want: []string{"1 key"}},
		"YAML of a known kind":                {file: "p.vpce.yaml", text: "Statemen: [{Effect: Allow, Principal: '*', Action: 'kms:*'}]\n", want: []string{"1 endpoint"}},
		"another service's policy":            {text: `{"Version": "2012-10-17", "Statemen": [` + bucket + `]}`},
		"a package":                           {text: `{"name": "x", "version": "1.0.0", "Version": "1", "scripts": {"action": "build"}}`},
		"a query":                             {text: `{"statement": "SELECT 1", "Version": 1}`},
		"a setting called Effect":             {text: `{"Version": 1, "Effect": "blur", "Action": "fade"}`},
		"a policy within something else":      {text: `{"Id": "x", "a": {"Statement": [` + statement + `]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			if row.file == "" {
				row.file = "p.json"
			}
			assert.Equal(t, row.want, inDirectory(t, row.file, []byte(row.text)))
		})
	}
}

func TestOtherEncodingsAreNamed(t *testing.T) {
	wide := func(order binary.ByteOrder, mark bool, text string) []byte {
		units := utf16.Encode([]rune(text))
		if mark {
			units = append([]uint16{0xfeff}, units...)
		}
		var all []byte
		for _, u := range units {
			all = append(all, 0, 0)
			order.PutUint16(all[len(all)-2:], u)
		}
		return all
	}
	const text = `{"Statement": []}`
	for name, row := range map[string]struct {
		text []byte
		want []string
	}{
		"UTF-16, little end first": {wide(binary.LittleEndian, true, text), []string{"! p.json:1:1: this is UTF-16, and policies are UTF-8: save it as that"}},
		"UTF-16 without a mark":    {wide(binary.BigEndian, false, text), []string{"! p.json:1:1: this is UTF-16, and policies are UTF-8: save it as that"}},
		"UTF-32":                   {append([]byte{0xff, 0xfe, 0, 0}, '{', 0, 0, 0), nil},
		"UTF-16 that is no policy": {wide(binary.LittleEndian, true, `{"a": 1}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, row.want, inDirectory(t, "p.json", row.text))
		})
	}
	assert.Equal(t, []string{"! p.key.json:1:1: this is UTF-16, and policies are UTF-8: save it as that"},
		inDirectory(t, "p.key.json", wide(binary.LittleEndian, true, "{}")))
}
