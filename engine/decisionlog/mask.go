package decisionlog

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// hidden stands in the place of what is masked.
const hidden = "**REDACTED**"

var redacted = []string{hidden}

// pairKey begins the condition keys of encryption context pairs. Their names
// are not masked: policies have them.
const pairKey = "kms:encryptioncontext:"

// An event is the parts of one line that can be long.
type event struct {
	input, result []byte
	masked        []byte // JSON strings, each with a comma before it
	erased        []string

	question decision.Question
	evidence decision.Evidence
	asked    input
}

var events = sync.Pool{New: func() any { return new(event) }}

// kept is how long the parts of an event may be that is used again.
const kept = 4 * maxLine

func (e *event) release() {
	e.question, e.evidence, e.asked = decision.Question{}, decision.Evidence{}, input{}
	if cap(e.input)+cap(e.result)+cap(e.masked) <= kept {
		events.Put(e)
	}
}

// maxLine bounds input and result of a line; what else is in it is short.
const maxLine = 64 << 10

// fill writes input and result, and the places that are masked in them. It
// leaves out what is longest, until the line is within its bound, and names what
// it left out.
func (e *event) fill(in *input, out *decision.Evidence) {
	e.erased = e.erased[:0]
	e.write(in, out)
	for i := 0; len(e.input)+len(e.result)+len(e.masked) > maxLine && i < len(droppable); i++ {
		droppable[i].drop(in, out)
		e.erased = append(e.erased, droppable[i].at)
		e.write(in, out)
	}
}

func (e *event) write(in *input, out *decision.Evidence) {
	e.input, e.result, e.masked = in.appendTo(e.input[:0]), out.AppendJSON(e.result[:0]), e.masked[:0]
	if in.masked {
		e.mask(in, out)
	}
}

// droppable is what can be left out of a line, the longest first.
var droppable = []struct {
	at   string
	drop func(*input, *decision.Evidence)
}{
	{"/result/layers", func(_ *input, out *decision.Evidence) { out.Layers = nil }},
	{"/input/grants", func(in *input, _ *decision.Evidence) { in.noGrants = true }},
	{"/input/policies", func(in *input, _ *decision.Evidence) { in.noPolicies = true }},
	{"/input/context", func(in *input, _ *decision.Evidence) { in.noContext = true }},
	{"/input/encryption_context", func(in *input, _ *decision.Evidence) { in.noEncryptionContext = true }},
	{"/result/grants", func(_ *input, out *decision.Evidence) { out.Grants = []string{} }},
	{"/result/nearestMiss", func(_ *input, out *decision.Evidence) { out.Nearest = nil }},
}

// hide masks the values of evidence: those of the request that its nearest miss
// shows.
func hide(out *decision.Evidence) {
	if near := out.Nearest; near != nil && len(near.Actual) > 0 && ofPair(near) {
		own := *near // the evidence of others
		own.Actual = redacted
		out.Nearest = &own
	}
}

// ofPair tells whether a nearest miss is about a pair of the encryption context.
func ofPair(near *decision.NearestMiss) bool {
	return strings.HasPrefix(strings.ToLower(near.Key), pairKey)
}

// mask names the places of masked values: those of encryption contexts,
// wherever a line has them.
func (e *event) mask(in *input, out *decision.Evidence) {
	var space [few]string
	names := space[:0]
	for name := range in.context() {
		if strings.HasPrefix(name, pairKey) {
			names = append(names, name)
		}
	}
	e.places(names, "/input/context/")
	e.pairs(in.pairs(), "/input/encryption_context/")
	for i, g := range in.grants() {
		if len(g.Equals)+len(g.Subset) > 0 {
			at := "/input/grants/" + strconv.Itoa(i)
			e.pairs(g.Equals, at+"/equals/")
			e.pairs(g.Subset, at+"/subset/")
		}
	}
	if in.Child != nil {
		e.pairs(in.Child.Equals, "/input/child/equals/")
		e.pairs(in.Child.Subset, "/input/child/subset/")
	}
	if near := out.Nearest; near != nil && len(near.Actual) > 0 && ofPair(near) {
		e.masked = append(e.masked, `,"/result/nearestMiss/actual"`...)
	}
}

// few is room for as many names as most requests have.
const few = 8

func (e *event) pairs(pairs map[string]string, at string) {
	var space [few]string
	names := space[:0]
	for name := range pairs {
		names = append(names, name)
	}
	e.places(names, at)
}

// places writes names below at, in order, as OPA does. Escaped as parts of a path
// they need no escapes of JSON.
func (e *event) places(names []string, at string) {
	slices.Sort(names)
	for _, name := range names {
		e.masked = append(append(e.masked, `,"`...), at...)
		e.masked = append(append(e.masked, url.PathEscape(name)...), '"')
	}
}
