package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// A Baseline is a list of findings that were there before, so that only new
// ones count.
type Baseline struct {
	Version  int            `json:"version"`
	Findings []BaselineItem `json:"findings"`
}

// A BaselineItem is one finding. Rule and File are for people, and to tell what
// is not found again.
type BaselineItem struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	File        string `json:"file"`
	Policy      string `json:"policy,omitempty"`
}

// ReadBaseline reads a file that WriteBaseline wrote.
func ReadBaseline(name string) (*Baseline, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	var b Baseline
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("%s is no baseline: %w", name, err)
	}
	if b.Version != 1 {
		return nil, fmt.Errorf("%s is no baseline of version 1", name)
	}
	return &b, nil
}

// Replaceable tells whether a baseline may be written under a name: nothing is
// there, or an older baseline, or an empty file.
func Replaceable(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().IsRegular() && info.Size() == 0:
		return nil
	}
	if _, err := ReadBaseline(name); err != nil {
		return fmt.Errorf("%s is there already and is no baseline, so it stays", name)
	}
	return nil
}

// NewBaseline lists the findings that count: not those set aside by the
// configuration, nor what could not be read or decided.
func (r *Result) NewBaseline() *Baseline {
	b := &Baseline{Version: 1, Findings: []BaselineItem{}}
	for _, f := range r.Findings {
		if f.Ignored == "" && !f.Unknown && !slices.Contains(notIgnored, f.Rule) {
			b.Findings = append(b.Findings, BaselineItem{f.Fingerprint, f.Rule, f.File, f.Policy})
		}
	}
	slices.SortStableFunc(b.Findings, func(x, y BaselineItem) int {
		return strings.Compare(x.File+"\x00"+x.Rule+"\x00"+x.Fingerprint, y.File+"\x00"+y.Rule+"\x00"+y.Fingerprint)
	})
	return b
}

// Write writes the baseline, a line for each finding so that versions can be
// compared.
func (b *Baseline) Write(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"findings\": [", b.Version)
	for i, item := range b.Findings {
		line, err := json.Marshal(item)
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n    " + string(line))
	}
	out.WriteString("\n  ]\n}\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// apply marks what is known, and counts what is not found again.
func (b *Baseline) apply(r *Result) {
	if b == nil {
		return
	}
	items := map[string]bool{}
	for _, item := range b.Findings {
		items[item.Fingerprint] = true
	}
	found := map[string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Known = items[f.Fingerprint] && !slices.Contains(notIgnored, f.Rule)
		found[f.Fingerprint] = true
	}
	for _, item := range b.Findings {
		if !found[item.Fingerprint] && r.sources[item.File] != nil {
			r.Stale++
		}
	}
}
