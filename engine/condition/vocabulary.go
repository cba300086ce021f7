package condition

import "strings"

// A Vocabulary holds the service's own keys (kms:…) that an action can have.
type Vocabulary struct {
	names    map[string]bool
	prefixes []string
	defaults []parameter // in no particular order
}

// A parameter is a condition key with what it is by default.
type parameter struct {
	key    string
	values []string
}

// NewVocabulary takes the names of condition keys; one that ends in a colon or
// slash stands for all that begin with it. defaults are what keys of the
// vocabulary are where a request leaves them open.
func NewVocabulary(keys []string, defaults Context) *Vocabulary {
	v := &Vocabulary{names: map[string]bool{}}
	for _, key := range keys {
		key = strings.ToLower(key)
		if strings.HasSuffix(key, ":") || strings.HasSuffix(key, "/") {
			v.prefixes = append(v.prefixes, key)
			continue
		}
		v.names[key] = true
	}
	for key, values := range defaults {
		if v.Has(key) {
			v.defaults = append(v.defaults, parameter{key, values})
		}
	}
	return v
}

// complete adds the defaults of what a request left open.
func (v *Vocabulary) complete(c Context) {
	if v == nil {
		return
	}
	for _, d := range v.defaults {
		if _, sent := c[d.key]; !sent {
			c[d.key] = d.values
		}
	}
}

// Has tells whether a condition key, in lower case, is none of the service's or
// one of v. The zero Vocabulary has none of the service's.
func (v *Vocabulary) Has(key string) bool {
	if !strings.HasPrefix(key, "kms:") || v.names[key] {
		return true
	}
	for _, p := range v.prefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}
