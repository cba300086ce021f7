package decisionlog

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// hidden stands in the place of what is masked.
const hidden = "**REDACTED**"

var redacted = []string{hidden}

// pairKey begins the condition keys of encryption context pairs. Their names
// are not masked: policies have them.
const pairKey = "kms:encryptioncontext:"

// path writes a place as OPA does.
func path(parts ...string) string {
	var b strings.Builder
	b.Grow(64)
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

// mask replaces the values of encryption contexts wherever a line would have
// them, and names the places.
func (e *event) mask(in *input, out *decision.Evidence) {
	in.masked = true
	var space [fewNames]string
	for _, name := range appendSorted(space[:0], in.Context) {
		if strings.HasPrefix(name, pairKey) {
			e.masked = append(e.masked, path("input", "context", name))
		}
	}
	e.maskPairs(in.EncryptionContext, "input", "encryption_context")
	for i, g := range in.Grants {
		e.maskPairs(g.Equals, "input", "grants", strconv.Itoa(i), "equals")
		e.maskPairs(g.Subset, "input", "grants", strconv.Itoa(i), "subset")
	}
	if in.Child != nil {
		e.maskPairs(in.Child.Equals, "input", "child", "equals")
		e.maskPairs(in.Child.Subset, "input", "child", "subset")
	}
	if near := out.Nearest; near != nil && len(near.Actual) > 0 && strings.HasPrefix(strings.ToLower(near.Key), pairKey) {
		own := *near // the evidence of others
		own.Actual = redacted
		out.Nearest = &own
		e.masked = append(e.masked, path("result", "nearestMiss", "actual"))
	}
}

func (e *event) maskPairs(pairs map[string]string, at ...string) {
	if len(pairs) == 0 {
		return
	}
	var space [fewNames]string
	for _, name := range appendSorted(space[:0], pairs) {
		e.masked = append(e.masked, path(append(at, name)...))
	}
}

// fewNames is room for as many names as most maps have.
const fewNames = 48

// appendSorted appends the names of pairs in order to names, which is empty.
func appendSorted[V any](names []string, pairs map[string]V) []string {
	for name := range pairs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// maxLine bounds input and result of a line; what else is in it is short.
const maxLine = 64 << 10

// bound writes input and result. It leaves out what is longest, until the line
// is within its bound, and names what it left out.
func (e *event) bound(in *input, out *decision.Evidence) (input, result json.RawMessage) {
	input, result = in.json(), written(out)
	for i := 0; len(input)+len(result)+size(e.masked) > maxLine && i < len(droppable); i++ {
		part := droppable[i]
		part.drop(in, out)
		e.erased = append(e.erased, part.at)
		e.masked = slices.DeleteFunc(e.masked, func(m string) bool { return strings.HasPrefix(m, part.at+"/") })
		input, result = in.json(), written(out)
	}
	return input, result
}

// droppable is what can be left out of a line, the longest first.
var droppable = []struct {
	at   string
	drop func(*input, *decision.Evidence)
}{
	{"/result/layers", func(_ *input, out *decision.Evidence) { out.Layers = nil }},
	{"/input/grants", func(in *input, _ *decision.Evidence) { in.Grants = nil }},
	{"/input/policies", func(in *input, _ *decision.Evidence) { in.Policies = policies{} }},
	{"/input/context", func(in *input, _ *decision.Evidence) { in.Context = nil }},
	{"/input/encryption_context", func(in *input, _ *decision.Evidence) { in.EncryptionContext = nil }},
	{"/result/grants", func(_ *input, out *decision.Evidence) { out.Grants = []string{} }},
	{"/result/nearestMiss", func(_ *input, out *decision.Evidence) { out.Nearest = nil }},
}
