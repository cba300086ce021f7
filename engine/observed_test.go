package engine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
)

// TestMain listens to what all tests ask and are answered, and fails if the
// model has anything that none of them met and no table explains.
func TestMain(m *testing.M) {
	o := newObserver(http.DefaultTransport)
	http.DefaultTransport = o
	code := m.Run()
	if missed := o.missed(); code == 0 && everythingRan() && len(missed) > 0 {
		fmt.Fprintf(os.Stderr, "the tests together do not meet the whole model (whole_test.go):\n  %s\n", strings.Join(missed, "\n  "))
		code = 1
	}
	os.Exit(code)
}

// everythingRan is false if only some tests were asked for.
func everythingRan() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}

// A model is that of the API, as far as an observer needs it.
type model struct {
	Operations map[string]struct {
		Input, Output struct{ Shape string }
		Errors        []struct{ Shape string }
	}
	Shapes map[string]modelShape
}

type modelShape struct {
	Type    string
	Enum    []string
	Members map[string]struct{ Shape string }
	Member  struct{ Shape string }
	Value   struct{ Shape string }
}

func readModel() (m model) {
	text, err := os.ReadFile("wire/model.json")
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		panic(err)
	}
	return m
}

// An observer reads along. Safe for concurrent use.
type observer struct {
	base  http.RoundTripper
	model model

	mu      sync.Mutex
	members map[string]bool // "Operation.Member" of what was asked and done, or would have been
	codes   map[string]bool
	told    map[string]bool // "Shape.Member" of answers
	values  map[string]bool // "Shape/VALUE" of what was asked and done, and of answers
}

func newObserver(base http.RoundTripper) *observer {
	return &observer{base: base, model: readModel(), members: map[string]bool{}, codes: map[string]bool{}, told: map[string]bool{}, values: map[string]bool{}}
}

// RoundTrip passes a request on, and its answer back.
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, ofKMS := strings.Cut(r.Header.Get("X-Amz-Target"), "TrentService.")
	if !ofKMS || r.Body == nil {
		return o.base.RoundTrip(r)
	}
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(asked))
	answer, err := o.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(answer.Body)
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	answer.Body = io.NopCloser(bytes.NewReader(said))
	o.note(operation, asked, said, answer.StatusCode)
	return answer, err
}

func (o *observer) note(operation string, asked, said []byte, status int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var in, out map[string]any
	_, _ = json.Unmarshal(asked, &in), json.Unmarshal(said, &out) // what is not JSON shows nothing
	code, _ := out["__type"].(string)
	code = code[strings.IndexByte(code, '#')+1:]
	if status != http.StatusOK {
		o.codes[code] = true
	}
	if status != http.StatusOK && code != "DryRunOperationException" {
		return
	}
	shapes := o.model.Operations[operation]
	for name := range in {
		o.members[operation+"."+name] = true
	}
	o.walk(shapes.Input.Shape, in, map[string]bool{})
	if status == http.StatusOK {
		o.walk(shapes.Output.Shape, out, o.told)
	}
}

// walk notes the members of structures, and the values of enumerations.
func (o *observer) walk(shape string, value any, members map[string]bool) {
	s := o.model.Shapes[shape]
	switch v := value.(type) {
	case string:
		if s.Enum != nil {
			o.values[shape+"/"+v] = true
		}
	case []any:
		for _, element := range v {
			o.walk(s.Member.Shape, element, members)
		}
	case map[string]any:
		for name, member := range v {
			if s.Type == "map" {
				o.walk(s.Value.Shape, member, members)
				continue
			}
			members[shape+"."+name] = true
			o.walk(s.Members[name].Shape, member, members)
		}
	}
}

// missed are the members, errors and values of the model that were neither
// met nor explained, and those that were explained and met all the same.
func (o *observer) missed() (missed []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	check := func(what, name string, met bool, reasons map[string]string) {
		switch reason, explained := reasons[name]; {
		case !met && !explained:
			missed = append(missed, what+" "+name+" was not met")
		case met && explained:
			missed = append(missed, what+" "+name+" was met, but the table says: "+reason)
		}
	}
	for _, operation := range sortedKeys(o.model.Operations) {
		for _, member := range sortedKeys(o.model.Shapes[o.model.Operations[operation].Input.Shape].Members) {
			check("member", operation+"."+member, o.members[operation+"."+member], unmetMembers)
		}
	}
	for _, name := range o.model.answers() {
		check("member of answers", name, o.told[name], untold)
	}
	for _, code := range o.model.codes() {
		check("error", code, o.codes[code], unmetErrors)
	}
	for _, shape := range sortedKeys(o.model.Shapes) {
		for _, value := range o.model.Shapes[shape].Enum {
			check("value", shape+"/"+value, o.values[shape+"/"+value], unmetValues)
		}
	}
	return missed
}

// answers are the members of all structures that answers can have.
func (m model) answers() []string {
	all := map[string]bool{}
	var add func(shape string)
	add = func(shape string) {
		s := m.Shapes[shape]
		for _, name := range sortedKeys(s.Members) {
			if !all[shape+"."+name] {
				all[shape+"."+name] = true
				add(s.Members[name].Shape)
			}
		}
		for _, inner := range []string{s.Member.Shape, s.Value.Shape} {
			if inner != "" {
				add(inner)
			}
		}
	}
	for _, operation := range m.Operations {
		add(operation.Output.Shape)
	}
	return sortedKeys(all)
}

// codes are the errors of all operations.
func (m model) codes() []string {
	all := map[string]bool{}
	for _, operation := range m.Operations {
		for _, e := range operation.Errors {
			all[e.Shape] = true
		}
	}
	return sortedKeys(all)
}
