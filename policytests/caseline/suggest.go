package caseline

import "strings"

// Meant asks whether another name was meant, as messages end: "; did you mean
// …?". It is empty if no name is near.
func Meant(word string, names []string) string {
	best := Nearest(word, names)
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// Nearest is the name that a word is a slip of; empty if there is none.
func Nearest(word string, names []string) string {
	best, distance := "", len(word)/3+1
	for _, name := range names {
		if d := edits(strings.ToLower(word), strings.ToLower(name), distance); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// edits is the number of letters to insert, delete or replace, or limit if it
// is no less.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return min(row[len(b)], limit)
}
