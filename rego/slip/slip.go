// Package slip finds the word that was probably meant by one that does not exist.
package slip

import "strings"

// Meant asks whether one of some words was meant, as messages end: "; did you
// mean …?". It is empty if none is near: a third of the letters may differ.
func Meant(text string, words []string) string {
	return Ask(Nearest(text, words, len(text)/3))
}

// Ask asks whether a word was meant, as messages end; empty for no word.
func Ask(word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + word + "?"
}

// Nearest is the word that text is a slip of: the one with the fewest letters
// changed, put in, left out or swapped, at most many. Case does not count. Of
// equally near ones it is the first; empty if there is none.
func Nearest(text string, words []string, most int) string {
	best, limit := "", most+1
	low := strings.ToLower(text)
	for _, w := range words {
		if d := Distance(low, strings.ToLower(w), limit); d < limit {
			best, limit = w, d
		}
	}
	return best
}

// Begun is the first word that begins with text, or else the nearest one.
func Begun(text string, words []string, most int) string {
	for _, w := range words {
		if strings.HasPrefix(w, text) {
			return w
		}
	}
	return Nearest(text, words, most)
}

// Name is the name that text is a slip of where some names are beginnings, with
// a colon or slash at the end, of names that people choose: what follows it
// stays as it is. Beginning tells that it was one of those.
func Name(text string, names []string) (name string, beginning bool) {
	for _, n := range names {
		last := n[len(n)-1]
		if last != ':' && last != '/' {
			continue
		}
		i := strings.LastIndexByte(text, last)
		if last == ':' && i > 0 {
			i = colon(text, strings.Count(n, ":"))
		}
		if i <= 0 || last == '/' && i < strings.IndexByte(text, ':') {
			continue
		}
		if d := Distance(strings.ToLower(text[:i+1]), strings.ToLower(n), 4); d > 0 && d <= max(1, len(n)/6) {
			return n + text[i+1:], true
		}
	}
	return "", false
}

// Key is the condition key that text is a slip of: a Name, or else the nearest
// one.
func Key(text string, names []string, most int) string {
	if name, ok := Name(text, names); ok {
		return name
	}
	return Nearest(text, names, most)
}

// colon is where the colon stands that is the nth of a text, or the last of
// fewer; -1 if there is none.
func colon(text string, n int) int {
	at := -1
	for ; n > 0; n-- {
		i := strings.IndexByte(text[at+1:], ':')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return at
}

// maxWord bounds what is compared; no name is longer.
const maxWord = 128

// Distance counts the edits between a and b, of single bytes and of swapped
// neighbours. What is known to reach limit is cut short there.
func Distance(a, b string, limit int) int {
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
	return min(row[len(b)], limit)
}
