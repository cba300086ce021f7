package schema_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/engine/world/schema"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.World))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("world.json", document))
	s, err := c.Compile("world.json")
	require.NoError(t, err)
	return s
}

// read is a YAML text as a validator wants it; what YAML takes for a time is
// the text that it is.
func read(t *testing.T, text []byte) any {
	t.Helper()
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &n))
	return valueOf(t, &n)
}

func valueOf(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.DocumentNode:
		return valueOf(t, n.Content[0])
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = valueOf(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		all := []any{}
		for _, c := range n.Content {
			all = append(all, valueOf(t, c))
		}
		return all
	}
	if n.Tag == "!!timestamp" {
		return n.Value
	}
	var v any
	require.NoError(t, n.Decode(&v))
	return v
}

func describes(name string) bool {
	name = filepath.Base(name)
	if strings.Contains(name, ".cases.") || strings.HasPrefix(name, ".") {
		return false
	}
	return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name)) || name == "world.json" || strings.HasSuffix(name, ".world.json")
}

// TestWorldsOfTheRepository holds the schema to every world that loads.
func TestWorldsOfTheRepository(t *testing.T) {
	s := compiled(t)
	seen := 0
	look := func(path string, fsys fs.FS) {
		if _, err := world.LoadFS(fsys, nil); err != nil {
			return
		}
		err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case d.IsDir() || !describes(name):
				return nil
			}
			text, err := fs.ReadFile(fsys, name)
			seen++
			assert.NoError(t, s.Validate(read(t, text)), "%s %s", path, name)
			return err
		})
		assert.NoError(t, err, path)
	}
	err := filepath.WalkDir(filepath.Join("..", "..", ".."), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case filepath.Base(name) == "world.yaml":
			look(name, os.DirFS(filepath.Dir(name)))
		case filepath.Ext(name) == ".txtar" && !strings.Contains(name, "script"):
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			if fsys, err := txtar.FS(archive); err == nil {
				look(name, fsys)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, seen, 20)
}

// places are worlds with a field that nobody knows, and the definition that
// should list those that are known.
var places = map[string]string{
	"":              "zzz: 1",
	"account":       "accounts: {\"111122223333\": {zzz: 1}}",
	"user":          "accounts: {\"111122223333\": {users: {a: {zzz: 1}}}}",
	"group":         "accounts: {\"111122223333\": {groups: {a: {zzz: 1}}}}",
	"role":          "accounts: {\"111122223333\": {roles: {a: {zzz: 1}}}}",
	"federatedUser": "accounts: {\"111122223333\": {federated-users: {abc: {zzz: 1}}}}",
	"webIdentity":   "accounts: {\"111122223333\": {web-identities: {abc: {zzz: 1}}}}",
	"key":           "accounts: {\"111122223333\": {keys: {a: {zzz: 1}}}}",
	"grant":         "accounts: {\"111122223333\": {keys: {a: {grants: {b: {zzz: 1}}}}}}",
	"organization":  "organization: {zzz: 1}",
	"unit":          "organization: {id: o-exampleorg, management-account: \"777788889999\", root: {zzz: 1}}",
	"endpoint":      "endpoints: {vpce-0123456789abcdef0: {zzz: 1}}",
	"service":       "services: {s3.amazonaws.com: {zzz: 1}}",
	"settings":      "settings: {zzz: 1}",
}

var (
	known   = regexp.MustCompile(`known here: ([a-z, -]+)`)
	lacking = regexp.MustCompile(`lacks the fields? ([a-z, -]+)`)
)

func TestFieldsAreThoseOfTheLoader(t *testing.T) {
	type definition struct {
		Properties map[string]any        `json:"properties"`
		Required   []string              `json:"required"`
		Defs       map[string]definition `json:"$defs"`
	}
	var top definition
	require.NoError(t, json.Unmarshal(schema.World, &top))
	s := compiled(t)
	for name, text := range places {
		_, err := world.LoadFS(fstest.MapFS{"world.yaml": {Data: []byte(text)}}, nil)
		require.Error(t, err)
		told := known.FindStringSubmatch(err.Error())
		require.NotEmpty(t, told, "%s: %v", name, err)
		have := top
		if name != "" {
			have = top.Defs[name]
		}
		for _, field := range strings.Split(told[1], ", ") {
			assert.Contains(t, have.Properties, field, "%s", name)
		}
		var required []string
		for _, m := range lacking.FindAllStringSubmatch(err.Error(), -1) {
			required = append(required, strings.Split(m[1], ", ")...)
		}
		if name != "" {
			assert.ElementsMatch(t, required, have.Required, "%s: %v", name, err)
		}
		assert.Len(t, have.Properties, len(strings.Split(told[1], ", ")), "%s", name)
		assert.Error(t, s.Validate(read(t, []byte(text))), "%s", name)
	}
}

func TestWrongWorldsAreRefused(t *testing.T) {
	s := compiled(t)
	for what, text := range map[string]string{
		"a list":                        "[]",
		"an account of eleven digits":   "accounts: {\"11112222333\": {}}",
		"a role without trust":          "accounts: {\"111122223333\": {roles: {a: {path: /}}}}",
		"an unknown state":              "accounts: {\"111122223333\": {keys: {a: {state: Gone}}}}",
		"a policy without statement":    "accounts: {\"111122223333\": {keys: {a: {policy: {Version: x}}}}}",
		"an alias of another form":      "accounts: {\"111122223333\": {keys: {a: {aliases: [pay]}}}}",
		"tags as a list":                "accounts: {\"111122223333\": {keys: {a: {tags: [b]}}}}",
		"a grant for nobody":            "accounts: {\"111122223333\": {keys: {a: {grants: {b: {operations: [Decrypt]}}}}}}",
		"a version that does not exist": "version: 2",
	} {
		assert.Error(t, s.Validate(read(t, []byte(text))), what)
	}
}
