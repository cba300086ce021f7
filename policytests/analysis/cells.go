package analysis

import (
	"slices"
	"unicode"
)

// maxStates bounds the search for texts that a combination of patterns takes.
const maxStates = 4000

// cells are texts that tell all patterns apart: for each combination of
// patterns that some text in domain fits, one of the shortest such texts. The
// texts of seeds, if in domain, stand for their combinations before others are
// looked for. It is false if there are too many to know.
func cells(patterns []pattern, domain pattern, seeds []string) (texts []string, complete bool) {
	found := map[string]bool{}
	take := func(text string) {
		fit := make([]byte, len(patterns))
		for i, p := range patterns {
			if p.matches(text) {
				fit[i] = 1
			}
		}
		if !found[string(fit)] {
			found[string(fit)] = true
			texts = append(texts, text)
		}
	}
	for _, s := range seeds {
		if domain.matches(s) {
			take(s)
		}
	}
	if len(patterns) == 0 && len(texts) > 0 {
		return texts, true
	}
	walk := newProduct(append(slices.Clone(patterns), domain))
	complete = walk.search(func(text string) bool {
		take(text)
		return len(patterns) < 30 && len(found) == 1<<len(patterns)
	})
	return texts, complete
}

// A product follows several patterns over the same text, character by
// character. The last pattern must take the text.
type product struct {
	patterns []pattern
	alphabet []rune
}

func newProduct(patterns []pattern) product {
	letters := map[rune]bool{}
	classes := map[class]bool{}
	for _, p := range patterns {
		for _, x := range p {
			switch x.class {
			case exact:
				letters[x.r] = true
			case foldCase:
				letters[unicode.ToLower(x.r)], letters[unicode.ToUpper(x.r)] = true, true
			case noColon:
				letters[':'] = true
			}
			classes[x.class] = true
		}
	}
	var alphabet []rune
	for r := range letters {
		alphabet = append(alphabet, r)
	}
	slices.Sort(alphabet)
	// One more character for each way in which classes can take characters
	// that no pattern names.
	var ways []string
	for _, r := range "xya0z1bcdefghijklmnopqrstuvw23456789XABCDEFGHIJKLMNOPQRSTUVWYZ-_.@+=,/:;!~ü" {
		if letters[r] {
			continue
		}
		way := ""
		for c := anything; c <= upper; c++ {
			if classes[c] && (place{class: c}).takes(r) {
				way += string(rune('a' + c))
			}
		}
		if !slices.Contains(ways, way) {
			ways = append(ways, way)
			alphabet = append([]rune{r}, alphabet...)
		}
	}
	return product{patterns: patterns, alphabet: alphabet}
}

// A state of a product, and the text by which it was reached.
type reached struct {
	at   []places
	text string
}

// search calls visit with one text for each state in which the last pattern
// takes it, the shortest first, until visit says that it is enough. It is
// false if there were too many states.
func (p product) search(visit func(string) bool) bool {
	start := reached{at: make([]places, len(p.patterns))}
	for i, x := range p.patterns {
		start.at[i] = x.closure(make(places, wordsFor(len(x)+1)), 0)
	}
	seen := map[string]bool{}
	queue := []reached{start}
	seen[key(start.at)] = true
	last := len(p.patterns) - 1
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		if s.at[last].has(len(p.patterns[last])) && visit(s.text) {
			return true
		}
		for _, r := range p.alphabet {
			next := reached{at: make([]places, len(s.at)), text: s.text + string(r)}
			for i, x := range p.patterns {
				next.at[i] = x.step(s.at[i], r)
			}
			if empty(next.at[last]) {
				continue
			}
			if k := key(next.at); !seen[k] {
				if len(queue) >= maxStates {
					return false
				}
				seen[k] = true
				queue = append(queue, next)
			}
		}
	}
	return true
}

func empty(s places) bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func key(at []places) string {
	var b []byte
	for _, s := range at {
		for _, w := range s {
			for i := range 8 {
				b = append(b, byte(w>>(8*i)))
			}
		}
	}
	return string(b)
}
