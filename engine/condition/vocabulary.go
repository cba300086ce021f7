package condition

import "strings"

// A Vocabulary holds the service's own keys (kms:…) that an action can have.
type Vocabulary struct {
	names    map[string]bool
	prefixes []string
}

// NewVocabulary takes the names of condition keys; one that ends in a colon or
// slash stands for all that begin with it.
func NewVocabulary(keys []string) *Vocabulary {
	v := &Vocabulary{names: map[string]bool{}}
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
