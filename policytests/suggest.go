package policytests

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// meant asks whether another name was meant: the nearest one, if it is near.
func meant(word string, names []string) string {
	best := nearest(word, names)
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// nearest is the name that a word is a slip of; empty if there is none.
func nearest(word string, names []string) string {
	best, distance := "", len(word)/3+1
	for _, name := range names {
		if d := edits(strings.ToLower(word), strings.ToLower(name), distance); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// meant asks whether another principal, key or alias of the world was meant:
// one that is called nearly so.
func (a *Asker) meant(name string) string {
	kind, rest, _ := strings.Cut(name, "/")
	var rests []string
	full := map[string]string{}
	for _, w := range append(append(a.Everybody(), a.EveryKey()...), a.everyAlias()...) {
		if k, r, ok := strings.Cut(w.Text, "/"); ok && k == kind {
			rests = append(rests, r)
			full[r] = w.Text
		}
	}
	best := nearest(rest, rests)
	if best == "" {
		return ""
	}
	return "; did you mean " + full[best] + "?"
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

func actionNames() []string {
	names := make([]string, len(policy.Actions))
	for i, a := range policy.Actions {
		names[i] = a.Name
	}
	return names
}

func keyNames() []string {
	names := make([]string, len(policy.ConditionKeys))
	for i, k := range policy.ConditionKeys {
		names[i] = k.Name
	}
	return names
}
