package wire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryOperationIsComplete(t *testing.T) {
	ops := Operations()
	require.Len(t, ops, 54)
	require.Len(t, messages, 54)
	for _, op := range ops {
		message, ok := messages[op.Name]
		require.True(t, ok, op.Name)
		in, out := message.input(), message.output()
		assert.Equal(t, "*wire."+op.Name+"Input", reflect.TypeOf(in).String())
		matches(t, model().shapes[op.Input], reflect.TypeOf(in).Elem())
		if op.Output != "" {
			matches(t, model().shapes[op.Output], reflect.TypeOf(out).Elem())
		}
		body, err := Encode(out)
		require.NoError(t, err)
		assert.Equal(t, op.Output == "", len(body) == 0, op.Name)
		assert.NotEmpty(t, op.Errors, op.Name)
		for _, c := range op.Errors {
			assert.Contains(t, Codes(), c, op.Name)
		}
		found, ok := Lookup(op.Name)
		assert.True(t, ok)
		assert.Equal(t, op, found)
	}
	_, ok := Lookup("Nothing")
	require.False(t, ok)
}

// matches checks that a Go struct has the members of a shape, each of a type
// that can be absent if and only if the member may be.
func matches(t *testing.T, s *shape, got reflect.Type) {
	t.Helper()
	require.Equal(t, reflect.Struct, got.Kind(), s.Name)
	require.Equal(t, len(s.Members), got.NumField(), s.Name)
	for i := range got.NumField() {
		f := got.Field(i)
		m, ok := s.Members[f.Name]
		require.True(t, ok, "%s.%s", s.Name, f.Name)
		target := model().shapes[m.Shape]
		optional := !slices.Contains(s.Required, f.Name)
		switch target.Type {
		case "list":
			require.Equal(t, reflect.Slice, f.Type.Kind())
			if e := model().shapes[target.Member.Shape]; e.Type == "structure" {
				matches(t, e, f.Type.Elem())
			}
		case "map":
			require.Equal(t, reflect.TypeFor[map[string]string](), f.Type)
		case "blob":
			require.Equal(t, reflect.TypeFor[[]byte](), f.Type)
		default:
			require.Equal(t, optional, f.Type.Kind() == reflect.Pointer, "%s.%s", s.Name, f.Name)
			if target.Type == "structure" {
				e := f.Type
				if optional {
					e = e.Elem()
				}
				matches(t, target, e)
			}
		}
		if target.Sensitive {
			assert.Equal(t, "secret", f.Tag.Get("wire"), "%s.%s", s.Name, f.Name)
		}
	}
}

func TestEveryErrorShapeHasItsCodeAndStatus(t *testing.T) {
	var raw struct {
		Shapes map[string]struct{ Exception, Fault bool }
	}
	require.NoError(t, json.Unmarshal(modelText, &raw))
	count := 0
	for name, s := range raw.Shapes {
		if !s.Exception {
			continue
		}
		count++
		want := 400
		if s.Fault {
			want = 500
		}
		assert.Equal(t, want, (&Error{Code: Code(name)}).Status(), name)
		assert.Contains(t, Codes(), Code(name))
	}
	require.Equal(t, 48, count)
	require.Equal(t, count+len(common), len(Codes()), "no code is in both tables")
}

func TestModelHasNoProse(t *testing.T) {
	require.NotContains(t, string(modelText), "documentation")
	require.NotContains(t, string(modelText), "<p>")
	require.NotContains(t, string(modelText), "deprecatedMessage")
	require.Contains(t, string(modelText), "AWS KMS API model 2014-11-01, as shipped in botocore 1.43.11, Apache-2.0")
}

func TestPatternsMeanWhatTheyMeanInJava(t *testing.T) {
	rows := []struct {
		shape, value string
		want         bool
	}{
		{"AliasNameType", "alias/a_b-c:d", true},
		{"AliasNameType", "alias/a\n", false},
		{"AccountIdType", "111122223333", true},
		{"AccountIdType", "x111122223333", false},
		{"PolicyType", "{\t\r\n ÿ}", true},
		{"PolicyType", "{Ā}", false},
		{"PolicyType", "\x00", false},
		{"MarkerType", "", true},
		{"MarkerType", "\t", false},
		{"KeyMaterialDescriptionType", "a\vb\tc", true},
		{"KeyMaterialDescriptionType", "a;b", false},
		{"PolicyNameType", "default_1", true},
		{"PolicyNameType", "défaut", false},
		{"XksProxyUriPathType", "/pre/kms/xks/v1", true},
		{"XksProxyUriPathType", "/kms/xks/v12", true},
		{"XksProxyUriPathType", "/kms/xks/v1/", false},
		{"XksKeyIdType", "a-b_c.d", true},
		{"XksKeyIdType", "a/b", false},
		{"RegionType", "us-gov-west-1", true},
		{"RegionType", "us", false},
		{"PrincipalIdType", "arn:aws:iam::111122223333:user/a@b=c,d.e+f", true},
		{"PrincipalIdType", "*", false},
	}
	for _, r := range rows {
		assert.Equal(t, r.want, model().shapes[r.shape].pattern.MatchString(r.value), "%s %q", r.shape, r.value)
	}
	for _, s := range model().shapes {
		if s.Pattern != "" {
			require.NotNil(t, s.pattern, s.Name)
		}
	}
}

func TestBrokenModelIsRefused(t *testing.T) {
	_, err := compile([]byte("{"))
	require.ErrorContains(t, err, "reading: ")
	_, err = compile([]byte(`{"shapes":{"X":{"type":"string","pattern":"("}}}`))
	require.ErrorContains(t, err, "pattern of X: ")
}

func TestConstraintsAreOfKindsThatAreChecked(t *testing.T) {
	for _, s := range model().shapes {
		switch s.Type {
		case "string", "blob", "integer", "list", "map":
		default:
			assert.Nil(t, s.Min, s.Name)
			assert.Nil(t, s.Max, s.Name)
		}
		if s.Type != "string" {
			assert.Empty(t, s.Pattern, s.Name)
			assert.Empty(t, s.Enum, s.Name)
		}
	}
	for op, members := range narrowed {
		o, ok := Lookup(op)
		require.True(t, ok, op)
		for m, limit := range members {
			assert.Less(t, limit, *model().shapes[model().shapes[o.Input].Members[m].Shape].Max, op+"."+m)
		}
	}
	for name := range unechoed {
		require.Contains(t, model().shapes, name)
	}
}

func TestGeneratedFilesStayShort(t *testing.T) {
	files, err := filepath.Glob("*.gen.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	header := regexp.MustCompile(`^// Code generated .* DO NOT EDIT\.\n`)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		assert.LessOrEqual(t, strings.Count(string(b), "\n"), 400, f)
		assert.Regexp(t, header, string(b), f)
	}
}
