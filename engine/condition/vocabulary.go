package condition

import "strings"

// A Vocabulary holds the service's own keys (kms:…) that an action can have.
type Vocabulary struct {
	names    map[string]bool
	prefixes []string
}

// NewVocabulary takes the names of condition keys; one that ends in a colon or
// slash stands for all that begin with it.
func NewVocabulary(keys []string) Vocabulary {
	v := Vocabulary{names: map[string]bool{}}
	for _, key := range keys {
		key = strings.ToLower(key)
		if strings.HasSuffix(key, ":") || strings.HasSuffix(key, "/") {
			v.prefixes = append(v.prefixes, key)
			continue
		}
		v.names[key] = true
	}
	return v
}

func (v Vocabulary) has(key string) bool {
	if v.names[key] {
		return true
	}
	for _, p := range v.prefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// Restrict drops the keys of the service that the action cannot have. The
// zero Vocabulary drops all of them.
func (c Context) Restrict(v Vocabulary) {
	for key := range c {
		if strings.HasPrefix(key, "kms:") && !v.has(key) {
			delete(c, key)
		}
	}
}
