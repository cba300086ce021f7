package lint

import "strings"

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
		switch d := distance(low, strings.ToLower(w), best+1); {
		case d < best:
			best, g = d, guess{w, d <= many}
		case d == best && w != g.word:
			g.sure = false
		}
	}
	return g, g.word != ""
}

// distance counts the edits between a and b, of single bytes and of swapped
// neighbours. What is known to reach limit is cut short there.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > maxWord || len(b) > maxWord {
		return limit
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// maxWord bounds what is compared; no name is longer.
const maxWord = 128
