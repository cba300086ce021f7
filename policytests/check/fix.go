package check

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/keyreeve/keyreeve/rego/lint"
)

// A Mended file is one whose text fixes change.
type Mended struct {
	File string // as people know it
	Path string // on disk
	// Before and After are the whole text.
	Before, After []byte
	// Fixed are the findings whose first fix was made.
	Fixed []Finding
}

// Mend makes the first fix of each finding that counts, where it does not touch
// another one's. It writes nothing. What is mended may show more to mend.
func (r *Result) Mend() []Mended {
	byFile := map[string][]Finding{}
	var files []string
	for _, f := range r.Findings {
		if f.Ignored != "" || len(f.Fixes) == 0 {
			continue
		}
		if byFile[f.File] == nil {
			files = append(files, f.File)
		}
		byFile[f.File] = append(byFile[f.File], f)
	}
	var all []Mended
	for _, file := range files {
		if m, ok := mend(r, file, byFile[file]); ok {
			all = append(all, m)
		}
	}
	return all
}

func mend(r *Result, file string, findings []Finding) (Mended, bool) {
	source := r.sources[file]
	if source == nil || source.Path == "" {
		return Mended{}, false
	}
	m := Mended{File: file, Path: source.Path, Before: source.Text}
	var edits []lint.Edit
	for _, f := range findings {
		fix := f.Fixes[0].Edits
		if slices.ContainsFunc(fix, func(e lint.Edit) bool { return touches(edits, e) }) {
			continue
		}
		edits = append(edits, fix...)
		m.Fixed = append(m.Fixed, f)
	}
	slices.SortStableFunc(edits, func(a, b lint.Edit) int { return cmp.Compare(a.Offset, b.Offset) })
	m.After = lint.Fix{Edits: edits}.Apply(source.Text)
	if json.Valid(m.Before) && !json.Valid(m.After) {
		return Mended{}, false
	}
	return m, len(m.Fixed) > 0
}

// touches tells whether an edit overlaps or adjoins one of the others.
func touches(others []lint.Edit, e lint.Edit) bool {
	return slices.ContainsFunc(others, func(o lint.Edit) bool {
		return e.Offset <= o.Offset+o.Length && o.Offset <= e.Offset+e.Length
	})
}
