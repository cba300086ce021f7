package decisionlog

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// hidden stands in the place of what is masked.
const hidden = "**REDACTED**"

// pairKey begins the condition keys of encryption context pairs. Their names
// are not masked: policies have them.
const pairKey = "kms:encryptioncontext:"

// path writes a place as OPA does.
func path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// mask replaces the values of encryption contexts wherever a line would have
// them, and names the places.
func (e *event) mask(in *input, out *decision.Evidence) {
	for _, name := range slices.Sorted(maps.Keys(in.Context)) {
		if strings.HasPrefix(name, pairKey) {
			in.Context[name] = []string{hidden}
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
		own.Actual = []string{hidden}
		out.Nearest = &own
		e.masked = append(e.masked, path("result", "nearestMiss", "actual"))
	}
}

func (e *event) maskPairs(pairs map[string]string, at ...string) {
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		pairs[name] = hidden
		e.masked = append(e.masked, path(append(at, name)...))
	}
}

// maxLine bounds input and result of a line; what else is in it is short.
const maxLine = 64 << 10

// bound leaves out what is longest, until the line is within its bound, and
// names what it left out.
func (e *event) bound(in *input, out *decision.Evidence) {
	for _, part := range []struct {
		at   string
		drop func()
	}{
		{path("result", "layers"), func() { out.Layers = nil }},
		{path("input", "grants"), func() { in.Grants = nil }},
		{path("input", "policies"), func() { in.Policies = nil }},
		{path("input", "context"), func() { in.Context = nil }},
		{path("input", "encryption_context"), func() { in.EncryptionContext = nil }},
		{path("result", "grants"), func() { out.Grants = []string{} }},
		{path("result", "nearestMiss"), func() { out.Nearest = nil }},
	} {
		if size(in)+size(out)+size(e.masked) <= maxLine {
			return
		}
		part.drop()
		e.erased = append(e.erased, part.at)
		e.masked = slices.DeleteFunc(e.masked, func(m string) bool { return strings.HasPrefix(m, part.at+"/") })
	}
}
