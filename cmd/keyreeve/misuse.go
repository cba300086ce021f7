package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// misused adds to the error of a wrong flag which one was meant, if that can
// be told, and where the flags are described.
func misused(c *cobra.Command, err error) error {
	hint := "see " + c.CommandPath() + " --help"
	if _, name, ok := strings.Cut(err.Error(), "unknown flag: --"); ok {
		if meant := nearestFlag(c, name); meant != "" {
			hint = "did you mean --" + meant + "? " + hint
		}
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// maxTypos is how far a flag may be from the one that was meant.
const maxTypos = 2

// nearestFlag is the flag of a command that name is a slip of, or empty.
func nearestFlag(c *cobra.Command, name string) string {
	best, distance := "", maxTypos+1
	c.Flags().VisitAll(func(f *pflag.Flag) {
		d := typos(name, f.Name)
		if strings.HasPrefix(f.Name, name) {
			d = 0
		}
		if d < distance {
			best, distance = f.Name, d
		}
	})
	return best
}

// typos counts the letters that must be put in, left out or replaced to make
// b of a (Levenshtein).
func typos(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = slices.Min([]int{replaced, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
