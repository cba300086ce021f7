package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// standard is a record as its tags have it.
func standard(t *testing.T, e Event) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(e))
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// setAll sets all that v holds to something.
func setAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("<\"x\u2028>")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setAll(v.Elem())
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"a":[1]}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		setAll(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			setAll(v.Field(i))
		}
	}
}

func TestRecordsAreWrittenAsTheirTagsHaveIt(t *testing.T) {
	var full Event
	setAll(reflect.ValueOf(&full).Elem())
	for name, e := range map[string]Event{"of nothing": {}, "without resources": {Resources: []Resource{}}, "of all": full} {
		line, err := e.JSON()
		require.NoError(t, err)
		assert.Equal(t, standard(t, e), string(line), name)
	}
	for i := range reflect.TypeFor[Event]().NumField() {
		one := Event{}
		setAll(reflect.ValueOf(&one).Elem().Field(i))
		line, err := one.JSON()
		require.NoError(t, err)
		assert.Equal(t, standard(t, one), string(line), reflect.TypeFor[Event]().Field(i).Name)
	}
}

func TestARecordThatIsNoJSONIsAnError(t *testing.T) {
	_, err := Event{AdditionalEventData: &Additional{Authorization: json.RawMessage("{")}}.JSON()
	assert.Error(t, err)
}
