package lint

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/slip"
)

// A guess is the word that was probably meant.
type guess struct {
	word string
	// sure: it differs in two letters at most, and no other word is as near.
	sure bool
}

// nearest finds the word that text was probably meant to be: the one with the
// fewest letters changed, inserted, left out or swapped, at most a quarter of
// them. Case does not count. Of two equally near, the first.
func nearest(text string, words []string) (guess, bool) {
	const many = 2
	best, g := max(1, len(text)/4)+1, guess{}
	low := strings.ToLower(text)
	for _, w := range words {
		switch d := slip.Distance(low, strings.ToLower(w), best+1); {
		case d < best:
			best, g = d, guess{w, d <= many}
		case d == best && w != g.word:
			g.sure = false
		}
	}
	return g, g.word != ""
}
