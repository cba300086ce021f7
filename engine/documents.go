package engine

import (
	"sync"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// documentBytes bounds the text of the parsed key policies that are kept.
const documentBytes = 32 << 20

// A documents keeps parsed key policies by their text, so that a thousand
// keys with the same policy share one. Safe for concurrent use.
type documents struct {
	mu     sync.Mutex
	byText map[string]*policy.Document
	size   int
}

// parse returns the parsed policy. When the bound is reached all are dropped:
// parsing again costs less than keeping score.
func (d *documents) parse(text string) (*policy.Document, error) {
	d.mu.Lock()
	doc, kept := d.byText[text]
	d.mu.Unlock()
	if kept {
		return doc, nil
	}
	doc, err := policy.Parse(policy.Key, []byte(text))
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byText == nil || d.size+len(text) > documentBytes {
		d.byText, d.size = map[string]*policy.Document{}, 0
	}
	d.byText[text] = doc
	d.size += len(text)
	return doc, nil
}
